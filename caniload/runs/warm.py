"""Warm workers: zygotes that have imported a library, and the watch over what they fork.

A zygote is keyed by interpreter, what it preloads and its variables. It sits in a sandbox of its
own, which shows the artefacts of the jobs that it is to serve, read-only, and serves one job at a
time. Only data comes here, on the CPU: formats whose loading executes nothing, and architectures
that a library builds by name with random weights.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from caniload.runs import memory, pipes, processes, sandbox
from caniload.runs.disk import translating
from caniload.runs.interpreters import Interpreter
from caniload.runs.job import Job
from caniload.runs.launch import Launch, Place
from caniload.runs.protocol import Event, job_text
from caniload.runs.supervise import Stop, Watched, Watching
from caniload.words import ArtefactClass

READY_SECONDS = 120.0
"""How long the imports of a zygote may take."""

_ZYGOTE = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "from caniload_smoke.zygote import main; main({control}, {preload!r})"
)


MOST_SHOWN = 64
"""How many artefacts one zygote's sandbox shows; the next ones get another zygote."""


MOST_IDLE = 3
"""How many kinds of zygotes wait at once: each holds a framework in memory."""


def may_be_warm(job: Job) -> bool:
    """Tell whether a job may run in a fork: on the CPU, loading nothing that could execute."""
    return (
        job.cell.device == "cpu"
        and job.cell.kind == "attempt"
        and job.obstacle is None
        and (job.artefact is not None or job.architecture is not None)
        and job.artefact_class is ArtefactClass.DATA
        and not job.cell.recipe.allow_code
        and job.spec.smoke_file is None
        and bool(job.spec.preload.get(job.cell.framework))
    )


def shown(job: Job) -> tuple[Path, ...]:
    """Return the paths that a job's artefact lies at."""
    if job.artefact is None or not job.artefact.root:
        return ()
    root = Path(job.artefact.root).absolute()
    return sandbox.artefact_binds(root, (file.path for file in job.artefact.files))


def modules(job: Job) -> tuple[str, ...]:
    """Return what loading a job's artefact imports, as far as its loader's specification knows."""
    if job.spec.warm_modules is None or job.artefact is None:
        return ()
    return job.spec.warm_modules(Path(job.artefact.root), job.cell.framework)


MOST_KILLED = 3
"""How often zygotes of one key may be killed while they import before no more are started."""


class ZygoteError(Exception):
    """Raised when a zygote does not come up or is gone; its job goes to a fresh worker.

    `killed` says that a signal ended it, which tells nothing of the next one.
    """

    def __init__(self, message: str, *, killed: bool = False) -> None:
        """Say what happened."""
        super().__init__(message)
        self.killed = killed


Start = Callable[[Callable[[], "subprocess.Popen[bytes]"]], "subprocess.Popen[bytes]"]
"""Start a process in a thread that lives as long as it is needed: it is killed with the thread."""


