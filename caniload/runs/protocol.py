"""The two texts between parent and worker: one JSON job in, JSON event lines out.

Both sides agree on version 1. What arrives is judged here: a line that is no event, or too
long, or too many of them, is `GarbledError`, and the parent calls that its own fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from caniload.records import Check, Device, ExceptionFact, FileFact, Fingerprint
from caniload.runs.job import Job
from caniload.words import EvidenceLevel, Outcome, Stage

PROTOCOL = 1
MAX_LINE_BYTES = 1 << 20
"""One event may be this long; longer is a fault."""
MAX_TOTAL_BYTES = 16 << 20
"""All events of an attempt together, so that a flood cannot fill the parent's memory."""


class Message(BaseModel):
    """Base of all events: frozen; fields that nobody defined are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Hello(Message):
    """The worker runs and says who it is."""

    event: Literal["hello"]
    protocol: Literal[1]
    python: str
    pid: int


class StageBegun(Message):
    """A stage begins."""

    event: Literal["stage"]
    stage: Stage


class StageDone(Message):
    """A stage is over, after so many seconds."""

    event: Literal["stage_done"]
    stage: Stage
    seconds: float = Field(ge=0)


class DeviceFound(Message):
    """The device that the attempt really used."""

    event: Literal["device"]
    device: Device


class FactFound(Message):
    """A free text by name."""

    event: Literal["fact"]
    name: str
    value: Annotated[str, BeforeValidator(str)]


class NumberFound(Message):
    """A number by name."""

    event: Literal["number"]
    name: str
    value: float


class Checked(Message):
    """One of the five checks ended."""

    event: Literal["check"]
    check: Check


class Fingerprinted(Message):
    """The outputs' fingerprint."""

    event: Literal["fingerprint"]
    fingerprint: Fingerprint


class Exported(Message):
    """What an export wrote; paths are relative to `root`."""

    event: Literal["exported"]
    root: str
    files: tuple[FileFact, ...]


class Architecture(BaseModel):
    """One architecture that a library builds by name; `parameters` None where it cannot say.

    `omitted` is why it cannot be tried, if so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    parameters: int | None = None
    omitted: str | None = None


class Listed(Message):
    """A part of the architectures that a library has."""

    event: Literal["listed"]
    architectures: tuple[Architecture, ...]


class Raised(Message):
    """The chain of exceptions, outermost first."""

    event: Literal["exceptions"]
    exceptions: tuple[ExceptionFact, ...]


class Final(Message):
    """The worker's own word on how it ended; always the last event."""

    event: Literal["final"]
    outcome: Literal[
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.LOADS_ONLY,
        Outcome.NOT_INSTALLED,
        Outcome.REFUSED,
        Outcome.OUT_OF_MEMORY,
    ]
    stage: Stage
    message: str = ""
    evidence_level: EvidenceLevel | None = None


Event = (
    Hello
    | StageBegun
    | StageDone
    | DeviceFound
    | FactFound
    | NumberFound
    | Checked
    | Fingerprinted
    | Exported
    | Listed
    | Raised
    | Final
)

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


class GarbledError(Exception):
    """Raised when what the worker sends is not the protocol; its text says how."""


class EventReader:
    """Cut a stream of bytes into events."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._rest = b""
        self._total = 0
        self._final = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take what arrived and yield the events that are complete, one by one.

        Raises `GarbledError` when a line is no event, longer than 1 MiB, follows the final
        event, or when all of them exceed 16 MiB.
        """
        self._total += len(data)
        if self._total > MAX_TOTAL_BYTES:
            raise GarbledError(f"events of more than {MAX_TOTAL_BYTES >> 20} MiB")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            _check_length(line)
            if line.strip():
                yield self._event(line)
        _check_length(self._rest)

    def end(self) -> None:
        """Raise `GarbledError` if the stream ended within an event."""
        if self._rest.strip():
            raise GarbledError(f"an event that is cut short: {_start(self._rest)}")

    def _event(self, line: bytes) -> Event:
        """Read one line."""
        if self._final:
            raise GarbledError(f"an event after the final one: {_start(line)}")
        try:
            event = _EVENT.validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            why = f"{where}: {first['msg']}" if where else first["msg"]
            raise GarbledError(f"a malformed event ({why}): {_start(line)}") from error
        self._final = isinstance(event, Final)
        return event


def job_text(job: Job, blob_to: Path, export_to: Path | None) -> bytes:
    """Write the job that the worker reads, with the folders it may write to."""
    cell, artefact = job.cell, job.artefact
    root = None if artefact is None else str(Path(artefact.root).absolute())
    document: dict[str, Any] = {
        "protocol": PROTOCOL,
        "loader": cell.loader,
        "framework": cell.framework,
        "action": "list" if job.listing else cell.kind,
        "artefact": None
        if artefact is None
        else {
            "root": root,
            "format": artefact.format,
            "files": [file.model_dump(mode="json") for file in artefact.files],
        },
        "device": cell.device,
        "recipe": cell.recipe.model_dump(mode="json"),
        "recipe_hash": cell.recipe.hash,
        "export_format": cell.export_format,
        "export_to": None if export_to is None else str(export_to),
        "blob_to": str(blob_to),
        "hints": dict(job.hints),
        "architecture": job.architecture,
        "smoke_file": None if job.spec.smoke_file is None else str(job.spec.smoke_file),
        "exporter_file": None if job.exporter_file is None else str(job.exporter_file),
    }
    return json.dumps(document).encode()


def _check_length(line: bytes) -> None:
    if len(line) > MAX_LINE_BYTES:
        raise GarbledError(f"an event longer than {MAX_LINE_BYTES >> 20} MiB")


def _start(line: bytes) -> str:
    """Show the start of a line, as Python would write it."""
    return repr(line[:80])[1:]
