"""What questions answer with: frozen dataclasses of the standard library alone.

Every answer names its evidence: the observation, the run, the day, and who measured it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caniload.words import Verdict


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """Explain a failure: its class, whose fault it is, why, and what to do.

    `since` and `until` are the version bounds of the class, as its citations give them.
    """

    code: str
    kind: str
    fault: str
    title: str
    cause: str
    fix: str
    since: str | None
    until: str | None
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """Give the verdict of one cell with its evidence.

    A `claimed` cell has no observation: `message` is what the claim says and `note` the page.
    `relative_rms` is the distance from the reference, `tolerance` what is allowed; `reference`
    is one of native, agreement, same weights, published, original (what an export was made
    from), `itself` (this row is the reference) or None (unreferenced). `fault` is the kind of a
    `blocked`. `versions` are those of the decisive packages; `options` what the recipe changes
    of the library's default call; `whom` is me, ci or other. Times are aware UTC, durations in
    seconds.
    """

    verdict: Verdict
    model: str | None
    source: str
    handle: str
    loader: str
    framework: str
    cell_id: str | None = None
    revision: str | None = None
    format: str | None = None
    framework_version: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    environment_key: str | None = None
    python_minor: str | None = None
    platform: str | None = None
    device: str | None = None
    recipe_hash: str | None = None
    weights: str | None = None
    kind: str = "attempt"
    export_format: str | None = None
    parent_observation: str | None = None
    patches: tuple[str, ...] = ()
    fault: str | None = None
    note: str | None = None
    observation_id: str | None = None
    run_id: str | None = None
    measured_at: datetime | None = None
    outcome: str | None = None
    stage: str | None = None
    message: str = ""
    exception_type: str | None = None
    exception_message: str | None = None
    relative_rms: float | None = None
    tolerance: float | None = None
    reference: str | None = None
    reference_loader: str | None = None
    reference_framework: str | None = None
    reference_observation: str | None = None
    attempts: int = 0
    wall_seconds: float | None = None
    peak_memory_bytes: int | None = None
    observer: str | None = None
    whom: str | None = None
    machine: str | None = None
    caniload_version: str | None = None
    diagnosis: Diagnosed | None = None
    inferred: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_reference(self) -> bool:
        """Tell whether other cells are compared with this one."""
        return self.reference == "itself"

    @property
    def unreferenced(self) -> bool:
        """Tell whether a pass was compared with nothing."""
        return self.outcome == "passed" and self.kind == "attempt" and self.reference is None

    @property
    def age(self) -> str | None:
        """The day of measurement in UTC, as YYYY-MM-DD."""
        return self.measured_at.date().isoformat() if self.measured_at else None


@dataclass(frozen=True, slots=True)
class Place:
    """Describe the interpreter that a question is about: canonical names, public versions.

    `python` is what `--python` would be given; `name` the environment's, if it has one.
    """

    versions: Mapping[str, str]
    python_minor: str
    platform: str
    python: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Say since which version a loader fails: the versions measured on either side.

    `package` is the decisive package in which they differ; `works` the highest version below
    that was seen to work, `fails` the lowest that was seen to fail; None where none was.
    """

    package: str
    works: str | None
    fails: str | None
    works_cell: CellAnswer | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer "can I load this model?" for one question.

    `best` is the cell that decides; None when nothing at all is known. `cells` are all that
    the question covers, best first. `nearest` is the closest evidence when `here` has none of
    its own, `missing` the decisive packages that `here` lacks for it, and `settle` the command
    that would find out. `elsewhere` are cells outside the question that work.
    """

    model: str
    name: str
    verdict: Verdict
    best: CellAnswer | None
    cells: tuple[CellAnswer, ...]
    framework: str | None = None
    loader: str | None = None
    device: str | None = None
    environment: str | None = None
    here: Place | None = None
    inferred: bool = False
    nearest: CellAnswer | None = None
    missing: tuple[str, ...] = ()
    settle: str | None = None
    elsewhere: tuple[CellAnswer, ...] = ()
    bounds: Bounds | None = None
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """Describe one source of a model; an unresolved one has no pinned revision."""

    handle: str
    source: str
    resolved: bool
    formats: tuple[str, ...]
    licence: str | None
    entry: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """Describe a model with its sources and the verdicts of all its cells."""

    id: str
    name: str
    aliases: tuple[str, ...]
    family: str | None
    tasks: tuple[str, ...]
    licence: str | None
    about: str
    uses: tuple[str, ...]
    sources: tuple[SourceAnswer, ...]
    cells: tuple[CellAnswer, ...]
    entry: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """Describe a dataset or a tool; `entry` holds all fields of its authored file."""

    kind: str
    id: str
    name: str
    about: str
    entry: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """Summarise one recorded run."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    observations: int
    passed: int
    models: tuple[str, ...]
    observer: str
    whom: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Say what `ingest` took in: observations added and already known, and refusals.

    `rejected` holds (path, reason) of each segment that was refused, `runs` the ids of the
    runs that were whole, known already or not.
    """

    added: int
    known: int
    rejected: tuple[tuple[str, str], ...] = ()
    segments: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
