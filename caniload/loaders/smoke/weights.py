"""Compare live weights with the artefact's, by name and bytes or by digest of sorted values."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artefact
from .loader import CheckResult
from .safetensors_reader import Tensor, read_all

_LEGACY = (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"))
"""Names that checkpoints converted from TensorFlow 1 BERT carry; transformers renames them."""


@dataclass
class Live:
    """One tensor of the loaded model.

    `matches(tensor)` tells whether the file's tensor has the same values, after the cast that
    the recipe asks for. `storage` tells tied tensors apart. `persistent` is False for buffers
    that the library declares not to be saved.
    """

    name: str
    shape: tuple[int, ...]
    matches: Callable[[Tensor], bool]
    storage: Any = None
    persistent: bool = True
    parameter: bool = True
    dtype: str = ""
    probe: Callable[[Tensor | None], bytes] | None = None
    """A few values of a file's tensor as this one would hold them, or of itself for None: what
    finds a tensor that the library renames as it loads."""
    glance: Callable[[Tensor], bool] | None = None
    """Like `matches`, over blocks spread through the tensor: what large models can afford."""


WHOLE_BYTES = 100_000_000
"""Models up to this size are compared whole. Of larger ones every small tensor, the first, the
last and the heads are, and of the others blocks throughout: reading twice what a library maps
into memory once would cost more than its load."""

WHOLE_TENSOR_BYTES = 16_000_000
"""No tensor of a larger model that is larger than this is compared whole: an embedding, which
comes first, may be a quarter of it."""


def candidates(name: str, prefix: str) -> list[str]:
    """Return the names under which a file may hold a live tensor: its own, or the library's."""
    names = [name]
    if prefix:
        start = f"{prefix}."
        names.append(name[len(start) :] if name.startswith(start) else start + name)
    for new, old in _LEGACY:
        names += [item.replace(new, old) for item in names if item.endswith(new)]
    return names


def compare_named(file: dict[str, Tensor], live: Iterable[Live], prefix: str = "") -> CheckResult:
    """Check a name-preserving loader: every live tensor is the file's, by name, shape and bytes.

    `prefix` is the name of the base model inside the class, with or without which checkpoints
    are written. A live tensor that the file lacks passes only if it is tied to one that
    matched, or is a buffer declared as not saved. Tensors that only the file holds are counted
    and named, since published checkpoints carry heads that their class does not use.
    """
    live = list(live)
    used: set[str] = set()
    matched: set[Any] = set()
    missing: list[Live] = []
    differing: list[str] = []
    glanced = 0
    large = sum(len(tensor.data) for tensor in file.values()) > WHOLE_BYTES
    whole = _whole(live, prefix) if large else None
    for item in live:
        key = item.name if item.name in file else _other_name(item.name, prefix, file)
        if key is None:
            if item.persistent:
                missing.append(item)
            continue
        used.add(key)
        if file[key].shape != item.shape:
            differing.append(f"{item.name} {list(item.shape)} for {list(file[key].shape)}")
            continue
        look = _look(item, file[key], whole)
        glanced += int(look is item.glance)
        if look(file[key]):
            matched.add(item.storage)
        else:
            differing.append(item.name)
    unused = [name for name in file if name not in used]
    renamed, looked = _renamed({name: file[name] for name in unused}, missing, whole)
    glanced += looked
    matched |= {item.storage for item in missing if item.name in renamed}
    used |= set(renamed.values())
    unused = [name for name in unused if name not in used]
    lost = [
        item.name
        for item in missing
        if item.name not in renamed and (item.storage is None or item.storage not in matched)
    ]
    numbers = {
        "file_tensors": float(len(file)),
        "live_tensors": float(len(live)),
        "compared": float(len(used)),
        "missing": float(len(lost)),
        "differing": float(len(differing)),
        "unused": float(len(unused)),
        "renamed": float(len(renamed)),
        "glanced": float(glanced),
    }
    if lost and not matched:
        text = f"none of {len(live)} live tensors is in the file ({_some(lost)})"
        return CheckResult.failed("weights", "weights_random", text, **numbers)
    if lost:
        text = f"{len(lost)} of {len(live)} live tensors are not in the file: {_some(lost)}"
        return CheckResult.failed("weights", "weights_missing", text, **numbers)
    if differing:
        text = f"{len(differing)} of {len(used)} tensors are not the file's: {_some(differing)}"
        return CheckResult.failed("weights", "weights_mismatch", text, **numbers)
    if not used:
        text = "the model holds no tensor that the file has"
        return CheckResult.failed("weights", "weights_missing", text, **numbers)
    detail = f"{len(used)} of {len(file)} tensors of the file compared by name, shape and bytes"
    if glanced:
        detail += f", {glanced} of them by blocks throughout"
    if renamed:
        detail += f"; {len(renamed)} found by shape and bytes under other names"
    if unused:
        detail += f"; the class does not use {_some(unused)}"
    return CheckResult("weights", "passed", detail, numbers)


def _other_name(name: str, prefix: str, file: dict[str, Tensor]) -> str | None:
    """Return the other name under which a file holds a live tensor, if it does."""
    return next((each for each in candidates(name, prefix) if each in file), None)


