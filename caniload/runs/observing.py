"""Put together the observation of one attempt: what the parent saw, redacted and complete."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from caniload import __version__
from caniload.records import (
    Cell,
    Check,
    Device,
    Environment,
    ExceptionFact,
    FetchedArtefact,
    FileFact,
    Observation,
    Observer,
    Sandbox,
    utcnow,
)
from caniload.runs.outcome import Attempt, Settled
from caniload.runs.protocol import (
    Checked,
    DeviceFound,
    Event,
    Exported,
    FactFound,
    Fingerprinted,
    Hello,
    NumberFound,
    Raised,
)
from caniload.runs.redact import Redactor, clip

T = TypeVar("T")

EXCERPT_CHARACTERS = 2000
"""How much of the log's end stands in the observation itself."""

_NOT_STARTED = Sandbox(kind="none", network=False, memory="pss", processes="none")


def observer(name: str) -> Observer:
    """Return who measures: the name from the settings, our version, this machine's model."""
    return Observer(
        name=name,
        caniload_version=__version__,
        machine=_processor(),
        cpu_count=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


def observe(
    *,
    identity: tuple[str, str],
    number: int,
    cell: Cell,
    environment: Environment,
    artefact: FetchedArtefact | None,
    started_at: datetime,
    attempt: Attempt,
    settled: Settled,
    held: Sandbox | None,
    log: tuple[str | None, str],
    by: Observer,
    redactor: Redactor,
    said: Mapping[str, str] | None = None,
    worker: Literal["fresh", "warm"] = "fresh",
) -> Observation:
    """Return the observation of an attempt; every free text in it is redacted.

    `identity` is the observation's id and the run's, `log` the log's path and redacted text.
    `held` is None where policy or a hub kept the attempt from starting. `said` are facts that
    the plan already knew, as weights that the user declared to be the same.
    """
    events = attempt.events
    clean = redactor.text
    facts = {event.name: event.value for event in _of(FactFound, events)}
    facts |= dict(said or {})
    for hello in _of(Hello, events):
        facts["python"] = hello.python
    numbers = {event.name: event.value for event in _of(NumberFound, events)}
    numbers["parent_seconds"] = round(attempt.parent_seconds, 6)
    if attempt.log_dropped_bytes:
        numbers["log_dropped_bytes"] = float(attempt.log_dropped_bytes)
    if attempt.oom_kills:
        numbers["oom_kills"] = float(attempt.oom_kills)
    prints = [event.fingerprint for event in _of(Fingerprinted, events)]
    devices = [event.device for event in _of(DeviceFound, events)]
    return Observation(
        id=identity[0],
        run_id=identity[1],
        cell=cell,
        attempt=number,
        started_at=started_at,
        finished_at=max(utcnow(), started_at),
        outcome=settled.outcome,
        stage=settled.stage,
        evidence_level=settled.evidence_level,
        worker=worker,
        stage_seconds=attempt.stage_seconds,
        wall_seconds=attempt.wall_seconds,
        exceptions=_exceptions(events, redactor),
        message=clip(clean(settled.message)),
        signal=attempt.signal if attempt.killed is None else None,
        exit_code=attempt.exit_code,
        checks=tuple(_check(event.check, redactor) for event in _of(Checked, events)),
        fingerprint=prints[-1] if prints else None,
        numbers=numbers,
        facts={name: clip(clean(value)) for name, value in facts.items()},
        environment=environment,
        device=devices[-1] if devices else asked_device(cell.device),
        sandbox=held or _NOT_STARTED,
        artefact=artefact,
        peak_memory_bytes=attempt.peak_memory_bytes,
        log=log[0],
        log_excerpt=log[1][-EXCERPT_CHARACTERS:],
        observer=by,
    )


def exported(events: Iterable[Event]) -> tuple[FileFact, ...]:
    """Return the files that an export wrote, relative to where it was told to write."""
    found = [event.files for event in _of(Exported, events)]
    return found[-1] if found else ()


def asked_device(label: str) -> Device:
    """Return the device that a cell asks for, nothing known of it but its name."""
    kind, _, index = label.partition(":")
    return Device.model_validate({"kind": kind, "index": int(index) if index else None})


def _of(kind: type[T], events: Iterable[Event]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def _exceptions(events: Iterable[Event], redactor: Redactor) -> tuple[ExceptionFact, ...]:
    """Return the last reported chain, cleaned; nothing makes it longer than 32."""
    chains = [event.exceptions for event in _of(Raised, events)]
    return tuple(
        fact.model_copy(update={"message": clip(redactor.text(fact.message))})
        for fact in (chains[-1] if chains else ())[:32]
    )


def _check(check: Check, redactor: Redactor) -> Check:
    return check.model_copy(update={"detail": clip(redactor.text(check.detail))})


def _processor() -> str:
    """Name the processor, as Linux does."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    except OSError:
        pass
    return platform.machine()
