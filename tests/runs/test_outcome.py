"""The table of outcomes, row by row."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from caniload.records import Check, Fingerprint
from caniload.runs.outcome import Attempt, settle
from caniload.runs.protocol import Checked, Event, Final, Fingerprinted, Hello, StageBegun
from caniload.words import CheckName, CheckStatus, Outcome, Stage

HELLO = Hello(event="hello", protocol=1, python="3.11.7", pid=2)
LOAD = StageBegun(event="stage", stage=Stage.LOAD)
PRINT = Fingerprinted(event="fingerprint", fingerprint=Fingerprint(recipe_hash="a", outputs=()))
GIGABYTE = 1_000_000_000


def check(name: CheckName, status: CheckStatus = CheckStatus.PASSED) -> Checked:
    return Checked(event="check", check=Check(name=name, status=status))


def final(outcome: str = "passed", message: str = "") -> Final:
    fields = {"event": "final", "outcome": outcome, "stage": "check", "message": message}
    return Final.model_validate(fields)


CHECKS: tuple[Event, ...] = (
    check(CheckName.WEIGHTS),
    check(CheckName.DEVICE),
    check(CheckName.OUTPUT),
)
PASSED: tuple[Event, ...] = (HELLO, LOAD, *CHECKS, PRINT, final())
BEGUN: tuple[Event, ...] = (HELLO, LOAD)


@pytest.mark.parametrize(
    ("attempt", "outcome", "says"),
    [
        (Attempt(events=PASSED, exit_code=0), Outcome.PASSED, ""),
        (Attempt(events=(*BEGUN, final("failed", "no")), exit_code=0), Outcome.FAILED, "no"),
        (Attempt(events=(*BEGUN, final("loads_only")), exit_code=0), Outcome.LOADS_ONLY, ""),
        (Attempt(events=(*BEGUN, final("refused")), exit_code=0), Outcome.REFUSED, ""),
        (Attempt(start_error="No such file"), Outcome.HARNESS_ERROR, "No such file"),
        (
            Attempt(events=BEGUN, killed="deadline", signal=9, timeout_seconds=5),
            Outcome.TIMED_OUT,
            "still in load after 5 s",
        ),
        (
            Attempt(events=BEGUN, killed="memory", signal=9, memory_limit_bytes=GIGABYTE),
            Outcome.OUT_OF_MEMORY,
            "budget of 1000 MB",
        ),
        (
            Attempt(events=BEGUN, killed="protocol", signal=9, garbled="a malformed event"),
            Outcome.HARNESS_ERROR,
            "the worker sent a malformed event",
        ),
        (Attempt(events=PASSED, killed="lingering", signal=9), Outcome.PASSED, ""),
        (Attempt(events=BEGUN, signal=9, oom_kills=1), Outcome.OUT_OF_MEMORY, "the machine"),
        (
            Attempt(events=BEGUN, signal=9, memory_limit_bytes=100, last_memory_bytes=90),
            Outcome.OUT_OF_MEMORY,
            "budget",
        ),
        (
            Attempt(events=BEGUN, signal=9, memory_limit_bytes=100, last_memory_bytes=89),
            Outcome.HARNESS_ERROR,
            "signal 9",
        ),
        (Attempt(events=BEGUN, signal=9), Outcome.HARNESS_ERROR, "did not send"),
        (Attempt(events=PASSED, signal=9), Outcome.HARNESS_ERROR, "did not send"),
        (Attempt(events=BEGUN, signal=signal.SIGSEGV), Outcome.CRASHED, "SIGSEGV"),
        (Attempt(events=BEGUN, signal=signal.SIGILL), Outcome.CRASHED, "illegal instruction"),
        (Attempt(events=BEGUN, signal=60), Outcome.CRASHED, "60"),
        (Attempt(events=PASSED, signal=signal.SIGABRT), Outcome.CRASHED, "SIGABRT"),
        (
            Attempt(events=BEGUN, exit_code=0, garbled="an event that is cut short"),
            Outcome.HARNESS_ERROR,
            "cut short",
        ),
        (Attempt(exit_code=0), Outcome.HARNESS_ERROR, "exit code 0 without a word"),
        (Attempt(events=(HELLO,), exit_code=0), Outcome.HARNESS_ERROR, "before its first stage"),
        (Attempt(events=BEGUN, exit_code=3), Outcome.HARNESS_ERROR, "exit code 3 in load"),
        (Attempt(events=BEGUN, exit_code=1, oom_kills=2), Outcome.OUT_OF_MEMORY, "memory"),
        (Attempt(events=PASSED, exit_code=7), Outcome.HARNESS_ERROR, "after its final event"),
    ],
)
def test_each_row(attempt: Attempt, outcome: Outcome, says: str) -> None:
    settled = settle(attempt)
    assert settled.outcome is outcome
    assert says in settled.message


def without(*gone: Any) -> Attempt:
    return Attempt(events=tuple(each for each in PASSED if each not in gone), exit_code=0)


@pytest.mark.parametrize("missing", [*CHECKS, PRINT])
def test_a_pass_needs_a_word_on_every_check(missing: Event) -> None:
    assert settle(without()).outcome is Outcome.PASSED
    assert settle(without(missing)).outcome is Outcome.HARNESS_ERROR


def test_a_pass_is_not_believed_beside_a_failed_check() -> None:
    events = (HELLO, *CHECKS, check(CheckName.WEIGHTS, CheckStatus.FAILED), PRINT, final())
    assert settle(Attempt(events=events, exit_code=0)).outcome is Outcome.HARNESS_ERROR


def test_an_export_passes_without_fingerprint() -> None:
    attempt = Attempt(action="export", events=(HELLO, final()), exit_code=0)
    assert settle(attempt).outcome is Outcome.PASSED


def test_the_stage_is_the_last_one_begun() -> None:
    run = StageBegun(event="stage", stage=Stage.RUN)
    assert settle(Attempt(events=(HELLO, LOAD, run), signal=11)).stage is Stage.RUN
    assert settle(Attempt(exit_code=0)).stage is Stage.IMPORT
