"""Warm workers: zygotes that have imported a library, and the watch over what they fork.

A zygote is keyed by interpreter, what it preloads and its variables, and sits in a sandbox of
its own; it serves one job at a time. Only jobs without anything foreign to load come here: data
in no file at all, as architectures with random weights, on the CPU.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from caniload.runs import memory, pipes, processes, sandbox
from caniload.runs.disk import translating
from caniload.runs.interpreters import Interpreter
from caniload.runs.job import Job
from caniload.runs.launch import Launch, Place
from caniload.runs.protocol import Event, job_text
from caniload.runs.supervise import Watched, Watching
from caniload.words import ArtefactClass

READY_SECONDS = 120.0
"""How long the imports of a zygote may take."""

_ZYGOTE = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "from caniload_smoke.zygote import main; main({control}, {preload!r})"
)


def may_be_warm(job: Job) -> bool:
    """Tell whether a job may run in a fork: on the CPU, with nothing foreign to load."""
    return (
        job.cell.device == "cpu"
        and job.artefact is None
        and job.architecture is not None
        and job.artefact_class is ArtefactClass.DATA
        and job.spec.smoke_file is None
        and bool(job.spec.preload.get(job.cell.framework))
    )


class ZygoteError(Exception):
    """Raised when a zygote does not come up or is gone; its job goes to a fresh worker."""


class Child:
    """A forked worker, with what `subprocess.Popen` offers of a process."""

    def __init__(self, zygote: Zygote, pidfd: int) -> None:
        """Take the pidfd that the zygote sent; the pid is this side's, read from the kernel."""
        self.zygote = zygote
        self.pidfd = pidfd
        text = Path(f"/proc/self/fdinfo/{pidfd}").read_text()
        (self.pid,) = (int(line.split()[1]) for line in text.splitlines() if line.startswith("Pid"))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal, if it has ended."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self.pidfd, selectors.EVENT_READ)
                if selector.select(0):
                    self.returncode = self.zygote.status()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises `subprocess.TimeoutExpired`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.pidfd, selectors.EVENT_READ)
            if self.returncode is None and not selector.select(timeout):
                raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code


