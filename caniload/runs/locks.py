"""Advisory locks on files: shared by those who use a thing, exclusive to who changes it.

`flock` rather than a lock file of our own: the kernel drops it when the last process that
holds it ends, however it ends, so that a killed build never blocks the next one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caniload.errors import BusyError, PermissionDeniedError


@contextmanager
def locked(
    path: Path,
    *,
    shared: bool = False,
    wait_seconds: float = 0.0,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[int]:
    """Hold the lock of `path` and yield its file descriptor, which a child may inherit.

    Waits up to `wait_seconds`, calling `on_wait` once if it has to; then raises `BusyError`.
    Raises `PermissionDeniedError` when the file cannot be made.
    """
    fd = _open(path)
    try:
        _acquire(fd, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait_seconds, on_wait)
        yield fd
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    """Open the lock file, making it and its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise PermissionDeniedError(
                f"cannot write {path}: {error.strerror}", "set CANILOAD_ENVS or CANILOAD_HOME"
            ) from error
        raise


def _acquire(
    fd: int, path: Path, kind: int, wait_seconds: float, on_wait: Callable[[], None] | None
) -> None:
    """Try without blocking until it succeeds or the time is over: a wait stays interruptible."""
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"{path.stem} is in use by another process", "try again when it is done"
                ) from None
            if on_wait is not None and not told:
                on_wait()
                told = True
            time.sleep(0.05)
        else:
            return
