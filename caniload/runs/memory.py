"""Limit and measure a worker's memory and processes by a control group of its own.

Serves both hierarchies: version 1 (`memory` and `pids` apart) and version 2 (one tree, where
only a group without processes of its own may share out controllers, so that the new group is
made beside or above ours). Where none is writable, `processes` samples PSS instead. Interface
files: https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from caniload.runs import processes

MAX_PROCESSES = 512
"""Processes and threads one worker may have."""

_PREFIX = "caniload-"
_COUNTER = itertools.count()


@dataclass(frozen=True)
class Hierarchy:
    """Where groups can be made: the folders for memory and for processes, at least one."""

    version: Literal[1, 2]
    memory: Path | None
    pids: Path | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The distinct folders."""
        return tuple(dict.fromkeys(path for path in (self.memory, self.pids) if path))


def find(
    membership: str | None = None, mounts: str | None = None, root: Path = Path("/")
) -> Hierarchy | None:
    """Return where this process may make control groups, or None.

    `membership` and `mounts` are the texts of /proc/self/cgroup and /proc/self/mountinfo;
    mount points are taken below `root`.
    """
    membership = _read(Path("/proc/self/cgroup")) if membership is None else membership
    mounts = _read(Path("/proc/self/mountinfo")) if mounts is None else mounts
    points = _mount_points(mounts, root)
    paths = {
        name: path
        for line in membership.splitlines()
        for _, names, path in [line.split(":", 2)]
        for name in names.split(",")
    }
    memory, pids = (
        folder if folder is not None and _can_make(folder) else None
        for folder in (_own(points, paths, "memory"), _own(points, paths, "pids"))
    )
    if memory is not None or pids is not None:
        return Hierarchy(1, memory, pids)
    own = _own(points, paths, "")
    top = points.get("", (None, ""))[0]
    while own is not None and top is not None and own.is_relative_to(top):
        shared = _read(own / "cgroup.subtree_control").split()
        if "memory" in shared and _can_make(own):
            return Hierarchy(2, own, own if "pids" in shared else None)
        own = own.parent
    return None