class Zygote:
    """One process that has imported what its jobs need, and forks them."""

    def __init__(self, job: Job, interpreter: Interpreter, place: Place, scratch: Path) -> None:
        """Start it and wait until its imports are done; raises `ZygoteError`."""
        ours, theirs = socket.socketpair()
        self.control = ours
        self.scratch = scratch
        self.place = place
        self.job = job
        self.count = 0
        self._rest = b""
        self.group = None
        if place.hierarchy is not None:
            with contextlib.suppress(OSError):
                self.group = memory.Group(place.hierarchy, None)
        preload = list(job.spec.preload[job.cell.framework])
        folder = scratch / "worker"
        start = _ZYGOTE.format(folder=str(folder), control=theirs.fileno(), preload=preload)
        launch = Launch(job, interpreter, place, scratch, None, self.group, start)
        with translating(scratch):
            launch.prepare()
        self.log = (scratch / "zygote.log").open("wb")
        with theirs:
            self.process = subprocess.Popen(
                launch.command(-1, -1),
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                cwd=scratch / "work",
                env=launch.environ(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self.uid = launch.uid
        self.held = launch.describe().model_copy(update={"memory": "pss"})
        self.control.settimeout(READY_SECONDS)
        if not self._line().get("ready"):
            self.close()
            raise ZygoteError("the imports of a warm worker failed")

    def fork(self, scratch: Path, marker: str, fds: tuple[int, int, int]) -> Child:
        """Fork a worker that reads its job from, and writes to, the descriptors given."""
        order = {"scratch": str(scratch), "environ": {processes.MARKER: marker}}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        try:
            self.control.sendmsg([json.dumps(order).encode()], rights)
            text, ancillary, _, _ = self.control.recvmsg(1 << 12, socket.CMSG_LEN(4))
        except OSError as error:
            raise ZygoteError(str(error)) from error
        pidfds = array.array("i")
        for _, _, data in ancillary:
            pidfds.frombytes(data[:4])
        if not text or not pidfds:
            raise ZygoteError("the zygote is gone")
        _, _, self._rest = text.partition(b"\n")
        self.count += 1
        return Child(self, pidfds[0])

    def status(self) -> int:
        """Return how the child that just ended did: an exit code, or minus a signal."""
        return os.waitstatus_to_exitcode(int(self._line().get("status", 9)))

    def _line(self) -> dict[str, int]:
        """Read one answer; {} when the zygote is gone or silent."""
        try:
            while b"\n" not in self._rest:
                data = self.control.recv(1 << 12)
                if not data:
                    return {}
                self._rest += data
        except OSError:
            return {}
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, int] = json.loads(line)
        return found

    def close(self) -> None:
        """End it and all that it started."""
        self.control.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.group is not None:
            self.group.kill()
        self.process.wait()
        self.log.close()
        if self.group is not None:
            self.group.remove()


@dataclass
class WarmWatch(Watching):
    """Watch a forked worker; memory is sampled as PSS, what it shares with others counted once."""

    zygote: Zygote | None = field(default=None, kw_only=True)

    def start(self) -> None:
        """Fork the worker; a zygote that is gone is `start_error`."""
        assert self.zygote is not None
        event_read, event_write = pipes.open_pipe()
        log_read, log_write = pipes.open_pipe()
        self.fds = {"events": event_read, "log": log_read}
        text = job_text(self.job, self.launch.scratch / "blobs", None)
        job_fd = pipes.job_file(text)
        try:
            child = self.zygote.fork(
                self.launch.scratch, self.marker, (job_fd, event_write, log_write)
            )
            self.process = child
            self.fds["exit"] = child.pidfd
        except (ZygoteError, OSError) as error:
            self.start_error = str(error)
        finally:
            for fd in (job_fd, event_write, log_write):
                os.close(fd)

    def _leftovers(self) -> None:
        """Kill what the child left, by session and by marker."""
        processes.kill(processes.marked(self.marker))

    def _status(self) -> tuple[int | None, int | None]:
        code = None if self.process is None else self.process.returncode
        if code is None:
            return None, None
        return (None, -code) if code < 0 else (code, None)


@dataclass
class Warm:
    """The zygotes of one run, by what they are good for."""

    place: Place
    scratch: Path
    zygotes: dict[tuple[object, ...], Zygote | None] = field(default_factory=dict)

    def watch(
        self,
        job: Job,
        interpreter: Interpreter,
        scratch: Path,
        on_event: Callable[[Event], None] | None,
    ) -> Watched | None:
        """Run one job in a fork; None where no zygote serves it."""
        zygote = self._zygote(job, interpreter)
        if zygote is None:
            return None
        began = time.monotonic()
        scratch = zygote.scratch / "jobs" / scratch.name
        with translating(scratch):
            sandbox.prepare_scratch(scratch, zygote.uid)
        launch = Launch(job, interpreter, self.place, scratch, None, None)
        watch = WarmWatch(launch, began, on_event, zygote=zygote)
        try:
            watch.start()
            watch.loop()
        except BaseException:
            watch.on_event = None
            raise
        finally:
            watch.end()
        if watch.start_error is not None:
            self._drop(job, interpreter)
            return None
        return Watched(watch.attempt(), zygote.held, watch.log.text(), scratch)

    def _key(self, job: Job, interpreter: Interpreter) -> tuple[object, ...]:
        framework = job.cell.framework
        variables = {**job.variables, **job.spec.env.get(framework, {})}
        preload = job.spec.preload[framework]
        return interpreter.python, tuple(preload), tuple(sorted(variables.items()))

    def _zygote(self, job: Job, interpreter: Interpreter) -> Zygote | None:
        """Return the zygote that serves a job, started now if need be."""
        key = self._key(job, interpreter)
        if key not in self.zygotes:
            place = self.scratch / f"zygote-{len(self.zygotes)}"
            blank = replace(job, artefact=None, exporter_file=None)
            try:
                self.zygotes[key] = Zygote(blank, interpreter, self.place, place)
            except (ZygoteError, OSError):
                self.zygotes[key] = None
        return self.zygotes[key]

    def _drop(self, job: Job, interpreter: Interpreter) -> None:
        """Let go of a zygote that is gone; the next job starts another."""
        zygote = self.zygotes.pop(self._key(job, interpreter), None)
        if zygote is not None:
            zygote.close()

    def close(self) -> None:
        """End all zygotes."""
        for zygote in self.zygotes.values():
            if zygote is not None:
                zygote.close()
        self.zygotes.clear()
