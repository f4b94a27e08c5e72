"""Workers that misbehave: each gives the design's outcome, and the next cell runs."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scripted import make_job

from caniload.records import Observation
from caniload.runs import memory, processes
from caniload.runs.executor import Executor, RunResult
from caniload.runs.job import Job
from caniload.words import Outcome, Stage

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize("name", ["boxed", "bare"])


def attempt(executor: Executor, script: str, **changes: Any) -> Observation:
    """Run one scripted cell and then one that passes; return the first cell's last observation."""
    jobs = [make_job(script, **changes), make_job("pass_", label="next")]
    result = executor.run(jobs)
    settled(result, jobs)
    assert result.settlements[1].outcome is Outcome.PASSED, "the next cell must run"
    mine = [seen for seen in result.observations if seen.cell.id == jobs[0].cell.id]
    return mine[-1]


def settled(result: RunResult, jobs: list[Job]) -> None:
    """Assert that each planned cell ended once, by observations that exist."""
    assert [each.cell_id for each in result.settlements] == [job.cell.id for job in jobs]
    ids = [seen.id for seen in result.observations]
    assert len(set(ids)) == len(ids)
    assert [one for each in result.settlements for one in each.observations] == ids


MISBEHAVIOUR: list[tuple[str, dict[str, Any], Outcome, str]] = [
    ("segfault", {}, Outcome.CRASHED, "SIGSEGV"),
    ("raise_signal", {"number": signal.SIGILL}, Outcome.CRASHED, "illegal instruction"),
    ("raise_signal", {"number": signal.SIGABRT}, Outcome.CRASHED, "SIGABRT"),
    ("own_kill", {}, Outcome.HARNESS_ERROR, "signal 9"),
    ("silent_exit", {"code": 0}, Outcome.HARNESS_ERROR, "exit code 0 without a word"),
    ("exit_without_final", {"code": 3}, Outcome.HARNESS_ERROR, "exit code 3 in load"),
    ("exit_after_final", {"code": 7}, Outcome.HARNESS_ERROR, "after its final event"),
    ("garbled", {"text": "not json\n"}, Outcome.HARNESS_ERROR, "malformed event"),
    ("garbled", {"text": '{"event": "dance"}\n'}, Outcome.HARNESS_ERROR, "dance"),
    ("garbled", {"text": '{"event": "stage", "stage": "x"}\n'}, Outcome.HARNESS_ERROR, "stage"),
    ("long_event", {}, Outcome.HARNESS_ERROR, "longer than 1 MiB"),
    ("cut_short", {}, Outcome.HARNESS_ERROR, "cut short"),
    ("two_finals", {}, Outcome.HARNESS_ERROR, "after the final one"),
]


@BOTH
def test_each_misbehaviour_has_its_outcome_and_the_next_cell_runs(
    request: pytest.FixtureRequest, name: str
) -> None:
    jobs = []
    for number, (script, arguments, _, _) in enumerate(MISBEHAVIOUR):
        jobs.append(make_job(script, label=f"bad-{number}", arguments=arguments))
        jobs.append(make_job("pass_", label=f"good-{number}"))
    result = request.getfixturevalue(name).run(jobs)
    settled(result, jobs)
    last = {seen.cell.id: seen for seen in result.observations}
    for number, (script, _, outcome, says) in enumerate(MISBEHAVIOUR):
        seen = last[jobs[2 * number].cell.id]
        assert (seen.outcome, says in seen.message) == (outcome, True), (script, seen.message)
        assert seen.attempt == (2 if outcome is Outcome.HARNESS_ERROR else 1), script
        assert last[jobs[2 * number + 1].cell.id].outcome is Outcome.PASSED, f"after {script}"


@BOTH
def test_a_hanging_worker_is_timed_out_at_its_deadline(
    request: pytest.FixtureRequest, name: str
) -> None:
    seen = attempt(request.getfixturevalue(name), "hang", timeout_seconds=0.7)
    assert seen.outcome is Outcome.TIMED_OUT
    assert seen.stage is Stage.LOAD
    assert 0.7 <= seen.wall_seconds < 3
    assert "still here" in seen.log_excerpt
    assert seen.attempt == 1


def test_a_worker_that_stays_after_its_final_event_is_ended_and_its_word_stands(
    executor: Executor,
) -> None:
    seen = attempt(executor, "hang_after_final", timeout_seconds=1.0)
    assert seen.outcome is Outcome.PASSED
    assert seen.signal is None


@BOTH
def test_a_worker_killed_from_outside(request: pytest.FixtureRequest, name: str) -> None:
    executor: Executor = request.getfixturevalue(name)
    killed: list[int] = []

    def kill_it() -> None:
        deadline = time.monotonic() + 30
        while len(killed) < 2 and time.monotonic() < deadline:
            for pid in processes.tree(os.getpid()) - {os.getpid(), *killed}:
                try:
                    line = Path(f"/proc/{pid}/cmdline").read_bytes()
                    sleeping = "sleep" in Path(f"/proc/{pid}/wchan").read_text()
                except OSError:
                    continue
                if line.split(b"\0")[1:2] == [b"-B"] and sleeping:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.02)

    thread = threading.Thread(target=kill_it)
    thread.start()
    seen = attempt(executor, "hang", timeout_seconds=20)
    thread.join()
    assert len(killed) == 2, "the worker and its second attempt"
    assert seen.outcome is Outcome.HARNESS_ERROR
    assert "killed by signal 9, which caniload did not send" in seen.message


