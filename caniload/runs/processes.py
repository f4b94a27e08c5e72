"""See and end processes by /proc: trees, their memory as PSS, and what stayed behind.

Never ru_maxrss, which a child inherits from its parent. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

MARKER = "CANILOAD_ATTEMPT"
"""Environment variable by which a worker's stray children are recognised."""

_PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if there is none."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def tree(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for each in _pids():
        fields = _stat(each)
        if fields:
            children.setdefault(int(fields[1]), []).append(each)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(children.get(one, ()))
    return found


def count(uid: int) -> int:
    """Return how many threads a user has: what RLIMIT_NPROC counts."""
    total = 0
    for pid in _pids():
        with contextlib.suppress(OSError):
            if (_PROC / str(pid)).stat().st_uid == uid and (fields := _stat(pid)):
                total += int(fields[17])
    return total


def marked(marker: str) -> set[int]:
    """Return the processes that carry this value of the marker in their environment."""
    wanted = f"{MARKER}={marker}".encode()
    found = set()
    for pid in _pids():
        try:
            environ = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environ.split(b"\0"):
            found.add(pid)
    return found


def pss_bytes(pids: Iterable[int]) -> int:
    """Return the proportional set size of processes together, in bytes; the gone count 0."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "smaps_rollup").read_bytes().splitlines():
                if line.startswith(b"Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def kill(pids: Iterable[int], wait_seconds: float = 2.0) -> None:
    """Send signal 9 to processes and wait until they are gone, at most so long."""
    waits: list[int] = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            fd = os.pidfd_open(pid)
            waits.append(fd)
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    deadline = time.monotonic() + wait_seconds
    for fd in waits:
        select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        os.close(fd)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdecimal()]  # noqa: PTH208 (faster)


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat after the name: state, parent, …."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