class Group:
    """One worker's control group: enter it through `procs`, ask it, kill it, remove it."""

    def __init__(self, hierarchy: Hierarchy, memory_bytes: int | None) -> None:
        """Make the group and set its limits; raises `OSError` when the kernel refuses."""
        self.hierarchy = hierarchy
        self._name = f"{_PREFIX}{os.getpid()}-{processes.start_time(os.getpid())}-{next(_COUNTER)}"
        self._folders = [folder / self._name for folder in hierarchy.folders]
        self._memory = hierarchy.memory / self._name if hierarchy.memory else None
        try:
            for folder in self._folders:
                folder.mkdir()
            self._limit(memory_bytes)
        except OSError:
            self.remove()
            raise

    @property
    def kind(self) -> Literal["cgroup1", "cgroup2"]:
        """How the record names it."""
        return "cgroup1" if self.hierarchy.version == 1 else "cgroup2"

    @property
    def limits_memory(self) -> bool:
        """Whether memory is limited and counted by the kernel."""
        return self._memory is not None

    @property
    def limits_processes(self) -> bool:
        """Whether the number of processes is limited too."""
        return self.hierarchy.pids is not None

    @property
    def procs(self) -> tuple[Path, ...]:
        """The files into which a process writes its id to enter."""
        return tuple(folder / "cgroup.procs" for folder in self._folders)

    def peak_bytes(self) -> int | None:
        """The most memory ever charged, page cache included, in bytes; None before Linux 5.19."""
        if self._memory is None:
            return None
        if self.hierarchy.version == 1:
            return _number(self._memory / "memory.max_usage_in_bytes")
        return _number(self._memory / "memory.peak")

    def current_bytes(self) -> int | None:
        """The memory charged now, in bytes."""
        if self._memory is None:
            return None
        v1 = self.hierarchy.version == 1
        return _number(self._memory / ("memory.usage_in_bytes" if v1 else "memory.current"))

    def oom_kills(self) -> int:
        """How many of its processes the kernel killed for lack of memory."""
        if self._memory is None:
            return 0
        v1 = self.hierarchy.version == 1
        text = _read(self._memory / ("memory.oom_control" if v1 else "memory.events"))
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
        return 0

    def pids(self) -> set[int]:
        """The processes in it."""
        return {int(pid) for file in self.procs for pid in _read(file).split() if pid != "0"}

    def kill(self) -> None:
        """Kill everything in it and wait until it is gone (at most two seconds).

        Nothing new can be started first, or what forks faster than it is killed would stay.
        """
        if self.hierarchy.pids is not None:
            _write(self.hierarchy.pids / self._name / "pids.max", "0")
        if self.hierarchy.version == 2:
            _write(self._folders[0] / "cgroup.kill", "1")
        for _ in range(20):
            pids = self.pids()
            if not pids:
                return
            processes.kill(pids, wait_seconds=0.1)

    def remove(self) -> None:
        """Remove the group; one that the kernel still holds is left to the next `sweep`."""
        for folder in self._folders:
            _remove(folder)

    def _limit(self, memory_bytes: int | None) -> None:
        """Write the limits; swap is counted in, or a budget would be none."""
        own = self._memory if memory_bytes is not None else None
        if own is not None and self.hierarchy.version == 1:
            (own / "memory.limit_in_bytes").write_text(str(memory_bytes))
            _write(own / "memory.memsw.limit_in_bytes", str(memory_bytes))
        elif own is not None:
            (own / "memory.max").write_text(str(memory_bytes))
            _write(own / "memory.swap.max", "0")
        if self.hierarchy.pids is not None:
            (self.hierarchy.pids / self._name / "pids.max").write_text(str(MAX_PROCESSES))


def sweep(hierarchy: Hierarchy) -> int:
    """Kill and remove groups whose parent process is gone; return how many there were."""
    gone = 0
    for folder in hierarchy.folders:
        for group in folder.glob(f"{_PREFIX}*-*-*"):
            _, pid, started, _ = group.name.split("-", 3)
            if pid.isdecimal() and str(processes.start_time(int(pid))) != started:
                left = {int(each) for each in _read(group / "cgroup.procs").split()}
                processes.kill(left, wait_seconds=1.0)
                _remove(group)
                gone += 1
    return gone


def _mount_points(mounts: str, root: Path) -> dict[str, tuple[Path, str]]:
    """Map each version 1 controller, and "" for version 2, to its mount point and mount root."""
    points: dict[str, tuple[Path, str]] = {}
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if not dash or len(fields) < 5 or len(kind) < 3:
            continue
        place = (root / fields[4].lstrip("/"), fields[3])
        if kind[0] == "cgroup2":
            points.setdefault("", place)
        elif kind[0] == "cgroup":
            for option in kind[2].split(","):
                points.setdefault(option, place)
    return points


def _own(points: dict[str, tuple[Path, str]], paths: dict[str, str], name: str) -> Path | None:
    """Return this process's own folder in a hierarchy; a mount may show only a part of it."""
    if name not in points or name not in paths:
        return None
    point, top = points[name]
    path = paths[name]
    if top != "/" and (path == top or path.startswith(top + "/")):
        path = path[len(top) :]
    folder = point / path.lstrip("/")
    return folder if folder.is_dir() else None


def _can_make(folder: Path) -> bool:
    """Tell whether groups can be made here and processes moved into them."""
    return os.access(folder, os.W_OK | os.X_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _read(path: Path) -> str:
    """Return a file's text, empty if it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _write(path: Path, text: str) -> None:
    """Write where the kernel has such a file; some lack swap accounting or cgroup.kill."""
    with contextlib.suppress(OSError):
        path.write_text(text)
