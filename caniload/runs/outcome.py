"""The table from how a worker ended to what the attempt's outcome is. Pure; no I/O.

The parent decides (DESIGN, "The parent owns the record"): the worker's own word counts only
if nothing that the parent saw contradicts it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Literal

from caniload.runs.protocol import (
    Checked,
    Event,
    Final,
    Fingerprinted,
    Hello,
    StageBegun,
)
from caniload.words import CheckName, CheckStatus, EvidenceLevel, Outcome, Stage

NEAR_LIMIT = 0.9
"""A signal 9 at this share of the memory limit counts as out of memory (DESIGN)."""

NEEDED_CHECKS = (CheckName.WEIGHTS, CheckName.DEVICE, CheckName.OUTPUT)
"""Without a word on each of these, and a fingerprint, an attempt has not passed."""

Killed = Literal["deadline", "memory", "protocol", "lingering"]
"""Why the parent killed a worker; `lingering` is one that stayed after its final event."""


@dataclass(frozen=True)
class Attempt:
    """Hold what the parent saw of one worker, before anybody judges it."""

    action: Literal["attempt", "export"] = "attempt"
    events: tuple[Event, ...] = ()
    garbled: str | None = None
    start_error: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    killed: Killed | None = None
    timeout_seconds: float = 0.0
    memory_limit_bytes: int | None = None
    last_memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    oom_kills: int = 0
    wall_seconds: float = 0.0
    log_dropped_bytes: int = 0
    last_words: str = ""
    """The last line of the log."""
    stage_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def final(self) -> Final | None:
        """The worker's own word, if it gave one."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Final) else None

    @property
    def stage(self) -> Stage:
        """The stage that was begun last."""
        begun = [event.stage for event in self.events if isinstance(event, StageBegun)]
        return begun[-1] if begun else Stage.IMPORT

    @property
    def parent_seconds(self) -> float:
        """Wall time less what the worker says its stages took: the parent's own share."""
        return max(0.0, self.wall_seconds - sum(self.stage_seconds.values()))


@dataclass(frozen=True)
class Settled:
    """Say what an attempt comes to."""

    outcome: Outcome
    stage: Stage
    message: str = ""
    evidence_level: EvidenceLevel | None = None


def settle(attempt: Attempt) -> Settled:
    """Decide an attempt's outcome; the first row that applies wins."""
    final = attempt.final
    stage = attempt.stage
    if attempt.start_error is not None:
        return _harness(stage, f"the worker could not be started: {attempt.start_error}")
    if attempt.killed == "deadline":
        limit = f"{attempt.timeout_seconds:g} s"
        return Settled(Outcome.TIMED_OUT, stage, f"still in {stage} after {limit}")
    if attempt.killed == "memory":
        return Settled(Outcome.OUT_OF_MEMORY, stage, _over_budget(attempt))
    if attempt.killed == "protocol":
        return _harness(stage, f"the worker sent {attempt.garbled}")
    if attempt.killed == "lingering" and final is not None:
        return _word(attempt, final)
    if attempt.signal == signal.SIGKILL:
        if _out_of_memory(attempt):
            return Settled(Outcome.OUT_OF_MEMORY, stage, _over_budget(attempt))
        return _harness(stage, "the worker was killed by signal 9, which caniload did not send")
    if attempt.signal is not None:
        return Settled(Outcome.CRASHED, stage, _signal_text(attempt.signal, stage))
    if attempt.garbled is not None:
        return _harness(stage, f"the worker sent {attempt.garbled}")
    if final is None:
        return _silent(attempt)
    if attempt.exit_code != 0:
        code = attempt.exit_code
        return _harness(stage, f"the worker ended with exit code {code} after its final event")
    return _word(attempt, final)


def _word(attempt: Attempt, final: Final) -> Settled:
    """Take the worker's word, unless its own events contradict a pass."""
    if final.outcome is Outcome.PASSED and attempt.action == "attempt":
        found = [event.check for event in attempt.events if isinstance(event, Checked)]
        checks = {check.name: check for check in found}
        failed = [check.name for check in found if check.status is CheckStatus.FAILED]
        if failed:
            return _harness(final.stage, f"the worker passed although {failed[0]} failed")
        missing = [name.value for name in NEEDED_CHECKS if name not in checks]
        if not any(isinstance(event, Fingerprinted) for event in attempt.events):
            missing.append(CheckName.FINGERPRINT.value)
        if missing:
            return _harness(final.stage, f"the worker passed without checking {missing[0]}")
    return Settled(final.outcome, final.stage, final.message, final.evidence_level)


def _silent(attempt: Attempt) -> Settled:
    """Judge a worker that ended by itself without a final event."""
    stage, code = attempt.stage, attempt.exit_code
    if attempt.oom_kills:
        return Settled(Outcome.OUT_OF_MEMORY, stage, _over_budget(attempt))
    if not attempt.events:
        said = f"; its log ends: {attempt.last_words}" if attempt.last_words else ""
        return _harness(stage, f"the worker ended with exit code {code} without a word{said}")
    if len(attempt.events) == 1 and isinstance(attempt.events[0], Hello):
        return _harness(stage, f"the worker ended with exit code {code} before its first stage")
    return _harness(stage, f"the worker ended with exit code {code} in {stage}, no final event")


def _harness(stage: Stage, message: str) -> Settled:
    return Settled(Outcome.HARNESS_ERROR, stage, message)


def _out_of_memory(attempt: Attempt) -> bool:
    """Tell whether a signal 9 that is not ours was for lack of memory."""
    if attempt.oom_kills:
        return True
    limit, last = attempt.memory_limit_bytes, attempt.last_memory_bytes
    return limit is not None and last is not None and last >= NEAR_LIMIT * limit


def _over_budget(attempt: Attempt) -> str:
    """Say which limit was met."""
    if attempt.memory_limit_bytes is None:
        return "the machine ran out of memory"
    return f"needed more than its budget of {attempt.memory_limit_bytes / 1e6:.0f} MB"


def _signal_text(number: int, stage: Stage) -> str:
    """Name a signal, and for an illegal instruction its usual cause."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGILL:
        return (
            f"illegal instruction in {stage} ({name}): the library is built for a processor "
            "that this machine's is not"
        )
    return f"crashed in {stage} ({name})"
