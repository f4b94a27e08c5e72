"""Say in caniload's words what the operating system refuses: no space, no permission."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from caniload.errors import DiskFullError, PermissionDeniedError, StoreError


@contextlib.contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into caniload's words."""
    try:
        yield
    except OSError as error:
        raise translated(error, path) from error


def translated(error: OSError, path: Path) -> StoreError:
    """Return the error of ours that an `OSError` on a path means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(f"no space left to write {path}", "free some, then resume the run")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PermissionDeniedError(f"cannot write {path}: {error.strerror}", "set CANILOAD_HOME")
    return StoreError(f"cannot use {path}: {error.strerror}", "check the disk")
