"""Look through a stored Keras configuration for code, before the library reads it."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .consent import need_code

_CODE = {
    "Lambda": "runs Python that the file holds or names",
    "__lambda__": "runs Python that the file holds",
    "TorchModuleWrapper": "unpickles a PyTorch module",
    "JaxLayer": "runs functions that the file holds",
    "FlaxLayer": "runs functions that the file holds",
}
"""Classes of a configuration whose loading executes code, and what they do."""

_HOME = ("keras", "tf_keras", "tensorflow", "builtins", "keras_hub", "keras_nlp", "keras_cv")
"""Packages whose classes a configuration may name; others that are installed would be imported."""


def refuse_code(path: Path, job: dict[str, Any]) -> bool:
    """Raise `failure.Refused` if loading executes code and the job does not allow it.

    tf_keras runs the Lambda layers of HDF5 files whatever `safe_mode` says, and imports the
    modules that a configuration names; so the configuration is read here first. Returns whether
    there is such code. A file without a configuration that can be read is left to the library.
    """
    found = dict.fromkeys(why for config in _configs(path) for why in _reasons(config))
    for why in found:
        need_code(job, why)
    return bool(found)


def _configs(path: Path) -> Iterator[Any]:
    """Yield the configurations of a .keras archive or an HDF5 file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("config.json"):
                    yield from _parsed(archive.read(name))
        return
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError:
        return
    with file:
        for name in ("model_config", "training_config"):
            if name in file.attrs:
                yield from _parsed(file.attrs[name])


def _parsed(text: Any) -> Iterator[Any]:
    try:
        yield json.loads(text)
    except (ValueError, TypeError):
        return


def _reasons(config: Any) -> Iterator[str]:
    """Yield what in a configuration executes code, each as "<what> <does what>"."""
    queue = [config]
    while queue:
        now = queue.pop()
        if isinstance(now, dict):
            queue.extend(now.values())
            kind, module = now.get("class_name"), now.get("module")
            if isinstance(kind, str) and kind.rpartition(">")[2] in _CODE:
                kind = kind.rpartition(">")[2]
                yield f"the configuration's {kind} {_CODE[kind]}"
            elif isinstance(kind, str) and isinstance(module, str) and _foreign(module):
                yield f"the configuration's {kind} imports the module {module}"
        elif isinstance(now, list):
            queue.extend(now)


def _foreign(module: str) -> bool:
    """Tell whether a module is one that would be imported, and none of Keras's."""
    top = module.partition(".")[0]
    if top in _HOME or not top:
        return False
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return True