def _whole(live: list[Live], prefix: str) -> set[str]:
    """Name the tensors of a large model that are compared whole: first, last and heads."""
    names = [item.name for item in live]
    heads = [name for name in names if prefix and not name.startswith(f"{prefix}.")]
    inside = len(heads) < len(names)
    return {*names[:1], *names[-1:], *(heads if inside else ())}


def _look(item: Live, tensor: Tensor, whole: set[str] | None) -> Callable[[Tensor], bool]:
    """Return how a tensor is compared: whole, or by blocks; `whole` is None for small models."""
    if whole is None or item.glance is None:
        return item.matches
    if item.name in whole and len(tensor.data) <= WHOLE_TENSOR_BYTES:
        return item.matches
    return item.glance


def _renamed(
    unused: dict[str, Tensor], missing: list[Live], whole: set[str] | None
) -> tuple[dict[str, str], int]:
    """Find live tensors that the file holds under another name, each in a tensor of its own.

    transformers 5 renames as it loads (its conversion mapping): a tensor counts as found where
    shape and bytes are the same, looked at as those are that keep their names. Also returns how
    many were compared by blocks.
    """
    shelves: dict[tuple[tuple[int, ...], Any, bytes], list[str]] = {}
    probed: set[Any] = set()
    taken: set[str] = set()
    found: dict[str, str] = {}
    glanced = 0
    for item in missing:
        if item.probe is None:
            continue
        if item.dtype not in probed:
            probed.add(item.dtype)
            for name, tensor in unused.items():
                key = (tensor.shape, item.dtype, item.probe(tensor))
                shelves.setdefault(key, []).append(name)
        for name in shelves.get((item.shape, item.dtype, item.probe(None)), []):
            look = _look(item, unused[name], whole)
            if name not in taken and look(unused[name]):
                glanced += int(look is item.glance)
                taken.add(name)
                found[item.name] = name
                break
    return found, glanced


def compare_values(
    file: dict[str, str], live: dict[str, str], fused: Iterable[str] = ()
) -> CheckResult:
    """Check a converting loader: each trainable live tensor is in the artefact by its values.

    `file` and `live` give the digest of the sorted values by name (`digest`). Equal tensors
    count as often as they occur. `fused` names live tensors that the loader makes from several.
    """
    skip = set(fused)
    stock = Counter(file.values())
    lost: list[str] = []
    for name, value in live.items():
        if name in skip:
            continue
        if stock[value] > 0:
            stock[value] -= 1
        else:
            lost.append(name)
    looked = len(live) - len(skip & set(live))
    numbers = {
        "file_tensors": float(len(file)),
        "live_tensors": float(len(live)),
        "matched": float(looked - len(lost)),
        "missing": float(len(lost)),
        "unused": float(sum(stock.values())),
    }
    if lost or not looked:
        code = "weights_missing" if looked > len(lost) else "weights_random"
        text = f"{len(lost)} of {looked} trainable tensors are not in the artefact: {_some(lost)}"
        return CheckResult.failed("weights", code, text, **numbers)
    detail = f"{looked} of {looked} trainable tensors found by a digest of their sorted values"
    if skip:
        detail += f"; fused, not compared: {_some(sorted(skip))}"
    return CheckResult("weights", "passed", detail, numbers)


def digest(values: Any) -> str:
    """Digest a numpy array by its sorted float32 values; layout and shape do not count."""
    import numpy

    flat = numpy.asarray(values).astype(numpy.float32).ravel() + numpy.float32(0)
    return hashlib.sha256(numpy.sort(flat).tobytes()).hexdigest()


def as_array(tensor: Tensor) -> Any:
    """Return a file's tensor as a numpy array; bfloat16 widens to float32 without loss."""
    import numpy

    if tensor.dtype == "BF16":
        wide = numpy.frombuffer(tensor.data, dtype="<u2").astype(numpy.uint32) << 16
        return wide.view(numpy.float32).reshape(tensor.shape)
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"}
    kind = kinds.get(tensor.dtype)
    if kind is None:
        sign, bits = tensor.dtype[0].lower(), tensor.dtype[1:]
        if sign not in "iu" or not bits.isdigit():
            raise ValueError(f"tensor {tensor.name!r} has dtype {tensor.dtype}, not comparable yet")
        kind = f"<{sign}{int(bits) // 8}"
    return numpy.frombuffer(tensor.data, dtype=kind).reshape(tensor.shape)


def stored(home: Path, form: str | None, variant: str | None = None) -> dict[str, Tensor]:
    """Return the tensors of a model's weight files in one directory, read apart from the library.

    safetensors are read by our own reader; PyTorch's pickles, which nothing else reads, by
    `torch.load(weights_only=True)`. Returns {} where there is neither.
    """
    files = artefact.safetensors_files(home, variant)
    if files and form in (None, "safetensors"):
        return read_all(files)
    if form in (None, "bin"):
        from .torch_side import read_pickles

        return read_pickles(artefact.pickle_files(home, variant))
    return {}


def digests(stored: dict[str, Tensor]) -> dict[str, str]:
    """Return the digest of every floating-point tensor of an artefact by name."""
    floating = {name: item for name, item in stored.items() if "F" in item.dtype}
    return {name: digest(as_array(item)) for name, item in floating.items()}


def _some(names: list[str], limit: int = 5) -> str:
    """Name the first few of a list and count the rest."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
