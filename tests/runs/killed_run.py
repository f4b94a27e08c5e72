"""Run or resume 20 scripted cells in processes that are killed at a chosen moment.

Started by `test_kills`; reads lines `HOME WHERE NTH` and answers each with the exit status.
Every run is a process of its own, forked before anything has happened (imports cost more than
the run). The kill is a real signal 9 of that real parent; only the moment is chosen, by
wrapping system calls in its process. WHERE is `fsync` (before the nth: between append and
fsync), `synced` (right after it), `rename` (before the nth, most of them in finish), `event`
(on the nth event of a worker), `write` (in the middle of the nth journal line), `unlink`
(before the journal is removed), `clock` (from outside, after nth milliseconds) or `never`.
A finished observation is noted in `noted` once `append` has returned, so that the test knows
what must not be lost; `totals` says how many of each moment there were.
"""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401 (once, before the forks)
from scripted import PYTHON, WORKER, make_job

from caniload.records import Cell, Observation
from caniload.runs import attempting, journal
from caniload.runs.executor import Executor
from caniload.runs.launch import Launch
from caniload.settings import Settings

CELLS = 20
seen: Counter[str] = Counter()


def tick(name: str, where: str, nth: int) -> None:
    seen[name] += 1
    if name == where and seen[name] == nth:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(where: str, nth: int) -> None:
    """Wrap the calls by which a run becomes durable."""
    fsync, write = os.fsync, os.write
    rename, unlink = pathlib.Path.rename, pathlib.Path.unlink

    def armed_fsync(fd: int) -> None:
        tick("fsync", where, nth)
        fsync(fd)
        tick("synced", where, nth)

    def armed_write(fd: int, data: Any) -> int:
        if bytes(data[:10]) == b'{"record":':
            seen["write"] += 1
            if where == "write" and seen["write"] == nth:
                write(fd, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
        return write(fd, data)

    def armed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def before(*args: Any, **kwargs: Any) -> Any:
            tick(name, where, nth)
            return call(*args, **kwargs)

        return before

    os.fsync, os.write = armed_fsync, armed_write
    pathlib.Path.rename = armed("rename", rename)
    pathlib.Path.unlink = armed("unlink", unlink)


def note_finished(home: Path) -> None:
    """Note each observation once `append` has returned."""
    append = journal.Segment.append

    def noting(self: journal.Segment, observation: Observation) -> None:
        append(self, observation)
        fd = os.open(home / "noted", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, observation.id.encode() + b"\n")
        os.close(fd)

    journal.Segment.append = noting


def run(home: Path, where: str, nth: int) -> None:
    """Run twenty cells in this home, or resume the run that was cut off there."""
    settings = Settings.read({"CANILOAD_HOME": str(home)})
    jobs = [make_job("pass_", label=f"cell-{number}") for number in range(CELLS)]

    def on_event(cell: Cell, event: Mapping[str, object]) -> None:
        tick("event", where, nth)

    arm(where, nth)
    note_finished(home)
    Launch.command = fast_command(Launch.command)
    runner = Executor(settings, on_event, worker=WORKER, sandbox="none")
    waiting = journal.unfinished(settings.segments)
    if waiting:
        runner.resume(waiting[0], jobs)
    elif not list(settings.segments.glob("*/run.json")):
        runner.run(jobs)
    (home / "totals").write_text(json.dumps(seen))


def fast_command(command: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Start workers without site packages: twenty cells fifty times should take seconds."""

    def faster(self: Launch, job_fd: int, event_fd: int) -> list[str]:
        place = replace(self.place, bwrap=None)
        line = command(replace(self, place=place), job_fd, event_fd)
        at = line.index("-B")
        return [*line[:at], "-I", "-S", *line[at:]]

    return faster


def serve() -> None:
    """Fork a run for each line; answer with what ended it: 0, or minus a signal's number."""
    known = attempting.probe(PYTHON)
    attempting.probe = lambda python: known
    for line in sys.stdin:
        home, where, nth = line.split()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                run(Path(home), where, int(nth))
                status = 0
            finally:
                os._exit(status)
        if where == "clock":
            over = os.pidfd_open(pid)
            select.select([over], [], [], int(nth) / 1000)
            os.close(over)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


serve()
