"""Warm workers: forks of a process that has imported a library, each watched as a fresh one is."""

from __future__ import annotations

import os
import select
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted import WORKER, ScriptedSpec, make_job

from caniload.records import Cell
from caniload.runs import journal, processes
from caniload.runs import warm as warming
from caniload.runs.executor import Executor
from caniload.runs.job import Job
from caniload.settings import Settings
from caniload.words import ArtefactClass, Outcome

pytestmark = pytest.mark.slow

ZYGOTE = Path(__file__).parents[2] / "caniload" / "loaders" / "smoke" / "zygote.py"


@pytest.fixture
def warm(settings: Settings, tmp_path: Path) -> Executor:
    """An executor whose scripted workers may be forked from a warm one."""
    folder = tmp_path / "warm_worker"
    shutil.copytree(WORKER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ZYGOTE, folder / "zygote.py")
    return Executor(settings, worker=folder, warm=True)


def job(script: str = "pass_", **more: Any) -> Job:
    """A job that loads nothing foreign, as an architecture that a library builds by name."""
    return make_job(script, architecture="tiny", **more)


def test_forks_pass_fail_and_crash_each_for_itself(warm: Executor) -> None:
    jobs = [
        job("pass_", label="a"),
        job("fail", label="b", arguments={"message": "no"}),
        job("segfault", label="c"),
        job("raise_signal", label="d", arguments={"number": 6}),
        job("pass_", label="e"),
    ]
    seen = warm.run(jobs).observations
    assert [each.outcome for each in seen] == ["passed", "failed", "crashed", "crashed", "passed"]
    assert {each.worker for each in seen} == {"warm"}
    assert [each.signal for each in seen] == [None, None, 11, 6, None]
    assert {each.sandbox.memory for each in seen} == {"pss"}
    assert all(each.sandbox.kind == "bubblewrap" for each in seen)


def test_a_fork_that_hangs_is_killed_and_the_next_one_runs(warm: Executor, tmp_path: Path) -> None:
    began = time.monotonic()
    seen = warm.run(
        [job("hang", label="a", timeout_seconds=1.0), job("pass_", label="b")]
    ).observations
    assert [each.outcome for each in seen] == ["timed_out", "passed"]
    assert {each.worker for each in seen} == {"warm"}
    assert time.monotonic() - began < 20


def test_a_run_leaves_no_process_behind(warm: Executor) -> None:
    before = processes.tree(os.getpid())
    warm.run([job("pass_", label="a"), job("hang", label="b", timeout_seconds=0.5)])
    assert processes.tree(os.getpid()) <= before


def folder(path: Path, content: str) -> Path:
    """A folder with one file."""
    path.mkdir()
    (path / "model.txt").write_text(content)
    return path


def reading(root: Path, label: str, **more: Any) -> Job:
    """A job whose worker says what the file of its artefact holds."""
    return make_job("read_artefact", root, label=label, arguments={"name": "model.txt"}, **more)


def test_forks_read_the_artefacts_that_their_zygote_was_started_for(
    warm: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "MOST_SHOWN", 2)
    jobs = [reading(folder(tmp_path / str(n), f"text {n}"), str(n)) for n in range(5)]
    seen = warm.run(jobs).observations
    assert {each.worker for each in seen} == {"warm"}
    assert [each.facts["content"] for each in seen] == [f"text {n}" for n in range(5)]


def test_programs_code_accelerators_and_plugins_are_never_forked(
    warm: Executor, tmp_path: Path
) -> None:
    root = folder(tmp_path / "files", "x")
    plugin = tmp_path / "plugin.py"
    plugin.write_text("")
    kinds = [
        make_job("pass_", root, label="program", kind=ArtefactClass.PROGRAM),
        make_job("pass_", root, label="allowed", allow_code=True),
        make_job("pass_", label="nothing to load"),
        replace(job("pass_", label="plug-in"), spec=replace(ScriptedSpec(), smoke_file=plugin)),
    ]
    assert {each.worker for each in warm.run(kinds).observations} == {"fresh"}
    cuda = job("pass_")
    cuda = replace(cuda, cell=cuda.cell.model_copy(update={"device": "cuda"}))
    assert warming.may_be_warm(job("pass_"))
    assert not warming.may_be_warm(cuda)


