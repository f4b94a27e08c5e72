"""Archives that attack whoever unpacks them, each beside the members of a good one."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal

Kind = Literal["zip", "tar.gz"]
Member = tuple[str, bytes, str]
"""Name, content, and where a link leads ("" for a file)."""

BOMB_BYTES = 72 << 20
"""More than an archive that small may unpack to."""


def pack(kind: Kind, members: Mapping[str, bytes], *more: Member) -> bytes:
    """Make an archive of files and of members that a mapping cannot hold."""
    listed = [(name, body, "") for name, body in members.items()]
    return (_zip if kind == "zip" else _tar)([*listed, *more])


@cache
def _zeros() -> bytes:
    return bytes(BOMB_BYTES)


ATTACKS: dict[str, tuple[Callable[[str], Member], str]] = {
    "parent": (lambda top: (f"{top}../../../../escaped", b"out", ""), "outside"),
    "absolute": (lambda top: ("/tmp/caniload-escaped", b"out", ""), "outside"),
    "backslash": (lambda top: (f"{top}..\\..\\escaped", b"out", ""), "outside"),
    "link": (lambda top: (f"{top}link", b"", "/etc/passwd"), "link"),
    "bomb": (lambda top: (f"{top}zeros", _zeros(), ""), "bytes"),
}
"""An attack: the member that makes it, below the archive's top folder, and what is said of it."""


def _zip(members: list[Member]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body, leads in members:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = ((stat.S_IFLNK if leads else stat.S_IFREG) | 0o644) << 16
            archive.writestr(info, leads.encode() or body)
    return out.getvalue()


def _tar(members: list[Member]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body, leads in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            if leads:
                info.type, info.linkname = tarfile.SYMTYPE, leads
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()