@BOTH
def test_a_gigabyte_of_output_is_cut_and_the_outcome_stands(
    request: pytest.FixtureRequest, name: str
) -> None:
    executor: Executor = request.getfixturevalue(name)
    seen = attempt(executor, "flood", arguments={"megabytes": 1000})
    assert seen.outcome is Outcome.PASSED
    assert seen.numbers["log_dropped_bytes"] > 900_000_000
    assert seen.log is not None
    log = (executor.settings.logs / seen.log).read_text()
    assert len(log) < 5_000_000
    assert log.startswith("the first line\n")
    assert log.endswith("the last line\n")
    assert "bytes cut here" in log


@BOTH
def test_children_left_behind_are_killed_and_the_outcome_stands(
    request: pytest.FixtureRequest, name: str, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    _children_die(request.getfixturevalue(name), name, shared)


def test_children_left_behind_die_without_sandbox_or_control_group(
    bare: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    _children_die(bare, "bare", tmp_path)


def _children_die(executor: Executor, name: str, folder: Path) -> None:
    """Let a worker leave children, one in a session of its own, and see that they are gone."""
    beacon = folder / "beacon" if name == "bare" else Path("/tmp/beacon")
    before = processes.tree(os.getpid())
    seen = attempt(executor, "leave_children", arguments={"beacon": str(beacon)})
    assert seen.outcome is Outcome.PASSED
    if name == "bare":
        size = beacon.stat().st_size
        time.sleep(0.2)
        assert beacon.stat().st_size == size, "a child still writes"
    assert processes.tree(os.getpid()) <= before
    ours = [pid for pid in _pids() if b"beacon" in _cmdline(pid)]
    assert ours == []


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() if pid != os.getpid() else b""
    except OSError:
        return b""


@BOTH
def test_memory_past_the_budget(request: pytest.FixtureRequest, name: str) -> None:
    executor: Executor = request.getfixturevalue(name)
    budget = 80_000_000
    seen = attempt(executor, "allocate", arguments={"megabytes": 400}, memory_bytes=budget)
    assert seen.outcome is Outcome.OUT_OF_MEMORY
    assert "budget of 80 MB" in seen.message
    assert seen.peak_memory_bytes is not None
    assert seen.peak_memory_bytes >= 0.9 * budget


def test_memory_past_the_budget_without_control_group(
    bare: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    arguments = {"megabytes": 2000}
    seen = attempt(bare, "allocate", arguments=arguments, memory_bytes=80_000_000)
    assert seen.outcome is Outcome.OUT_OF_MEMORY
    assert seen.sandbox.memory == "pss"
    assert seen.peak_memory_bytes is not None
    assert 80_000_000 <= seen.peak_memory_bytes < 1_500_000_000


def test_memory_within_the_budget_is_measured(executor: Executor) -> None:
    arguments = {"megabytes": 50}
    seen = attempt(executor, "allocate", arguments=arguments, memory_bytes=300_000_000)
    assert seen.outcome is Outcome.PASSED
    assert seen.peak_memory_bytes is not None
    assert 50_000_000 <= seen.peak_memory_bytes < 100_000_000


def test_the_number_of_processes_is_limited_where_groups_are_writable(boxed: Executor) -> None:
    seen = attempt(boxed, "fork_many", arguments={"wanted": 600})
    limited = seen.sandbox.processes == "cgroup"
    assert limited == (memory.find() is not None)
    assert (100 < seen.numbers["made"] < memory.MAX_PROCESSES) == limited


def test_the_number_of_processes_is_limited_without_control_groups_too(
    apart: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    seen = attempt(apart, "fork_many", arguments={"wanted": 600})
    assert (seen.sandbox.kind, seen.sandbox.processes) == ("bubblewrap", "rlimit")
    assert 100 < seen.numbers["made"] < memory.MAX_PROCESSES
    seen = attempt(apart, "read_status")
    status = dict(line.split(":\t", 1) for line in seen.facts["status"].splitlines())
    assert set(status["CapEff"]) == set(status["CapPrm"]) == set(status["CapAmb"]) == {"0"}
    assert "0" not in status["Uid"].split(), "RLIMIT_NPROC does not bind root"
    assert status["NoNewPrivs"] == "1"
    seen = attempt(apart, "scribble")
    assert seen.outcome is Outcome.PASSED


def test_what_another_user_cannot_read_is_read_without_the_limit(
    boxed: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    (folder / "weights").write_text("w")
    job = make_job("read_artefact", folder, arguments={"name": "weights"})
    (seen,) = boxed.run([job]).observations
    assert seen.outcome is Outcome.PASSED
    assert seen.sandbox.processes == ("none" if os.getuid() == 0 else "rlimit")


def test_a_harness_error_is_tried_once_more(bare: Executor, tmp_path: Path) -> None:
    jobs = [make_job("twice", arguments={"counter": str(tmp_path / "counter")})]
    result = bare.run(jobs)
    settled(result, jobs)
    assert [seen.outcome for seen in result.observations] == [
        Outcome.HARNESS_ERROR,
        Outcome.PASSED,
    ]
    assert [seen.attempt for seen in result.observations] == [1, 2]
    assert result.settlements[0].outcome is Outcome.PASSED


def test_an_interpreter_that_is_gone_is_a_harness_error(executor: Executor) -> None:
    seen = attempt(executor, "pass_", interpreter=Path("/nowhere/python"))
    assert seen.outcome is Outcome.HARNESS_ERROR
    assert "could not be started" in seen.message
