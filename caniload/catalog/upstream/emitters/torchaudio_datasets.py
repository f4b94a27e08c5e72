"""torchaudio: its dataset classes, read from its wheel.

Nothing is imported: torchaudio cannot be without the build of PyTorch that it was compiled for.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from typing import Any

from .lines import dataset, emit
from .written import checksums

PACKAGE = "torchaudio/datasets"


def main(wheel: str) -> None:
    """Emit one line a dataset class of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
        version = said["Version"].partition("+")[0]
        emit("torchaudio-datasets", "torchaudio", _classes(archive), version)


def _classes(archive: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    start = ast.parse(archive.read(f"{PACKAGE}/__init__.py"))
    for node in start.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        tree = ast.parse(archive.read(f"{PACKAGE}/{node.module}.py"))
        classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
        for name in sorted(each.name for each in node.names):
            needed, downloads = _asked(classes, name)
            given = [*needed, *(["download=True"] if downloads else [])]
            yield dataset(
                name,
                frameworks=["pytorch"],
                library="torchaudio",
                call=f"torchaudio.datasets.{name}({', '.join(given)})",
                checksums=checksums([tree, classes[name]]),
                facts={"download": 1 if downloads else 0},
            )


def _asked(classes: dict[str, ast.ClassDef], name: str) -> tuple[list[str], bool]:
    """Return the arguments that a class has to be given, and whether it takes `download`."""
    for method in classes[name].body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            names = [each.arg for each in method.args.args]
            needed = names[1 : len(names) - len(method.args.defaults)]
            return needed, "download" in [*names, *(each.arg for each in method.args.kwonlyargs)]
    parent = classes[name].bases[0]
    return _asked(classes, ast.unparse(parent))
