"""What caniload stores and exchanges, as frozen pydantic records.

Times are aware UTC, durations in seconds and sizes in bytes, with the unit in the name.
Diagnoses and verdicts are not here: they are derived when evidence is published, so that
better rules improve old evidence. A query must not import this module (pydantic costs 0.1 s
of a cold process); `words`, `handles` and `errors` are what it may import.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from caniload.handles import parse
from caniload.words import (
    CheckName,
    CheckStatus,
    EvidenceLevel,
    Outcome,
    Stage,
)

SCHEMA_VERSION = 1

SAMPLING = 2
"""Which positions of an output a fingerprint samples; 1 went by the output's name."""


def _handle(text: str) -> str:
    return str(parse(text))


HandleText = Annotated[str, AfterValidator(_handle)]
"""A handle in its canonical written form."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(BaseModel):
    """Base of all records: frozen, and closed to fields that nobody defined."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="strings"
    )


def digest(value: object) -> str:
    """Hash a JSON-able value by its canonical form; returns 64 hex digits of SHA-256."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def utcnow() -> datetime:
    """Return the current moment, aware, in UTC."""
    return datetime.now(UTC)


class Recipe(Record):
    """Say how an artefact is tried, apart from who loads it; hashed, so it never changes in place.

    Two cells can be compared only under one recipe hash. `inputs` names the input generator
    and its parameters, e.g. ``{"kind": "tokens", "batch": 2, "length": 16}``; the worker makes
    the same values from the seed on every interpreter. `compile` and similar loader options
    stand in `options` and are part of the hash.
    """

    name: str = "default"
    inputs: dict[str, Any] = Field(default_factory=dict)
    dtype: Literal["float32", "float16", "bfloat16", "int8", "auto"] = "auto"
    weights: Literal["pretrained", "random"] = "pretrained"
    allow_code: bool = False
    seed: int = 20260101
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def hash(self) -> str:
        """First 16 hex digits of the digest of everything but the name.

        `SAMPLING` is part of it, so that fingerprints taken at other positions are never compared.
        """
        return digest([SAMPLING, self.model_dump(mode="json", exclude={"name"})])[:16]


class FileFact(Record):
    """State one file of a fetched artefact: path relative to its root, size and hash."""

    path: str
    size_bytes: int
    sha256: Sha256


class FetchedArtefact(Record):
    """Say what `fetch` laid down: the exact files that a loader will read, and where from.

    `root` is a local directory or file, never stored and so empty in what is read back;
    `handle` carries the revision.
    `resolved_by` names who said what the revision is (a hub's answer, a package index, the
    file's own hash).
    """

    handle: HandleText
    root: str = Field(default="", exclude=True)
    format: str | None
    files: tuple[FileFact, ...]
    resolved_by: str
    resolved_at: AwareDatetime
    fetch_seconds: float = 0.0
    from_cache: bool = False


class Environment(Record):
    """Describe the interpreter that was used, as its own metadata gives it.

    `key` is the hash of `python_minor`, `platform` and the versions of the packages that the
    loader names as decisive (`decisive`); `lock` holds every distribution: name to public
    version. Local builds ("2.13.0+cpu") are split into version and `builds` ("cpu").
    """

    name: str
    python: str
    python_minor: str
    implementation: str = "cpython"
    platform: str
    decisive: dict[str, str]
    lock: dict[str, str]
    builds: dict[str, str] = Field(default_factory=dict)
    patches: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """First 16 hex digits over the decisive versions, the Python minor and the platform."""
        return digest([self.decisive, self.python_minor, self.platform])[:16]


class Device(Record):
    """Name a device: what was asked for, and what it really is."""

    kind: Literal["cpu", "cuda", "mps"]
    index: int | None = None
    name: str | None = None
    driver: str | None = None
    memory_bytes: int | None = None
    compute_capability: str | None = None

    @property
    def label(self) -> str:
        """`cpu`, `cuda`, `cuda:1`."""
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


def cell_id(
    handle: str,
    loader: str,
    framework: str,
    environment_key: str,
    device: str,
    recipe_hash: str,
    kind: str,
    export_format: str | None,
    adapter: str | None,
) -> str:
    """Return the id of a cell, by which a plan of many can be compared with what was measured."""
    rest = cell_rest(
        loader, framework, environment_key, device, recipe_hash, kind, export_format, adapter
    )
    return cell_ids(handle, rest)


def cell_rest(*parts: str | None) -> str:
    """Return the canonical JSON of what follows the handle in a cell's identity."""
    kept = parts if parts[-1] is not None else parts[:-1]
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)[1:]


def cell_ids(handle: str, rest: str) -> str:
    """Return the id of the cell of a handle; `rest` is what `cell_rest` gave."""
    return hashlib.sha256((_begun(handle) + rest).encode()).hexdigest()[:24]


