"""Start one worker, watch it, end it, and tell what was seen. The parent owns the record.

Nothing here sleeps: the loop waits on the worker's exit (pidfd), its events and its log, and
wakes by itself only for the deadline and, where no control group is writable, to sample memory.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from caniload.records import Sandbox
from caniload.runs import memory, pipes, processes
from caniload.runs.disk import translating
from caniload.runs.interpreters import Interpreter
from caniload.runs.job import Job
from caniload.runs.launch import Launch, Place
from caniload.runs.outcome import Attempt, Killed
from caniload.runs.protocol import Event, EventReader, Final, GarbledError, StageDone, job_text

SAMPLE_SECONDS = 0.1
"""Between two samples of PSS; a slow sample makes the next one wait ten times as long."""
LINGER_SECONDS = 5.0
"""How long a worker may stay after its final event."""
LAST_WORDS = 200
"""How many characters of the log's last line stand in a message."""
UNKILLABLE_SECONDS = 30.0
"""How long the kernel may take to end what was killed."""


class Stop:
    """A bell that ends what other threads are watching."""

    def __init__(self) -> None:
        """Make it silent."""
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.rung = False

    def ring(self) -> None:
        """Tell all watches to kill their workers and raise `StoppedError`."""
        self.rung = True
        os.eventfd_write(self.fd, 1)

    def close(self) -> None:
        """Let go of it; nobody watches any more."""
        os.close(self.fd)


class StoppedError(Exception):
    """Raised in a watching thread when the run is being ended."""


@dataclass(frozen=True)
class Watched:
    """What came of watching: the raw attempt, what held it if it started, the log's kept text."""

    attempt: Attempt
    sandbox: Sandbox | None
    log: str
    scratch: Path | None = None
    """Where the worker wrote, if not where it was told to: in its zygote's own folder."""


def supervise(
    job: Job,
    interpreter: Interpreter,
    place: Place,
    scratch: Path,
    *,
    export_to: Path | None = None,
    on_event: Callable[[Event], None] | None = None,
    stop: Stop | None = None,
) -> Watched:
    """Run one job in a worker of its own; return when nothing of it is left.

    `scratch` is made and afterwards holds what the worker wrote (`blobs/`). Whatever raises
    here, `KeyboardInterrupt` and `StoppedError` included, the worker and its children are killed
    first.
    """
    began = time.monotonic()
    group = _group(place, job.memory_bytes)
    launch = Launch(job, interpreter, place, scratch, export_to, group)
    try:
        with translating(scratch):
            launch.prepare()
    except BaseException:
        if group is not None:
            group.remove()
        raise
    watch = Watching(launch, began, on_event, stop=stop)
    try:
        watch.start()
        watch.loop()
    except BaseException:
        watch.on_event = None
        raise
    finally:
        watch.end()
        held = launch.describe()
        if group is not None:
            group.remove()
    return Watched(watch.attempt(), held, watch.log.text())


