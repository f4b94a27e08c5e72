"""The lines that an importer emits: facts of upstream catalogues, one JSON object a line.

`kind` tells them apart. The first line is the header; the lines after it are all of one kind.
Facts only: a text is short and stands on one line, so that no prose of others is taken along.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
)

from caniload.catalog.rules.tasks import PIPELINE_TAGS
from caniload.records import HandleText, Record, Sha256

Catalogue = Literal[
    "timm",
    "torchvision",
    "keras-applications",
    "keras-hub",
    "transformers",
    "tfhub",
    "pytorch-hub",
    "onnx-hub",
    "hf",
    "garden",
    "tfds",
    "torchvision-datasets",
    "torchaudio-datasets",
    "keras-datasets",
]
"""The catalogues that facts are taken from."""

LONGEST = 240
"""A text longer than this is prose or a list, and not a fact."""


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a fact stands on one line and holds printable characters only")
    return text


def _task(text: str) -> str:
    if text not in PIPELINE_TAGS:
        raise ValueError(f"{text!r} is no Hugging Face pipeline tag")
    return text


def _licence(text: str) -> str:
    """Spell a licence as SPDX does; what SPDX does not list stays as upstream wrote it."""
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return text


def _ordered(value: Any) -> Any:
    """Sort a set of words and take out what stands twice, so that equal facts are equal rows."""
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(sorted(set(value)))
    return value


Short = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_plain)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+._-]*$", max_length=60)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_ordered)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=40)]
Task = Annotated[str, AfterValidator(_task)]
Licence = Annotated[Short, AfterValidator(_licence)]
Url = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://\S+$", max_length=600)]
Count = Annotated[int, Field(ge=0, strict=True)]
Number = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False)]
Said = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Annotated[
    StrictStr, Field(min_length=1, max_length=LONGEST), AfterValidator(_plain)
]  # fmt: skip


class Header(Record):
    """Open an importer's output: whose catalogue, in which version, and when it was read."""

    kind: Literal["header"] = "header"
    catalogue: Catalogue
    upstream: Annotated[str, Field(pattern=r"^[a-z]+:\S+$")]
    version: Short
    read: date


class Source(Record):
    """State one checkpoint, module, preset or entry point of a catalogue.

    `name` and `architecture` are upstream's own words, `parent` is the source that this one was
    made of; `hash` is ``algorithm:prefix`` where only part of it is stated. `loaders` are
    caniload's names, `tasks` pipeline tags.
    """

    kind: Literal["source"] = "source"
    catalogue: Catalogue
    handle: HandleText
    name: Short
    architecture: Short | None = None
    parent: HandleText | None = None
    tasks: Annotated[tuple[Task, ...], BeforeValidator(_ordered)] = ()
    languages: Annotated[tuple[Language, ...], BeforeValidator(_ordered)] = ()
    frameworks: Words = ()
    loaders: Words = ()
    formats: Words = ()
    parameters: Count | None = None
    size_bytes: Count | None = None
    sha256: Sha256 | None = None
    hash: Annotated[str, Field(pattern=r"^[a-z0-9]+:[0-9a-f]+$")] | None = None
    url: Url | None = None
    licence: Licence | None = None
    published: date | None = None
    metrics: dict[Short, Number] = Field(default_factory=dict)
    facts: dict[Short, Said] = Field(default_factory=dict)


class Type(Record):
    """State that a version of a library has a class for a model type, on one framework.

    `auto` is the auto class that finds it, which says for which head.
    """

    kind: Literal["type"] = "type"
    catalogue: Catalogue
    version: Short
    model_type: Short
    framework: Word
    class_: Short = Field(alias="class")
    auto: Short | None = None


class FileHash(Record):
    """State the hash of one file of a dataset."""

    url: Url
    algorithm: Literal["sha256", "md5", "sha1"]
    value: Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
    size_bytes: Count | None = None


class Dataset(Record):
    """State one dataset, or one configuration of it, and the call that reaches it."""

    kind: Literal["dataset"] = "dataset"
    catalogue: Catalogue
    name: Short
    config: Short | None = None
    frameworks: Words = ()
    library: Short | None = None
    call: Short | None = None
    size_bytes: Count | None = None
    splits: dict[Short, Count] = Field(default_factory=dict)
    checksums: tuple[FileHash, ...] = ()
    licence: Licence | None = None
    facts: dict[Short, Said] = Field(default_factory=dict)


Fact = Source | Type | Dataset
"""What stands after the header."""

KINDS: dict[str, type[Header] | type[Source] | type[Type] | type[Dataset]] = {
    "header": Header,
    "source": Source,
    "type": Type,
    "dataset": Dataset,
}

KEYS: dict[str, tuple[str, ...]] = {
    "source": ("handle", "name"),
    "type": ("model_type", "framework", "class", "auto"),
    "dataset": ("name", "config"),
}
"""What names a fact within its catalogue: two lines of one key are a mistake."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of one line."""
    line = Annotated[Header | Source | Type | Dataset, Field(discriminator="kind")]
    schema: dict[str, Any] = TypeAdapter[Any](line).json_schema()
    return schema
