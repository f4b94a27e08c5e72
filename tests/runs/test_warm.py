"""Warm workers: forks of a process that has imported a library, each watched as a fresh one is."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted import WORKER, ScriptedSpec, make_job

from caniload.runs import processes
from caniload.runs.executor import Executor
from caniload.runs.job import Job
from caniload.settings import Settings
from caniload.words import Outcome

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


def test_what_loads_files_or_code_is_never_forked(warm: Executor, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "model.safetensors").write_bytes(b"x")
    jobs = [make_job("pass_", tmp_path / "files", label="a"), make_job("pass_", label="b")]
    assert {each.worker for each in warm.run(jobs).observations} == {"fresh"}


def test_without_being_asked_nothing_is_forked(executor: Executor) -> None:
    assert executor.run([job("pass_")]).observations[0].worker == "fresh"


@pytest.mark.parametrize("preload", [("no_module_is_called_so",), ("os", "json", "antigravity_")])
def test_where_imports_fail_a_fresh_worker_says_why(
    warm: Executor, preload: tuple[str, ...]
) -> None:
    spec = replace(ScriptedSpec(), preload={"pytorch": preload})
    seen = warm.run([replace(job("pass_"), spec=spec)]).observations
    assert [(each.outcome, each.worker) for each in seen] == [(Outcome.PASSED, "fresh")]
