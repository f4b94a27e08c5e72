"""What people write about models, datasets and tools: the schemas of `data/*/*.yaml`.

The schema holds what must be true of one file by itself; what needs judgement (a licence that
SPDX lists, a claim that names its page) is left to `lint`, whose rules say what to write
instead. So a fact may be missing here and still be refused there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, Field

from caniload.handles import Handle, parse
from caniload.records import HandleText, Recipe, Record, Sha256
from caniload.words import ToolStatus

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""A lower-case word with hyphens: the entry's id and its file's name."""

Text = Annotated[str, Field(min_length=1)]


class Cite(Record):
    """Name the page or `package==version` in which a fact was read, when, and what it says."""

    page: Text | None = None
    read: date | None = None
    says: Text


class Claim(Cite):
    """State what metadata says of one loader; `version` is that of the library it was read in."""

    loader: Text
    framework: Text
    version: Text | None = None


class Fact(Cite):
    """Give one number or text that was read of a source, as its parameters or a file's hash."""

    name: Text
    value: int | float | str


class Pin(Record):
    """Record who wrote a revision, when, and whose answer it was."""

    by: Text
    at: AwareDatetime
    sha256: Sha256 | None = None
    answered_by: Text


class ExportFrom(Record):
    """Name the cell that a derived artefact is exported from."""

    loader: Text
    framework: Text
    environment: Text


class Export(Record):
    """Say that an attempt reads a derived artefact: of which format, exported by which cell."""

    source: ExportFrom = Field(alias="from")
    format: Text


class AttemptPlan(Record):
    """Name one cell that `caniload run MODEL` plans; `options` make it a second recipe's."""

    loader: Text
    framework: Text
    environment: Text
    options: dict[str, Any] = Field(default_factory=dict)
    export: Export | None = None


class Try(Record):
    """Name one cell of a model that runs on another's weights: which source of it, and how.

    `architecture` is what the library builds by name where random weights are asked for.
    """

    handle: HandleText
    loader: Text
    framework: Text
    environment: Text
    architecture: Text | None = None
    hints: dict[str, Any] = Field(default_factory=dict)


class SourceEntry(Record):
    """Describe one published checkpoint: its handle, who pinned it, what is claimed of it.

    A handle without revision stands with ``pin: null``: the source is unresolved, and can only
    be `claimed`. `aliases` are other handles under which the same checkpoint is reached.
    """

    handle: HandleText
    pin: Pin | None = None
    aliases: tuple[HandleText, ...] = ()
    licence: Text | None = None
    formats: tuple[Text, ...] = ()
    hints: dict[str, Any] = Field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    claims: tuple[Claim, ...] = ()
    attempts: tuple[AttemptPlan, ...] = ()
    cites: tuple[Cite, ...] = ()

    @property
    def parsed(self) -> Handle:
        """The handle as an object."""
        return parse(self.handle)

    @property
    def resolved(self) -> bool:
        """Tell whether a revision stands here together with the record of who wrote it."""
        return self.parsed.revision is not None and self.pin is not None


class Paper(Record):
    """Name the paper that introduced a model."""

    title: Text
    url: Text


class Native(Record):
    """Name the loader whose numbers are the reference for a model."""

    loader: Text
    framework: Text


class ExceptionNote(Record):
    """Keep a known exception to the rules: why, where it is discussed, when to look again."""

    reason: Text
    issue: Text
    review: date


class Entry(Record):
    """Hold what every authored entry has."""

    id: Slug
    name: Text
    aliases: tuple[Text, ...] = ()
    about: Text
    cites: tuple[Cite, ...] = ()
    exceptions: tuple[ExceptionNote, ...] = ()


class ModelEntry(Entry):
    """Describe a model: the idea that people name, and every source of its weights.

    `uses` names the entries whose weights this one runs on, `tries` the cells in which it does;
    `code` the pages of its code. `one_hub` says why sources of one hub only are known.
    """

    family: Slug
    tasks: tuple[Text, ...]
    licence: Text
    paper: Paper | None = None
    uses: tuple[Slug, ...] = ()
    tries: tuple[Try, ...] = ()
    code: tuple[Cite, ...] = ()
    native: Native | None = None
    recipe: Recipe | None = None
    tolerances: dict[str, float] = Field(default_factory=dict)
    same_weights: tuple[tuple[HandleText, ...], ...] = ()
    one_hub: Text | None = None
    sources: tuple[SourceEntry, ...] = ()


class Access(Cite):
    """Say how a dataset is reached from one framework: the library and the call to write."""

    framework: Text
    library: Text
    call: Text
    version: Text | None = None


class Checksum(Cite):
    """Give the hash of one file that a dataset's publisher offers."""

    url: Text
    algorithm: Literal["sha256", "md5"]
    value: Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
    size_bytes: int | None = None


class DatasetEntry(Entry):
    """Describe a dataset: its splits in rows, its size in bytes, and how it is reached."""

    tasks: tuple[Text, ...]
    modality: Literal["text", "image", "audio", "video", "tabular"]
    licence: Text
    size_bytes: int | None = None
    splits: dict[str, int] = Field(default_factory=dict)
    checksums: tuple[Checksum, ...] = ()
    access: tuple[Access, ...] = ()


Purpose = Literal[
    "building",
    "training",
    "distributed",
    "models",
    "datasets",
    "data-loading",
    "conversion",
    "quantisation",
    "compilers",
    "inference",
    "serving",
    "mobile",
    "browser",
    "edge",
    "tracking",
    "visualisation",
    "pipelines",
    "notebooks",
    "platform",
]
"""What a tool is for, one word each; docs/catalogue.md says what each of them covers."""

PURPOSES: tuple[str, ...] = get_args(Purpose)


class Move(Cite):
    """Say what people move to from a tool, as its users were read to say; not its owner's word.

    `to` is the id of an entry, or the name of something that has none.
    """

    to: Text


class ToolEntry(Entry):
    """Describe a tool: what it is for, and whether it is alive, with the page that says so.

    `successor` is what the tool's owner names, `moved_to` what its users do.
    """

    purpose: Purpose
    frameworks: tuple[Text, ...] = ()
    languages: tuple[Text, ...] = ()
    vendor: Text | None = None
    status: ToolStatus
    status_since: date | None = None
    status_read: date | None = None
    evidence: Text | None = None
    successor: tuple[Text, ...] = ()
    moved_to: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Authored:
    """Hold the whole authored catalogue, each kind in order of id."""

    models: tuple[ModelEntry, ...] = ()
    datasets: tuple[DatasetEntry, ...] = ()
    tools: tuple[ToolEntry, ...] = ()

    def entries(self) -> tuple[Entry, ...]:
        """All entries, models first."""
        return (*self.models, *self.datasets, *self.tools)


KINDS: dict[str, type[Entry]] = {"models": ModelEntry, "datasets": DatasetEntry, "tools": ToolEntry}
"""The folders of the data directory and the schema of their files."""


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of an authored file, by kind: models, datasets, tools."""
    return {kind: schema.model_json_schema() for kind, schema in KINDS.items()}


def parts(record: Record, path: str = "") -> Iterator[tuple[str, Record]]:
    """Yield every record inside a record with its path, as `sources[0].claims[1]`."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        for index, item in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(item, Record):
                here = f"{path}.{name}" if path else name
                here += f"[{index}]" if isinstance(value, tuple) else ""
                yield here, item
                yield from parts(item, here)