class Process(Protocol):
    """What the watch needs of a process; `subprocess.Popen` and a zygote's child have it."""

    @property
    def pid(self) -> int:
        """Its number, as this side sees it."""

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal; None while it runs or nobody has asked."""

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""


@dataclass
class Watching:
    """The state of one supervision."""

    launch: Launch
    began: float
    on_event: Callable[[Event], None] | None
    log: pipes.CappedLog = field(default_factory=pipes.CappedLog)
    reader: EventReader = field(default_factory=EventReader)
    events: list[Event] = field(default_factory=list)
    marker: str = field(default_factory=lambda: secrets.token_hex(8))
    process: Process | None = None
    start_error: str | None = None
    garbled: str | None = None
    killed: Killed | None = None
    killed_at: float | None = None
    final_at: float | None = None
    last_bytes: int | None = None
    peak_bytes: int | None = None
    oom_kills: int = 0
    next_sample: float = 0.0
    finished: float = 0.0
    fds: dict[str, int] = field(default_factory=dict)
    stop: Stop | None = None

    def __post_init__(self) -> None:
        """Sample memory only where the kernel keeps no peak."""
        self.job = self.launch.job
        self.group = self.launch.group
        self.sampling = self.group is None or self.group.peak_bytes() is None

    def start(self) -> None:
        """Start the worker; a failure to is kept as `start_error`."""
        event_read, event_write = pipes.open_pipe()
        log_read, log_write = pipes.open_pipe()
        self.fds = {"events": event_read, "log": log_read}
        launch = self.launch
        text = job_text(self.job, launch.scratch / "blobs", launch.export_to)
        job_fd = pipes.job_file(text)
        command = launch.command(job_fd, event_write)
        environ = launch.environ() | {processes.MARKER: self.marker}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log_write,
                stderr=log_write,
                cwd=launch.scratch / "work",
                env=environ,
                pass_fds=(job_fd, event_write),
                start_new_session=True,
            )
            self.process = process
            self.fds["exit"] = os.pidfd_open(process.pid)
        except OSError as error:
            self.start_error = error.strerror or str(error)
        finally:
            for fd in (job_fd, event_write, log_write):
                os.close(fd)

    def loop(self) -> None:
        """Take events and log until the worker is gone."""
        if self.process is None:
            return
        with selectors.DefaultSelector() as selector:
            for name, fd in self.fds.items():
                selector.register(fd, selectors.EVENT_READ, name)
            if self.stop is not None:
                selector.register(self.stop.fd, selectors.EVENT_READ, "stop")
            while True:
                ready = {key.data for key, _ in selector.select(self._patience())}
                if "stop" in ready:
                    raise StoppedError
                for name in ready & {"events", "log"}:
                    if not self._take(name):
                        selector.unregister(self.fds[name])
                if "exit" in ready or self._given_up():
                    return
                self._act(time.monotonic())

    def end(self) -> None:
        """Kill what is left, take what it still said, and let go of everything."""
        process = self.process
        if process is not None:
            running = process.poll() is None
            if running:
                self._signal_all()
            self._leftovers()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(UNKILLABLE_SECONDS if running else 1.0)
            for name in ("events", "log"):
                for _ in range(64):
                    if not self._take(name):
                        break
        if self.group is not None:
            self.peak_bytes = self.group.peak_bytes() or self.peak_bytes
            self.oom_kills = self.group.oom_kills()
        for fd in self.fds.values():
            os.close(fd)
        self.fds = {}
        self.finished = time.monotonic()

    def attempt(self) -> Attempt:
        """Return what was seen."""
        if self.garbled is None:
            try:
                self.reader.end()
            except GarbledError as error:
                self.garbled = str(error)
        exit_code, number = self._status()
        seconds: dict[str, float] = {}
        for event in self.events:
            if isinstance(event, StageDone):
                seconds[event.stage.value] = seconds.get(event.stage.value, 0.0) + event.seconds
        return Attempt(
            action=self.job.cell.kind,
            events=tuple(self.events),
            garbled=self.garbled,
            start_error=self.start_error,
            exit_code=exit_code,
            signal=number,
            killed=self.killed,
            timeout_seconds=self.job.timeout_seconds,
            memory_limit_bytes=self.job.memory_bytes,
            last_memory_bytes=self.last_bytes,
            peak_memory_bytes=self.peak_bytes,
            oom_kills=self.oom_kills,
            wall_seconds=self.finished - self.began,
            log_dropped_bytes=self.log.dropped_bytes,
            last_words=self.log.text().rstrip().rpartition("\n")[2][:LAST_WORDS],
            stage_seconds=seconds,
        )

    @property
    def stuck(self) -> bool:
        """Whether the worker could not be ended."""
        return self.process is not None and self.process.returncode is None

    def _patience(self) -> float:
        """How long the loop may wait: until the deadline, the next sample, a kill's due."""
        due = [self.began + self.job.timeout_seconds]
        if self.killed_at is not None:
            due = [self.killed_at + UNKILLABLE_SECONDS]
        elif self.final_at is not None:
            due.append(self.final_at + LINGER_SECONDS)
        if self.sampling and self.killed is None:
            due.append(self.next_sample)
        return max(0.0, min(due) - time.monotonic())

    def _act(self, now: float) -> None:
        """Kill for whatever is due."""
        if self.killed is not None:
            return
        if self.garbled is not None:
            self._kill("protocol")
        elif self.final_at is not None and now >= self.final_at + LINGER_SECONDS:
            self._kill("lingering")
        elif now >= self.began + self.job.timeout_seconds:
            self._kill("deadline" if self.final_at is None else "lingering")
        elif self.sampling and now >= self.next_sample:
            self._sample(now)

    def _sample(self, now: float) -> None:
        """Measure the tree's memory, and kill it if it is over its budget."""
        assert self.process is not None
        last = None if self.group is None else self.group.current_bytes()
        if last is None:
            last = processes.pss_bytes(processes.tree(self.process.pid))
        self.last_bytes = last
        self.peak_bytes = max(self.peak_bytes or 0, last)
        self.next_sample = now + max(SAMPLE_SECONDS, 10 * (time.monotonic() - now))
        limited = self.group is not None and self.group.limits_memory
        if not limited and self.job.memory_bytes and last > self.job.memory_bytes:
            self._kill("memory")

    def _take(self, name: str) -> bool:
        """Read what a pipe holds now; return False at its end or when it holds nothing."""
        data = pipes.read_some(self.fds[name])
        if not data:
            return data is None and name in self.fds and self._alive()
        if name == "log":
            self.log.feed(data)
        elif self.garbled is None:
            try:
                for event in self.reader.feed(data):
                    self._hear(event)
            except GarbledError as error:
                self.garbled = str(error)
        return True

    def _hear(self, event: Event) -> None:
        """Keep an event and hand it on."""
        self.events.append(event)
        if isinstance(event, Final):
            self.final_at = time.monotonic()
        if self.on_event is not None:
            self.on_event(event)

    def _alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def _kill(self, why: Killed) -> None:
        self.killed = why
        self.killed_at = time.monotonic()
        if self.group is not None:
            self.last_bytes = self.group.current_bytes()
        self._signal_all()

    def _signal_all(self) -> None:
        """Kill the whole tree: its session, what descends from it, its control group."""
        assert self.process is not None
        if self.process.pid < 1:  # a fork that was reaped before it could be named
            return
        family = processes.tree(self.process.pid) if self._alive() else set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _leftovers(self) -> None:
        """Kill children that stayed behind, wherever they went."""
        if self.group is not None:
            self.group.kill()
        else:
            processes.kill(processes.marked(self.marker))

    def _given_up(self) -> bool:
        at = self.killed_at
        return at is not None and time.monotonic() >= at + UNKILLABLE_SECONDS

    def _status(self) -> tuple[int | None, int | None]:
        """Return exit code and signal; bubblewrap passes signal n on as 128 + n."""
        code = None if self.process is None else self.process.returncode
        if code is None:
            return None, None
        if code < 0:
            return None, -code
        if self.launch.place.bwrap is not None and 128 < code <= 128 + signal.NSIG:
            return None, code - 128
        return code, None


def _group(place: Place, memory_bytes: int | None) -> memory.Group | None:
    """Make a control group for one worker; None where the kernel refuses after all."""
    if place.hierarchy is None:
        return None
    try:
        return memory.Group(place.hierarchy, memory_bytes)
    except OSError:
        return None