@lru_cache(maxsize=8)
def _begun(handle: str) -> str:
    """Write the handle as identities begin, which several cells in a row share."""
    return f"[{json.dumps(handle, ensure_ascii=False)},"


class Cell(Record):
    """Name what is planned: artefact x loader x framework x environment x device x recipe.

    `adapter` is the digest of the input adapter, where there is one: formats of one model need
    different ones, and stay comparable under one recipe.
    """

    model: str | None
    handle: HandleText
    loader: str
    framework: str
    environment: str
    environment_key: str
    device: str
    recipe: Recipe
    kind: Literal["attempt", "export"] = "attempt"
    export_format: str | None = None
    parent_observation: str | None = None
    adapter: str | None = None

    @property
    def source(self) -> str:
        """The stable source of the artefact, without revision."""
        return parse(self.handle).source

    @property
    def id(self) -> str:
        """First 24 hex digits over everything that tells this cell from another."""
        return cell_id(
            self.handle,
            self.loader,
            self.framework,
            self.environment_key,
            self.device,
            self.recipe.hash,
            self.kind,
            self.export_format,
            self.adapter,
        )


class ExceptionFact(Record):
    """Keep one exception: type with module, message, and where in the chain it stood."""

    type: str
    message: str
    relation: Literal["raised", "cause", "context"] = "raised"


class Check(Record):
    """Keep the result of one of the five checks, with its numbers; `detail` says why."""

    name: CheckName
    status: CheckStatus
    detail: str = ""
    numbers: dict[str, float] = Field(default_factory=dict)


class OutputPrint(Record):
    """Fingerprint one output tensor: shape, dtype, moments, 256 values at seeded positions.

    `samples` are the float values at positions that depend on the recipe's seed and the
    output's number of elements alone, so that two runtimes sample the same elements. `layout`
    is set where the output was turned channels-last for it ("NHWC").
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    mean: float
    rms: float
    samples: tuple[float, ...]
    layout: str | None = None


class Fingerprint(Record):
    """Hold what an attempt gave: one print per output and the blob of the whole by hash."""

    recipe_hash: str
    outputs: tuple[OutputPrint, ...]
    blob_sha256: Sha256 | None = None
    tf32: bool | None = None


class Sandbox(Record):
    """Say what held the worker: `bubblewrap` or `none`, and what limited memory and processes."""

    kind: Literal["bubblewrap", "none"]
    network: bool
    memory: Literal["cgroup1", "cgroup2", "pss"]
    processes: Literal["cgroup", "rlimit", "none"] = "none"


class Observer(Record):
    """Say who measured: a name of the kind `me`, `ci` or a label, the version and the machine."""

    name: str
    caniload_version: str
    machine: str
    cpu_count: int
    memory_bytes: int


class Observation(Record):
    """Record one attempt at a cell. Append-only, never edited."""

    schema_version: int = SCHEMA_VERSION
    id: str
    run_id: str
    cell: Cell
    attempt: int = 1
    started_at: AwareDatetime
    finished_at: AwareDatetime
    outcome: Outcome
    stage: Stage
    evidence_level: EvidenceLevel | None = None
    worker: Literal["fresh", "warm"] = "fresh"
    stage_seconds: dict[str, float] = Field(default_factory=dict)
    wall_seconds: float
    exceptions: tuple[ExceptionFact, ...] = ()
    message: str = ""
    signal: int | None = None
    exit_code: int | None = None
    checks: tuple[Check, ...] = ()
    fingerprint: Fingerprint | None = None
    numbers: dict[str, float] = Field(default_factory=dict)
    facts: dict[str, str] = Field(default_factory=dict)
    environment: Environment
    device: Device
    sandbox: Sandbox
    artefact: FetchedArtefact | None = None
    peak_memory_bytes: int | None = None
    log: str | None = None
    log_excerpt: str = ""
    observer: Observer


class Settlement(Record):
    """State how a planned cell of a run ended: the attempts it rests on, in order."""

    run_id: str
    cell_id: str
    observations: tuple[str, ...]
    outcome: Outcome
    settled_at: AwareDatetime


class RunHeader(Record):
    """Open a journal segment: which run, started when, by whom, planning which cells.

    `plan` says of a night what was listed and left out, each with its number.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    started_at: AwareDatetime
    command: str
    observer: Observer
    cells: tuple[Cell, ...]
    plan: dict[str, Any] = Field(default_factory=dict)


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each record that segments exchange, by record name."""
    exchanged: tuple[type[Record], ...] = (Observation, Settlement, RunHeader)
    return {model.__name__: model.model_json_schema() for model in exchanged}
