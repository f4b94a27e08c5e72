"""Digest what a weight file holds, whatever its format: the measure of loaders that convert.

Each file is read by a reader of its format, never by the loader under test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, weights
from .loader import Job

_STEMS = {"tf-h5": ("tf_model", "h5"), "flax": ("flax_model", "msgpack")}

_FILES = {
    "safetensors": ("model*.safetensors", "model.safetensors.index*.json"),
    "bin": ("pytorch_model*.bin", "pytorch_model.bin.index*.json"),
    "tf-h5": ("tf_model*.h5", "tf_model.h5.index.json"),
    "flax": ("flax_model*.msgpack", "flax_model.msgpack.index.json"),
}
"""Files of each format in a Hugging Face directory."""


def digests(home: Path, form: str | None, variant: str | None = None) -> dict[str, str]:
    """Return the digest of every floating-point tensor of an artefact by name; {} for no file."""
    if form in _STEMS:
        files = artefact.weight_files(home, *_STEMS[form], variant)
        read = hdf5 if form == "tf-h5" else msgpack
        return {name: found for file in files for name, found in read(file).items()}
    return weights.digests(weights.stored(home, form, variant))


def hdf5(path: Path) -> dict[str, str]:
    """Return the digest of each floating-point data set of an HDF5 file by its path inside."""
    import h5py

    found: dict[str, str] = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            found[name] = weights.digest(item[()])

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return found


def msgpack(path: Path) -> dict[str, str]:
    """Return the digest of each floating-point leaf of a Flax file by its path in the tree."""
    from flax.serialization import msgpack_restore

    found: dict[str, str] = {}
    rows: list[tuple[str, Any]] = [("", msgpack_restore(path.read_bytes()))]
    while rows:
        name, item = rows.pop()
        if isinstance(item, dict):
            rows += [(f"{name}/{key}" if name else str(key), item[key]) for key in item]
        elif _floating(item):
            found[name] = weights.digest(item)
    return found


def _floating(value: Any) -> bool:
    """Tell whether a leaf is an array of floats; bfloat16 is numpy's kind V."""
    kind = getattr(value, "dtype", None)
    return kind is not None and (kind.kind == "f" or "float" in str(kind))


def alone(home: Path, form: str | None, job: Job) -> Path:
    """Return a directory in which a format's weights stand alone, for loaders that prefer another.

    The artefact itself where it holds no other; else one of links, made once a job.
    """
    others = [
        file
        for name, patterns in _FILES.items()
        for pattern in patterns
        for file in home.glob(pattern)
        if name != form
    ]
    if form not in _FILES or not others:
        return home
    if "alone" not in job:
        import tempfile

        target = Path(tempfile.mkdtemp(prefix="alone-"))
        for file in home.iterdir():
            if file not in others:
                (target / file.name).symlink_to(file.resolve())
        job["alone"] = str(target)
    return Path(job["alone"])


def conversion(job: Job) -> dict[str, Any]:
    """Return the options by which a user asks for another framework's weights: `from_pt=True`."""
    options = job["recipe"].get("options") or {}
    names = ("from_pt", "from_tf", "from_flax")
    return {name: bool(options[name]) for name in names if name in options}
