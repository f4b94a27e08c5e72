"""Read what a worker writes without ever waiting for it or keeping more than is wanted."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import deque

CHUNK_BYTES = 1 << 18
_F_SETPIPE_SZ = 1031
"""Linux's number; Python names it from 3.10 on, but not on every system."""


def open_pipe() -> tuple[int, int]:
    """Return the reading end, which does not block, and the writing end of a roomy pipe."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with contextlib.suppress(OSError):
        fcntl.fcntl(reader, _F_SETPIPE_SZ, 1 << 20)
    return reader, writer


def read_some(fd: int) -> bytes | None:
    """Return what is there: b"" at the end, None when there is nothing now."""
    try:
        return os.read(fd, CHUNK_BYTES)
    except BlockingIOError:
        return None


def job_file(text: bytes) -> int:
    """Return a file descriptor from which the text can be read to its end, whatever its size."""
    fd = os.memfd_create("caniload-job")
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class CappedLog:
    """Keep the head and the tail of a stream, and count what fell out between them."""

    def __init__(self, head_bytes: int = 1 << 20, tail_bytes: int = 3 << 20) -> None:
        """Set how much of either is kept."""
        self._head = bytearray()
        self._head_bytes = head_bytes
        self._tail: deque[bytes] = deque()
        self._tail_bytes = tail_bytes
        self._held = 0
        self.dropped_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        room = self._head_bytes - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._held += len(data)
        while self._held - len(self._tail[0]) >= self._tail_bytes:
            gone = self._tail.popleft()
            self._held -= len(gone)
            self.dropped_bytes += len(gone)

    def text(self) -> str:
        """Return what was kept, the gap named."""
        head = self._head.decode("utf-8", "replace")
        tail = b"".join(self._tail).decode("utf-8", "replace")
        if self.dropped_bytes:
            return f"{head}\n[caniload: {self.dropped_bytes} bytes cut here]\n{tail}"
        return head + tail
