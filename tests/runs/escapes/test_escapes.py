"""Attacks by artefacts: each reaches out of a bare worker, and none out of the sandbox."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from escape_range import TOKEN, Range

from caniload.records import Observation
from caniload.runs import memory, processes
from caniload.runs.job import Job
from caniload.words import ArtefactClass, Outcome, Stage

pytestmark = pytest.mark.slow

ATTACKS: dict[str, dict[str, Any]] = {
    "pickle": {"attack": "torch-file", "env": "pytorch", "form": "pt"},
    "pickle-legacy": {"attack": "torch-file", "env": "pytorch", "form": "pt"},
    "script": {
        "attack": "torchscript",
        "env": "pytorch",
        "form": "torchscript",
        "kind": ArtefactClass.PROGRAM,
        "inputs": {"x": {"kind": "audio", "shape": [1, 4]}},
    },
    "hubconf": {
        "attack": "torch-hub",
        "env": "pytorch",
        "form": "torch-hub",
        "kind": ArtefactClass.CODE,
    },
    "lambda": {"attack": "keras-file", "env": "tensorflow", "form": "keras"},
    "write-file": {
        "attack": "saved-model",
        "env": "tensorflow",
        "form": "saved-model",
        "kind": ArtefactClass.PROGRAM,
    },
}
"""By artefact: the loader that is handed it, where, as what."""

SAYS = {
    "pickle": "posix.system",
    "pickle-legacy": "posix.system",
    "script": "aten::save",
    "hubconf": "executes code",
    "lambda": "Lambda",
    "write-file": "WriteFile",
    "py-func": "PyFunc",
}
"""What the record names as the reason, by artefact."""

RAN = (Outcome.PASSED, Outcome.FAILED, Outcome.LOADS_ONLY)


def jobs(attacks: Range, **changes: Any) -> list[Job]:
    """A job for each attack."""
    return [attacks.job(arm=arm, **{**how, **changes}) for arm, how in ATTACKS.items()]


@pytest.fixture(scope="module")
def bare(armed: Range) -> tuple[set[str], list[bytes], list[Observation]]:
    """What attacks did in workers without a sandbox, where all are called data for that."""
    seen = armed.run("bare", *jobs(armed, kind=ArtefactClass.DATA, allow_code=True))
    left = armed.traces(), list(armed.listener.heard), seen
    armed.clean()
    return left


@pytest.mark.framework
def test_without_a_sandbox_each_attack_succeeds(
    armed: Range, bare: tuple[set[str], list[bytes], list[Observation]]
) -> None:
    traces, heard, seen = bare
    assert traces == set(ATTACKS), [(each.message, each.log_excerpt) for each in seen]
    assert heard == [TOKEN.encode()]
    assert armed.py_func_ran, "its callback exists in the process that made it alone"


@pytest.mark.framework
def test_without_permission_nothing_of_it_is_run(armed: Range) -> None:
    py_func = armed.job(arm="py-func", **ATTACKS["write-file"])
    for seen, says in zip(armed.run("boxed", *jobs(armed), py_func), SAYS.values(), strict=True):
        assert (seen.outcome, seen.stage) == (Outcome.REFUSED, Stage.LOAD), seen.log_excerpt
        assert says in seen.message
        assert "--allow-code" in seen.message
        assert seen.exceptions[0].type == "caniload.Refused"
    assert (armed.traces(), armed.listener.heard) == (set(), [])


@pytest.mark.framework
def test_with_permission_nothing_gets_out_of_the_sandbox(armed: Range) -> None:
    seen = armed.run("boxed", *jobs(armed, allow_code=True))
    assert (armed.traces(), armed.listener.heard) == (set(), [])
    for each, (arm, how) in zip(seen, ATTACKS.items(), strict=True):
        assert each.outcome in RAN, (arm, each.message, each.log_excerpt)
        assert (each.sandbox.kind, each.sandbox.network) == ("bubblewrap", False)
        assert each.cell.recipe.allow_code
        assert TOKEN not in each.model_dump_json()
        if how.get("kind") is ArtefactClass.CODE:
            assert each.facts["artefact_class"] == "code"
        else:
            assert SAYS[arm] in each.facts["code_needed"], "the record says what it was for"


def test_a_network_call_gets_nowhere(attacks: Range) -> None:
    (outside,) = attacks.run("bare", attacks.job("reach"))
    assert (outside.outcome, attacks.listener.heard) == (Outcome.PASSED, [b"reached"])
    attacks.clean()
    (inside,) = attacks.run("boxed", attacks.job("reach"))
    assert inside.outcome is Outcome.FAILED
    assert inside.exceptions[0].type == "ConnectionRefusedError"
    assert attacks.listener.heard == []


def test_root_without_capabilities_changes_no_setting_of_the_kernel_s(attacks: Range) -> None:
    if os.getuid() == 0:
        (outside,) = attacks.run("bare", attacks.job("settings"))
        assert "/proc/sys/" in outside.facts["opened"]
    (inside,) = attacks.run("boxed", attacks.job("settings"))
    assert (inside.outcome, inside.facts["opened"]) == (Outcome.PASSED, "")


def test_a_program_that_runs_as_its_owner_is_not_reached_by_others(attacks: Range) -> None:
    shut: set[bool] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for path in attacks.scratch.glob("home-*/scratch/*/*/*/program"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mode & 0o4000:
                        above = [folder.stat().st_mode for folder in path.parents[:4]]
                        shut.add(any(not mode & 0o001 for mode in above))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        attacks.run("boxed", attacks.job("leave_program"))
    finally:
        over.set()
        looking.join()
    assert shut == {True}


def test_what_leaves_its_session_and_its_environment_dies_with_its_worker(
    attacks: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = attacks.home / "beat"
    with monkeypatch.context() as patched:
        # Neither sandbox nor control group: nothing is left by which it could be found.
        patched.setattr("caniload.runs.memory.find", lambda: None)
        attacks.run("bare", attacks.job("survivor"))
    survivors = [pid for pid in _with_word(str(beat)) if pid in _beating(beat)]
    assert survivors, "without anything that holds it, it survives"
    processes.kill(survivors)
    attacks.clean()
    attacks.run("bare", attacks.job("survivor"))
    assert _with_word(str(beat)) == [], "a control group alone holds it"
    attacks.clean()
    (inside,) = attacks.run("boxed", attacks.job("survivor"))
    assert inside.outcome is Outcome.PASSED
    assert _with_word(str(beat)) == []
    assert not beat.exists()


@pytest.mark.parametrize("groups", [True, False], ids=["cgroup", "rlimit"])
def test_a_fork_bomb_is_held_by_a_limit(
    attacks: Range, monkeypatch: pytest.MonkeyPatch, groups: bool
) -> None:
    if not groups:
        monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    (probe,) = attacks.run("boxed", attacks.job("count_forks"))
    limit, made = probe.sandbox.processes, probe.numbers["forks"]
    if limit != ("cgroup" if groups else "rlimit") or made >= memory.MAX_PROCESSES:
        wanted = "a writable pids control group" if groups else "an unprivileged user for workers"
        pytest.fail(f"no limit on processes binds ({limit}, {made:.0f} forks): {wanted} is missing")
    began = time.monotonic()
    (seen,) = attacks.run("boxed", attacks.job("bomb", seconds=2))
    assert seen.outcome is Outcome.TIMED_OUT
    assert "fork" in seen.log_excerpt.lower()
    assert time.monotonic() - began < SLOW
    assert _with_word("bomb | bomb") == []


def test_a_fork_bomb_is_ended_by_its_control_group_alone(attacks: Range) -> None:
    (probe,) = attacks.run("bare", attacks.job("count_forks"))
    if probe.sandbox.processes != "cgroup" or probe.numbers["forks"] >= memory.MAX_PROCESSES:
        pytest.fail("no limit on processes binds: a writable pids control group is missing")
    (seen,) = attacks.run("bare", attacks.job("bomb", seconds=2))
    assert seen.outcome is Outcome.TIMED_OUT
    assert _with_word("bomb | bomb") == []


SLOW = 20.0
"""Seconds that a machine busy with a bomb of 512 processes may take for two cells of 2 s."""


def _with_word(word: str) -> list[int]:
    """Return the processes whose command line holds a word."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                line = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in line:
                found.append(int(path.name))
    return found


def _beating(beat: Path) -> list[int]:
    """Return the processes that beat, if the file still grows."""
    size = beat.stat().st_size
    time.sleep(0.3)
    return _with_word(str(beat)) if beat.stat().st_size > size else []
