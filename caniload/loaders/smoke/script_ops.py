"""Refuse TorchScript programs that reach for files, before anything runs.

A program is stored as source text: `torch.<op>(…)` for PyTorch's own operators,
`ops.<library>.<op>(…)` for others'
(torch/csrc/jit/serialization/python_print.cpp). The two own ones that take a file's name are
`aten::save` and `aten::from_file` (schemas of PyTorch 2.13.0).
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from .consent import need_code

_OWN = re.compile(r"\b(?:torch|ops\.aten)\.(save|from_file)\(")
_OTHERS = re.compile(
    r"\bops\.(?!aten\b|prim\b)(\w+\.\w*(?:file|save|load|write|path|socket|url)\w*)\("
)


def refuse_unsafe(path: Path, job: dict[str, Any]) -> tuple[str, ...]:
    """Raise `failure.Refused` if a program takes names of files and the job allows no code.

    Call it before `torch.jit.load`. Returns the operators found, which is () for nearly all. A
    file that is no archive is left to PyTorch.
    """
    found = unsafe_ops(path)
    if found:
        need_code(job, f"the program calls {', '.join(found)}, which reach for files")
    return found


def unsafe_ops(path: Path) -> tuple[str, ...]:
    """Return the operators of a stored program that take names of files, sorted."""
    if not zipfile.is_zipfile(path):
        return ()
    found: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".py"):
                text = archive.read(name).decode("utf-8", "replace")
                found.update(f"aten::{op}" for op in _OWN.findall(text))
                found.update(op.replace(".", "::") for op in _OTHERS.findall(text))
    return tuple(sorted(found))