class Child:
    """A forked worker, with what `subprocess.Popen` offers of a process."""

    def __init__(self, zygote: Zygote, pidfd: int) -> None:
        """Take the pidfd that the zygote sent; the pid is this side's, read from the kernel."""
        self.zygote = zygote
        self.pidfd = pidfd
        text = Path(f"/proc/self/fdinfo/{pidfd}").read_text()
        (self.pid,) = (int(line.split()[1]) for line in text.splitlines() if line.startswith("Pid"))
        self.returncode: int | None = None
        self.lost = False
        """Whether nobody knows how it ended, since its zygote ended before it could tell."""

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal, if it has ended."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self.pidfd, selectors.EVENT_READ)
                if selector.select(0):
                    status = self.zygote.status()
                    self.lost = status is None
                    self.returncode = -signal.SIGKILL if status is None else status
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

    def __init__(
        self,
        job: Job,
        interpreter: Interpreter,
        place: Place,
        scratch: Path,
        also: tuple[Path, ...],
        begin: Start,
    ) -> None:
        """Start it and wait until its imports are done; raises `ZygoteError`.

        `also` are the paths of the artefacts that its forks may read.
        """
        ours, theirs = socket.socketpair()
        self.shown = frozenset(also)
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
        launch = Launch(job, interpreter, place, scratch, None, self.group, start, also)
        with translating(scratch):
            launch.prepare()
        self.log = (scratch / "zygote.log").open("wb")
        with theirs:
            self.process = begin(
                lambda: subprocess.Popen(
                    launch.command(-1, -1),
                    stdin=subprocess.DEVNULL,
                    stdout=self.log,
                    stderr=self.log,
                    cwd=scratch / "work",
                    env=launch.environ(),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            )
        self.uid = launch.uid
        self.held = launch.describe().model_copy(update={"memory": "pss"})
        self.control.settimeout(READY_SECONDS)
        if not self._line().get("ready"):
            code = self._code()
            self.close()
            killed = code is not None and (code < 0 or code > 128)  # bubblewrap adds 128
            raise ZygoteError("the imports of a warm worker failed", killed=killed)

    def fork(self, job: Job, scratch: Path, marker: str, fds: tuple[int, int, int]) -> Child:
        """Fork a worker that reads its job from, and writes to, the descriptors given."""
        order = {
            "scratch": str(scratch),
            "environ": {processes.MARKER: marker},
            "import": modules(job),
        }
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

    def _code(self) -> int | None:
        """Return how it ended, once it has let go of its socket; None if it runs on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(1.0)
        return None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def status(self) -> int | None:
        """Return how the child that just ended did: an exit code, or minus a signal.

        None if the zygote is gone too, so that nobody knows.
        """
        status = self._line().get("status")
        return None if status is None else os.waitstatus_to_exitcode(status)

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
            fds = (job_fd, event_write, log_write)
            child = self.zygote.fork(self.job, self.launch.scratch, self.marker, fds)
            self.process = child
            self.fds["exit"] = child.pidfd
        except (ZygoteError, OSError) as error:
            self.start_error = str(error)
        finally:
            for fd in (job_fd, event_write, log_write):
                os.close(fd)

    @property
    def lost(self) -> bool:
        """Whether the zygote is gone: there was no fork, or nobody knows how it ended.

        A fork whose zygote was killed dies with it, whatever its job would have come to.
        """
        child = self.process
        return self.start_error is not None or (isinstance(child, Child) and child.lost)

    def _leftovers(self) -> None:
        """Kill what the child left, by session and by marker."""
        processes.kill(processes.marked(self.marker))

    def _status(self) -> tuple[int | None, int | None]:
        code = None if self.process is None else self.process.returncode
        if code is None:
            return None, None
        return (None, -code) if code < 0 else (code, None)


class Warm:
    """The zygotes of one run, by what they are good for; threads may share it.

    `planned` are the jobs of the run: a zygote shows the artefacts of the next ones, and is
    closed when the last that it is good for has been served, or at `rest` while `holding`.
    """

    def __init__(self, place: Place, scratch: Path, planned: Iterable[Job] = ()) -> None:
        """Take where zygotes run and what for; none is started before a job asks."""
        self.place = place
        self.scratch = scratch
        self._lock = threading.Lock()
        self._idle: dict[Key, list[Zygote]] = {}
        self._busy: set[Zygote] = set()
        self._broken: Counter[Key] = Counter()
        self._starting = ThreadPoolExecutor(1, thread_name_prefix="zygotes")
        self._waiting: dict[Key, dict[str, tuple[Path, ...]]] = {}
        self._count = 0
        self.holding = False
        self.always: tuple[Path, ...] = ()
        """Paths that every zygote shows."""
        self.expect(planned)

    def expect(self, planned: Iterable[Job]) -> None:
        """Take more jobs that will be asked for."""
        with self._lock:
            for job in planned:
                if may_be_warm(job):
                    self._waiting.setdefault(key(job), {})[job.cell.id] = shown(job)

    def watch(
        self,
        job: Job,
        interpreter: Interpreter,
        scratch: Path,
        on_event: Callable[[Event], None] | None,
        stop: Stop | None = None,
    ) -> Watched | None:
        """Run one job in a fork; None where no zygote serves it, or its zygote ended before it."""
        zygote = self._take(job, interpreter)
        if zygote is None:
            return None
        began = time.monotonic()
        scratch = zygote.scratch / "jobs" / scratch.name
        with translating(scratch):
            sandbox.prepare_scratch(scratch, zygote.uid)
        launch = Launch(job, interpreter, self.place, scratch, None, None)
        watch = WarmWatch(launch, began, on_event, zygote=zygote, stop=stop)
        try:
            watch.start()
            watch.loop()
        except BaseException:
            watch.on_event = None
            raise
        finally:
            watch.end()
            self._give_back(job, zygote, gone=watch.lost or watch.stuck)
        if watch.lost:
            return None
        return Watched(watch.attempt(), zygote.held, watch.log.text(), scratch)

    def _take(self, job: Job, interpreter: Interpreter) -> Zygote | None:
        """Return a zygote that serves a job, started now if need be; it is the caller's."""
        wanted, paths = key(job), shown(job)
        with self._lock:
            if self._broken[wanted] >= MOST_KILLED:
                return None
            idle = self._idle.setdefault(wanted, [])
            fit = next((z for z in idle if z.alive and z.shown.issuperset(paths)), None)
            stale = [] if fit is not None else list(idle)
            for each in stale if fit is None else [fit]:
                idle.remove(each)
            if fit is not None:
                self._busy.add(fit)
            also = dict.fromkeys((*paths, *self.always))
            for more in itertools.islice(self._waiting.get(wanted, {}).values(), MOST_SHOWN):
                also |= dict.fromkeys(more)
            self._count += 1
            place = self.scratch / f"zygote-{self._count}"
        for each in stale:
            each.close()
        if fit is not None:
            return fit
        blank = replace(job, artefact=None, exporter_file=None)
        try:
            zygote = Zygote(blank, interpreter, self.place, place, tuple(also), self._begin)
        except (ZygoteError, OSError) as error:
            with self._lock:
                once = isinstance(error, ZygoteError) and error.killed
                self._broken[wanted] += 1 if once else MOST_KILLED
            return None
        with self._lock:
            self._busy.add(zygote)
        return zygote

    def _begin(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Start a process in the thread that ends with the run: it is killed when that does."""
        return self._starting.submit(start).result()

    def _give_back(self, job: Job, zygote: Zygote, *, gone: bool) -> None:
        """Keep a zygote for the next job, or close it: it is gone, or nothing waits for it."""
        wanted = key(job)
        with self._lock:
            self._busy.discard(zygote)
            self._waiting.get(wanted, {}).pop(job.cell.id, None)
            over = [zygote] if gone else []
            if not gone:
                idle = self._idle.pop(wanted, [])
                self._idle[wanted] = [*idle, zygote]  # the last used stands last
            if not self.holding:
                over += self._unneeded()
            elif len(self._idle) > MOST_IDLE:
                over += self._idle.pop(next(iter(self._idle)))
        for each in over:
            each.close()

    def rest(self) -> None:
        """Close what nothing waits for."""
        with self._lock:
            over = self._unneeded()
        for each in over:
            each.close()

    def _unneeded(self) -> list[Zygote]:
        """Take out the idle zygotes that nothing waits for; the lock is held."""
        keys = [key for key in self._idle if not self._waiting.get(key)]
        return [zygote for key in keys for zygote in self._idle.pop(key)]

    def close(self) -> None:
        """End all zygotes."""
        with self._lock:
            idle = [each for group in self._idle.values() for each in group]
            everything = [*idle, *self._busy]
            self._idle.clear()
            self._busy.clear()
        for zygote in everything:
            zygote.close()
        self._starting.shutdown()


Key = tuple[object, ...]


def key(job: Job) -> Key:
    """Return what a job's zygote is kept by: interpreter, what it imports, its variables."""
    framework = job.cell.framework
    variables = {**job.variables, **job.spec.env.get(framework, {})}
    preload = job.spec.preload.get(framework, ())
    return job.interpreter, tuple(preload), tuple(sorted(variables.items()))
