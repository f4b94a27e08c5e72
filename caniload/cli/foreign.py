"""The table from foreign exceptions to caniload's own, by the name of the class.

Classes are named, not imported: an error must not cost the import of the library it did not
come from.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from pathlib import Path

from caniload.errors import (
    BusyError,
    CaniloadError,
    CatalogueError,
    CorruptStoreError,
    DiskFullError,
    HubError,
    NewerStoreError,
    PermissionDeniedError,
    StoreError,
)

_REBUILD = "`caniload catalog rebuild` makes the store again from the recorded segments"
_MOVE = "set CANILOAD_HOME to a directory that you can write"
_FREE = "free some space, or set CANILOAD_HOME to another disk; `caniload cache rm` removes files"


def translate(error: BaseException) -> CaniloadError | None:
    """Return the caniload error that says the same, its cause kept, or None if none does."""
    for base in type(error).__mro__:
        make = TABLE.get(f"{base.__module__}.{base.__qualname__}")
        if make is not None:
            known = make(error)
            known.__cause__ = error
            return known
    return None


def bug(error: BaseException) -> CaniloadError:
    """Return the line for what nobody foresaw: where it happened, and how to report it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = next((f for f in reversed(frames) if "caniload" in Path(f.filename).parts), None)
    place = f" at {Path(where.filename).name}:{where.lineno}" if where else ""
    text = " ".join(str(error).split())[:200]
    return CaniloadError(
        f"a bug in caniload{place}: {type(error).__name__}: {text}",
        "report it with what CANILOAD_DEBUG=1 shows and `caniload doctor --format json`",
    )


def _first(error: BaseException) -> str:
    """The first line of a message, without the label that DuckDB puts before it."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    label, colon, rest = line.partition(" Error: ")
    return rest if colon and " " not in label else line


def _os(error: BaseException) -> CaniloadError:
    """Read an `OSError` by its number."""
    number = getattr(error, "errno", None)
    path = getattr(error, "filename", None) or "a file"
    why = (getattr(error, "strerror", None) or str(error)).lower()
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(f"cannot write {path}: {why}", _FREE)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PermissionDeniedError(f"cannot use {path}: {why}", _MOVE)
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOENT, errno.ELOOP):
        return StoreError(f"cannot use {path}: {why}", _MOVE)
    return CaniloadError(f"cannot use {path}: {why}", "the system refused; try again")


def _duckdb(error: BaseException) -> CaniloadError:
    """Read a DuckDB error by its words; it has no numbers."""
    text = str(error).lower()
    first = _first(error)
    if "no space left" in text or "file too large" in text or "out of disk" in text:
        return DiskFullError(f"the store could not be written: {first}", _FREE)
    if "permission denied" in text or "read-only file system" in text:
        return PermissionDeniedError(f"the store cannot be used: {first}", _MOVE)
    if "set lock on file" in text:
        return BusyError(f"another process holds the store: {first}", "try again in a moment")
    if "newer version" in text or "storage version" in text:
        return NewerStoreError(f"the store is newer than this caniload: {first}", "upgrade it")
    if any(w in text for w in ("not a valid duckdb", "corrupt", "deserialize", "checksum")):
        return CorruptStoreError(f"the store is damaged: {first}", _REBUILD)
    return StoreError(f"the store could not answer: {first}", _REBUILD)


def _network(error: BaseException) -> CaniloadError:
    """Read a failure of the HTTP client."""
    return HubError(
        "network",
        "unreachable",
        f"the hub did not answer: {_first(error)}",
        "check the network, or use what `caniload cache list` shows",
    )


def _yaml(error: BaseException) -> CaniloadError:
    """Read a YAML error, which names its line."""
    return CatalogueError(" ".join(str(error).split()), "mend the file and run it again")


def _memory(error: BaseException) -> CaniloadError:
    """Name a lack of memory of caniload's own."""
    return CaniloadError("caniload ran out of memory", "close other programs and try again")


TABLE: dict[str, Callable[[BaseException], CaniloadError]] = {
    "builtins.OSError": _os,
    "builtins.MemoryError": _memory,
    "_duckdb.Error": _duckdb,
    "duckdb.Error": _duckdb,
    "httpx.HTTPError": _network,
    "httpx2.HTTPError": _network,
    "yaml.error.YAMLError": _yaml,
}
