"""The exported file that embeds read: models with the verdict and evidence of every cell.

One JSON document, `{"caniload": "answers", "schema_version": 1, …}`. Under one version a field
may be added, none is renamed or removed, so that a reader passes over what it does not know.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from caniload.errors import UnknownNameError, UnreadableFileError
from caniload.words import Verdict

SCHEMA_VERSION = 1
_HOW = "write it with caniload docs export FILE"


class Record(BaseModel):
    """A frozen part of the document; what a newer caniload added is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Cell(Record):
    """Give one cell: what was tried, the verdict, and when and in which run it was measured.

    `result` is the verdict with what it rests on, in a line; `loader_name` the loader with the
    options that the recipe changes; `versions` those of the decisive packages. `measured`, `run`
    and `observation` are None where nobody measured. `install` and `snippet`, a shell line and
    Python code, are given where the cell loads.
    """

    verdict: Verdict
    result: str
    loader: str
    loader_name: str
    framework: str
    framework_name: str
    framework_version: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    device: str | None = None
    environment: str | None = None
    python: str | None = None
    platform: str | None = None
    source: str
    handle: str
    artefact: str
    format: str | None = None
    weights: str | None = None
    measured: datetime | None = None
    run: str | None = None
    observation: str | None = None
    observer: str | None = None
    patches: tuple[str, ...] = ()
    install: str | None = None
    snippet: str | None = None

    @property
    def day(self) -> date | None:
        """The day in UTC on which the cell was measured."""
        return self.measured.astimezone(UTC).date() if self.measured else None


class Model(Record):
    """Give one model with its cells, best first: the first that a question covers answers it."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    licence: str | None = None
    cells: tuple[Cell, ...] = ()


class Answers(Record):
    """Hold the whole document; `newest` is when its latest evidence was measured."""

    caniload: Literal["answers"] = "answers"
    schema_version: int = SCHEMA_VERSION
    caniload_version: str
    whose: Literal["me", "ci", "all"] = "all"
    newest: datetime | None = None
    models: tuple[Model, ...] = ()

    def model(self, name: str) -> Model:
        """Find a model by id, name or alias, letter case aside; raise `UnknownNameError`."""
        wanted = name.casefold()
        names: dict[str, str] = {}
        for model in self.models:
            known = (model.id, model.name, *model.aliases)
            if wanted in (text.casefold() for text in known):
                return model
            names |= {text.casefold(): model.id for text in known}
        near = dict.fromkeys(names[each] for each in get_close_matches(wanted, names, 2))
        raise UnknownNameError("model", name, tuple(near), f"these answers have {len(self.models)}")


def write(answers: Answers) -> str:
    """Return the document, the same text for the same evidence."""
    return answers.model_dump_json(indent=1, exclude_none=True) + "\n"


def read(path: Path) -> Answers:
    """Read an exported file; raise `UnreadableFileError` on anything else, or a newer one."""
    try:
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        why = (error.strerror or "the system refused").lower()
        raise UnreadableFileError(str(path), why, _HOW) from error


def parse(text: bytes, name: str) -> Answers:
    """Read the document's text; `name` is what an error calls it."""
    try:
        found = Answers.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else str(first["msg"])
        raise UnreadableFileError(name, " ".join(why.lower().split()), _HOW) from error
    if found.schema_version > SCHEMA_VERSION:
        raise UnreadableFileError(
            name,
            f"a newer caniload, {found.caniload_version}, wrote it",
            f"install caniload>={found.caniload_version}",
        )
    return found
