"""Tell PyTorch's files apart by content, and find the one that is meant in a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def kind(path: Path) -> str | None:
    """Return "torchscript", "pt2" or "pt" for a file of PyTorch's, None for any other."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head[:2] in _PICKLES:
        return "pt"
    if head != b"PK\x03\x04":
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return None
    inner = {name.partition("/")[2] for name in names}
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return "pt2"
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "torchscript"
    return "pt" if "data.pkl" in inner else None


def find(root: Path, wanted: str, named: str | None = None) -> Path:
    """Return the artefact's file of a kind: itself, the one named, or the only one there is.

    A file that is the artefact itself is taken for what it is said to be; the library judges.
    Raises `FileNotFoundError` where a folder holds none or several.
    """
    if root.is_file():
        return root
    if named and (root / named).is_file():
        return root / named
    found = [path for path in sorted(root.rglob("*")) if path.is_file() and kind(path) == wanted]
    if len(found) != 1:
        shown = ", ".join(path.relative_to(root).as_posix() for path in found[:5]) or "none"
        raise FileNotFoundError(f"{len(found)} files of the kind {wanted} in the folder: {shown}")
    return found[0]