def test_several_cells_at_once_each_end_in_one_settlement(
    settings: Settings, warm: Executor, tmp_path: Path
) -> None:
    before = processes.tree(os.getpid())
    warm.workers = 3
    jobs = [job("slow_pass", label=str(n), arguments={"seconds": 0.4}) for n in range(6)]
    jobs += [job("segfault", label="crash"), make_job("pass_", label="fresh")]
    began = time.monotonic()
    result = warm.run(jobs)
    took = time.monotonic() - began
    assert sorted(each.cell_id for each in result.settlements) == sorted(j.cell.id for j in jobs)
    assert len({each.id for each in result.observations}) == len(jobs)
    outcomes = {each.cell.handle: each.outcome for each in result.observations}
    assert [name for name, outcome in outcomes.items() if outcome != "passed"] == [
        jobs[6].cell.handle
    ]
    assert took < sum(each.wall_seconds for each in result.observations)
    assert processes.tree(os.getpid()) <= before


def test_an_error_in_one_thread_stops_the_others_and_the_run_resumes(
    settings: Settings, warm: Executor
) -> None:
    def interrupt(cell: Cell, event: Mapping[str, object]) -> None:
        if "stops" in cell.handle and event["event"] == "stage":
            raise KeyboardInterrupt

    before = processes.tree(os.getpid())
    warm.workers, warm.on_event = 2, interrupt
    jobs = [job("hang", label="hangs"), job("pass_", label="stops"), job("pass_", label="later")]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        warm.run(jobs)
    assert time.monotonic() - began < 30
    assert processes.tree(os.getpid()) <= before
    (run_id,) = journal.unfinished(settings.segments)
    warm.on_event = None
    short = [replace(jobs[0], timeout_seconds=1.0), *jobs[1:]]
    assert len(warm.resume(run_id, short).settlements) == 3


def test_without_being_asked_nothing_is_forked(executor: Executor) -> None:
    assert executor.run([job("pass_")]).observations[0].worker == "fresh"


@pytest.mark.parametrize("preload", [("no_module_is_called_so",), ("os", "json", "antigravity_")])
def test_where_imports_fail_a_fresh_worker_says_why(
    warm: Executor, preload: tuple[str, ...]
) -> None:
    spec = replace(ScriptedSpec(), preload={"pytorch": preload})
    seen = warm.run([replace(job("pass_"), spec=spec)]).observations
    assert [(each.outcome, each.worker) for each in seen] == [(Outcome.PASSED, "fresh")]


def ending(which: str) -> Any:
    """Kill the zygote, what holds it or its fork, once, when the fork has begun its work."""
    done: list[int] = []

    def on_event(cell: Cell, event: Mapping[str, object]) -> None:
        if event["event"] == "stage" and not done and cell.handle.startswith("file:scripted/hit@"):
            zygotes = [pid for pid in processes.tree(os.getpid()) if is_zygote(pid)]
            pythons = sorted(pid for pid in zygotes if "bwrap" not in name_of(pid))
            victim = {"zygote": pythons[0], "child": pythons[-1], "box": min(zygotes)}[which]
            assert len(pythons) == 2, "a zygote and what it forked"
            done.append(victim)
            fork = os.pidfd_open(pythons[-1])
            os.kill(victim, signal.SIGKILL)
            over, _, _ = select.select([fork], [], [], 1.0)
            os.close(fork)
            assert over, "a fork ends with its zygote"

    return on_event


def is_zygote(pid: int) -> bool:
    """Tell whether a process is a zygote, what holds one, or a fork of it."""
    return b"caniload_smoke.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize("victim", ["zygote", "box"])
def test_a_killed_zygote_is_no_outcome_of_its_childs_cell(
    warm: Executor, boxed: bool, victim: str
) -> None:
    """The cell goes to a fresh worker, the next one to a new zygote; no fork outlives the old."""
    before = processes.tree(os.getpid())
    warm.on_event = ending(victim)
    if not boxed:
        warm = Executor(
            warm.settings, warm.on_event, worker=warm.place().worker, sandbox="none", warm=True
        )
    jobs = [job("pass_", label="a"), job("slow_pass", label="hit", arguments={"seconds": 3})]
    seen = warm.run([*jobs, job("pass_", label="b")]).observations
    assert [each.outcome for each in seen] == ["passed"] * 3
    assert [each.worker for each in seen] == ["warm", "fresh", "warm"]
    assert processes.tree(os.getpid()) <= before


def test_a_killed_fork_is_our_fault_and_tried_again(warm: Executor) -> None:
    warm.on_event = ending("child")
    hit = job("slow_pass", label="hit", arguments={"seconds": 3}, memory_bytes=1 << 30)
    result = warm.run([job("pass_", label="a"), hit, job("pass_", label="b")])
    outcomes = [each.outcome for each in result.observations]
    assert outcomes == ["passed", "harness_error", "passed", "passed"]
    assert {each.worker for each in result.observations} == {"warm"}
    assert [each.outcome for each in result.settlements] == ["passed"] * 3
