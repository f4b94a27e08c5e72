"""Hashes of files and of directories, each byte read once."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path

from caniload.errors import UnreadableFileError
from caniload.records import FileFact, digest

CHUNK_BYTES = 1 << 20
"""How much is read and hashed at a time."""

_LEFT_OUT = {".git", ".cache", "__pycache__", ".DS_Store"}


def hash_file(path: Path) -> FileFact:
    """Return size and sha256 of one regular file, with its own name as path.

    A file that has not changed since this process hashed it (same inode, size and time of
    change) is not read again. Raises `UnreadableFileError`.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError(str(path), "not a regular file")
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return FileFact(
            path=path.name, size_bytes=status.st_size, sha256=_sha256(str(path.absolute()), key)
        )
    except OSError as error:
        raise UnreadableFileError(str(path), error.strerror or str(error)) from error


@lru_cache(maxsize=4096)
def _sha256(path: str, _key: tuple[int, ...]) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_tree(root: Path) -> tuple[FileFact, ...]:
    """Return every file below a directory, sorted by path, with size and sha256.

    Version control, caches and byte code are left out. Links to files are followed, links to
    directories too unless they lead back to a parent. Raises `UnreadableFileError`.
    """
    facts = []
    for path in _walk(root, (os.path.realpath(root),)):
        relative = path.relative_to(root).as_posix()
        facts.append(hash_file(path).model_copy(update={"path": relative}))
    return tuple(sorted(facts, key=lambda fact: fact.path))


def _walk(directory: Path, above: tuple[str, ...]) -> list[Path]:
    """List the files below `directory`; `above` are the real paths that would make a cycle."""
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise UnreadableFileError(str(directory), error.strerror or str(error)) from error
    found: list[Path] = []
    for entry in entries:
        if entry.name in _LEFT_OUT:
            continue
        if entry.is_dir():
            real = os.path.realpath(entry)
            if real not in above:
                found += _walk(entry, (*above, real))
        else:
            found.append(entry)
    return found


def hash_listing(files: tuple[FileFact, ...]) -> str:
    """Return the sha256 of a canonical listing: path, size and hash of each file, by path."""
    ordered = sorted((fact.path, fact.size_bytes, fact.sha256) for fact in files)
    return digest([list(row) for row in ordered])
