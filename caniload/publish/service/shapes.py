"""What answers look like, for the OpenAPI specification.

The fields are those of the dataclasses that the command line prints; nothing is validated by
these on the way out, a test holds every answer against them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from caniload.catalog.answers import Answer, EntryAnswer, ModelAnswer
from caniload.catalog.search import Hit
from caniload.catalog.shelves import Imported, Reached

Data = TypeVar("Data")


class Document(BaseModel, Generic[Data]):
    """One document, as `--format json` prints it."""

    model_config = ConfigDict(extra="forbid")

    caniload: str = Field(description="What kind of document it is, as `check`.")
    schema_version: Literal[1] = Field(description="Fields may be added under one version.")
    data: Data


class Page(BaseModel, Generic[Data]):
    """One page of a list: its rows, the cursor of the next page, and how many rows in all."""

    model_config = ConfigDict(extra="forbid")

    caniload: str = Field(description="What kind of document it is, as `list models`.")
    schema_version: Literal[1] = Field(description="Fields may be added under one version.")
    data: list[Data]
    next: str | None = Field(description="Give it as `cursor` for the next page; null: none.")
    total: int = Field(description="How many rows the list has, in all its pages.")


class Counted(BaseModel):
    """How often a facet has a value among all that was found."""

    model_config = ConfigDict(extra="forbid")

    value: str
    count: int


class Searched(BaseModel):
    """The best hits of a search, how many there were, and what they could be narrowed by."""

    model_config = ConfigDict(extra="forbid")

    caniload: Literal["search"]
    schema_version: Literal[1]
    data: list[Hit]
    found: int
    facets: dict[str, list[Counted]]
    unknown_words: list[str] = Field(description="Words that nothing is called by.")


@dataclass(frozen=True, slots=True)
class Checked(Answer):
    """The answer to `check`, with what to paste."""

    install: str | None = None
    snippet: str | None = None


@dataclass(frozen=True, slots=True)
class ModelShown(ModelAnswer):
    """One model whole, with what imported catalogues state of its sources."""

    imported: tuple[Imported, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryShown(EntryAnswer):
    """One dataset or tool whole; of a dataset, how libraries reach it."""

    imported: tuple[Reached, ...] = ()


class ModelRow(BaseModel):
    """One model, with its best verdict in each framework."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str
    tasks: list[str]
    licence: str | None
    sources: int
    results: list[str] = Field(description="As `pytorch works`.")


class SourceRow(BaseModel):
    """One published checkpoint of a model."""

    model_config = ConfigDict(extra="forbid")

    handle: str
    model: str
    resolved: Literal["yes", "unresolved"]
    formats: list[str]
    licence: str | None


class ResultRow(BaseModel):
    """One cell that was measured or is claimed."""

    model_config = ConfigDict(extra="forbid")

    model: str
    loader: str
    framework: str
    device: str | None
    verdict: str
    result: str
    measured: str | None = Field(description="The day in UTC, YYYY-MM-DD.")
    run: str | None
    observation: str | None


class DatasetRow(BaseModel):
    """One dataset."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str
    modality: Any
    tasks: list[str] | None
    licence: str | None
    frameworks: list[str]


class ToolRow(BaseModel):
    """One tool."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str
    purpose: Any
    status: str
    since: str | None
    frameworks: list[str]
    vendor: str | None


class Observed(BaseModel):
    """One attempt, as it was recorded; other fields are those of the observation's columns."""

    model_config = ConfigDict(extra="allow")

    id: str
    run_id: str
    outcome: str
    stage: str
    handle: str
    loader: str
    framework: str
    started_at: str
    finished_at: str
    code: str | None = Field(description="The code of the diagnosis, if there is one.")


class Service(BaseModel):
    """What answers, and from which state of the evidence."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(description="The version of caniload.")
    generation: int
    published_at: str
    newer_runs: int = Field(description="Finished runs that no generation holds yet.")
    observations: int
    paths: list[str]


class Health(BaseModel):
    """Whether the service answers from the newest evidence."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ok", "stale"]
    generation: int
    newer_runs: int
    problem: str | None
