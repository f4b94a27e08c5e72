"""Tell what a PyTorch pickle names beyond tensors, and load it no further than is allowed.

What `torch.load(weights_only=True)` takes is data; all else is code, since unpickling calls what
a pickle names (https://docs.python.org/3/library/pickle.html). The names are read from the
pickle's opcodes; nothing is executed. PyTorch is the judge, these names are the reason.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .consent import need_code

_TENSORS = re.compile(
    r"""
    collections\.(OrderedDict|Counter|defaultdict) | _codecs\.encode
    | builtins\.(bytearray|set|complex)
    | torch\._utils\._rebuild_\w+ | torch\._tensor\._rebuild_from_type_v2
    | torch(\.storage|\.cuda)?\.\w*Storage | torch(\.cuda)?(\.sparse)?\.\w*Tensor
    | torch\.(Size|device|nn\.parameter\.(Parameter|Buffer)|serialization\._get_layout)
    | torch\.(b?float\d*|u?int\d+|bool|complex\d+|half|double|float\d_\w+|q\w+\d+|bits\w+)
    | torch\.per_(tensor|channel)_\w+
    """,
    re.VERBOSE,
)
"""Names of which tensors are made: from torch/_weights_only_unpickler.py, PyTorch 2.13.0."""

_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file of the older format begins: MAGIC_NUMBER of torch/serialization.py as a pickle."""
_LEGACY_PICKLES = 5
_CUT_SHORT = re.compile("exhausted|not enough data|remain|no newline found")
"""What pickletools says of a pickle that ends early."""
_SHOWN = 5


def load(path: Path, job: dict[str, Any], place: Any = "cpu") -> Any:
    """Return what `torch.load` reads onto a place: tensors, or with `allow_code` anything.

    A place of None leaves tensors on the devices that they were saved from. Raises
    `failure.Refused` for a pickle that names more than tensors are made of, else what PyTorch
    raises.
    """
    import torch

    try:
        return torch.load(path, map_location=place, weights_only=True)
    except pickle.UnpicklingError as error:
        names = beyond_tensors(path)
        if not names:
            raise
        need_code(job, _words(names), error)
    return torch.load(path, map_location=place, weights_only=False)


def refuse_unsafe(paths: Iterable[Path], job: dict[str, Any]) -> tuple[str, ...]:
    """Raise `failure.Refused` if pickles name more than tensors and the job allows no code.

    For libraries that unpickle by themselves; call it before they do. Returns the names.
    """
    names = tuple(sorted({name for path in paths for name in beyond_tensors(path)}))
    if names:
        need_code(job, _words(names))
    return names


def beyond_tensors(path: Path) -> tuple[str, ...]:
    """Return the names in a file's pickles that tensors are not made of, sorted.

    Reads archives of `torch.save` (each member that ends in `.pkl`), its older format of
    several pickles one after another, and plain pickles. Names are `module.name`; what cannot
    be followed is named in angle brackets. A file that ends early gives what stands before.
    """
    found: set[str] = set()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".pkl"):
                    found |= _names(io.BytesIO(archive.read(member)))
        return tuple(sorted(found))
    with path.open("rb") as file:
        left = _LEGACY_PICKLES if file.read(len(_LEGACY)) == _LEGACY else 1
        file.seek(0)
        for _ in range(left):
            found |= _names(file)
    return tuple(sorted(found))


def _names(stream: Any) -> set[str]:
    """Read one pickle to its end, or as far as it goes, for names beyond tensors.

    STACK_GLOBAL takes its name from the stack, where anything may have been put; PyTorch's own
    files have none, so that each counts. The name given is that of the last two strings.
    """
    found: set[str] = set()
    strings = ["", ""]
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            kind = opcode.name
            name = str(argument).replace(" ", ".")
            if kind in ("GLOBAL", "INST") and not _TENSORS.fullmatch(name):
                found.add(name)
            elif kind == "STACK_GLOBAL":
                found.add(".".join(strings[-2:]).strip(".") or "<computed>")
            elif kind.startswith("EXT"):
                found.add(f"<extension {argument}>")
            elif "UNICODE" in kind:
                strings.append(str(argument))
    except ValueError as error:
        if not _CUT_SHORT.search(str(error)):
            found.add("<unreadable>")
    except Exception:  # noqa: BLE001 (an argument that its reader chokes on)
        found.add("<unreadable>")
    return found


def _words(names: tuple[str, ...]) -> str:
    """Say what a pickle names."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"the pickle names {', '.join(names[:_SHOWN])}{more}, beyond tensors"
