"""What `caniload.toml` may say: models, environments, budgets, expectations and skips.

Each class is one table of the file and each field one key, under its alias where the unit stands
in the field's name. `suite` reads the file; docs/suite.md describes every key.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from caniload import units
from caniload.handles import HUBS
from caniload.records import Record
from caniload.runs.cell_pattern import CellPattern
from caniload.runs.toml_lines import Lines
from caniload.words import DEVICES, FRAMEWORKS, Outcome, Verdict

CHANGES = (
    "broken",
    "fixed",
    "new",
    "gone",
    "slower",
    "more-memory",
    "unexpected-pass",
    "unexpected-failure",
    "flaky",
    "expired-skip",
)
"""The kinds of change that a comparison tells apart and a suite may fail on."""

GROUPS = {"expectation": ("unexpected-pass", "unexpected-failure")}
"""Words of `fail_on` that stand for several kinds of change."""

_CODE = re.compile(r"[a-z0-9]+\.[a-z0-9-]+\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_WHAT = ("task", "family", "hub", "format", "framework", "loader", "max_bytes", "max_params")


def _amount(read: Any) -> BeforeValidator:
    """Return what turns a text into a number by `read`, and lets a positive number be."""

    def turn(value: object) -> object:
        if isinstance(value, str):
            return read(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"{value!r} is no amount above zero")
        return value

    return BeforeValidator(turn)


def _one_of(kind: str, known: tuple[str, ...]) -> AfterValidator:
    """Return what refuses a word that is not among the known, naming those close to it."""

    def check(word: str) -> str:
        if word not in known:
            raise ValueError(unknown(kind, word, known))
        return word

    return AfterValidator(check)


def unknown(kind: str, word: str, known: tuple[str, ...]) -> str:
    """Say that a word is not known, and which are close to it, or which there are."""
    near = get_close_matches(word, known)
    if near:
        return f"no {kind} named {word!r}; did you mean {' or '.join(near)}?"
    return f"no {kind} named {word!r}; known: {', '.join(known)}"


def _device(text: str) -> str:
    kind, colon, index = text.partition(":")
    if kind not in DEVICES or (colon and not index.isdigit()):
        raise ValueError(unknown("device", text, (*DEVICES, "cuda:0")))
    return text


def _outcome(text: str) -> str:
    known = (*(str(each) for each in Verdict), *(str(each) for each in Outcome))
    if text not in known and not _CODE.match(text):
        raise ValueError(
            f"{unknown('verdict or outcome', text, known)} "
            "a diagnosis is written as its code, hf.tf-class-removed"
        )
    return text


Seconds = Annotated[float, _amount(units.duration)]
Bytes = Annotated[int, _amount(units.size_bytes)]
Count = Annotated[int, _amount(units.count)]
Days = Annotated[float, _amount(lambda text: units.duration(text) / units.DAY_SECONDS)]
Text = Annotated[str, Field(min_length=1)]
FrameworkName = Annotated[str, _one_of("framework", FRAMEWORKS)]
Issue = Annotated[str, Field(pattern=r"^https?://\S+$")]


class ModelWish(Record):
    """Ask for models: by name, handle or path, by what they are, or by both.

    Without `model` the whole catalogue is asked; every other key narrows. `framework` and
    `loader` also narrow how each is tried.
    """

    model: tuple[Text, ...] = ()
    task: Text | None = None
    family: Text | None = None
    hub: Annotated[str, _one_of("hub", HUBS)] | None = None
    format: Text | None = None
    framework: FrameworkName | None = None
    loader: Text | None = None
    max_bytes: Bytes | None = None
    max_params: Count | None = None
    limit: Annotated[int, Field(gt=0)] | None = None
    weights: Literal["pretrained", "random"] = "pretrained"
    allow_code: bool = False
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("model", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.model and all(getattr(self, key) is None for key in (*_WHAT, "limit")):
            raise ValueError("names no model and asks for none; give model, task, hub, …")
        return self

    @property
    def words(self) -> str:
        """The wish in a few words: its names, or its query."""
        said = list(self.model[:3])
        said += [f"{len(self.model) - 3} more"] if self.model[3:] else []
        said += [
            f"{key} = {getattr(self, key)}"
            for key in (*_WHAT, "limit")
            if getattr(self, key) is not None
        ]
        return ", ".join(said)


class EnvironmentWish(Record):
    """Ask for an environment: one of caniload's by name, one of your own, or an interpreter.

    `packages` maps a package to a version, a range, "latest" or "*" (any that fits). With `pre`
    the packages that are named may be pre-releases. `python` is a version range, or the path of
    an interpreter into which nothing is installed.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    extends: Text | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    python: Text | None = None
    pre: bool = False
    variables: dict[str, str] = Field(default_factory=dict)
    disk_bytes: Bytes | None = Field(default=None, alias="disk")

    @field_validator("packages")
    @classmethod
    def _packages(cls, found: dict[str, str]) -> dict[str, str]:
        for name, text in found.items():
            if not _NAME.match(name):
                raise ValueError(f"{name!r} is no name of a package")
            specifier(name, text)
        return found

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.interpreter is not None:
            beside = ("extends", "packages", "pre", "variables", "disk_bytes")
            mixed = [key.removesuffix("_bytes") for key in beside if getattr(self, key)]
            if mixed:
                raise ValueError(
                    "python names an interpreter, into which nothing is installed; "
                    f"drop {', '.join(mixed)}"
                )
        elif self.python is not None:
            python_range(self.python)
        changed = self.python is not None or self.pre or self.variables or self.disk_bytes
        if self.interpreter is None and not self.own and changed:
            raise ValueError("changes nothing of an environment; give extends or packages")
        return self

    @property
    def own(self) -> bool:
        """Tell whether caniload has to make it from packages."""
        return self.extends is not None or bool(self.packages)

    @property
    def interpreter(self) -> str | None:
        """The path of the user's interpreter, as written; None where `python` is a range."""
        text = self.python or ""
        return text if "/" in text or text.startswith(("~", ".")) else None


class Budget(Record):
    """Bound a night: its wall time, and the memory, disk and time of what it does."""

    time_seconds: Seconds | None = Field(default=None, alias="time")
    memory_bytes: Bytes | None = Field(default=None, alias="memory")
    disk_bytes: Bytes | None = Field(default=None, alias="disk")
    attempt_seconds: Seconds = Field(default=600.0, alias="attempt")


class Expectation(CellPattern):
    """Say how cells are known to end, why, where that is discussed, and when to look again."""

    outcome: Annotated[str, AfterValidator(_outcome)]
    reason: Text
    issue: Issue
    review: date


class Skip(CellPattern):
    """Leave cells out, and try them all the same once in `try_every`."""

    reason: Text
    issue: Issue
    review: date
    try_every_seconds: Seconds = Field(default=7 * units.DAY_SECONDS, alias="try_every")


class ProjectWish(Record):
    """Describe the project that a choice of framework is for."""

    models: tuple[Text, ...] = ()
    datasets: tuple[Text, ...] = ()
    deploy: tuple[Text, ...] = ()
    languages: tuple[Text, ...] = ()
    needs: tuple[Text, ...] = ()


class Suite(Record):
    """Hold a whole `caniload.toml`; no `environments` means all that caniload uses by itself."""

    name: Text | None = None
    models: Annotated[tuple[ModelWish, ...], Field(min_length=1)]
    environments: tuple[EnvironmentWish, ...] = ()
    devices: Annotated[tuple[Annotated[str, AfterValidator(_device)], ...], Field(min_length=1)] = (
        "cpu",
    )
    budget: Budget = Field(default_factory=Budget)
    max_age_days: Days | None = Field(default=None, alias="max_age")
    fail_on: tuple[Annotated[str, _one_of("change", (*CHANGES, *GROUPS))], ...] = (
        "broken",
        "expectation",
        "expired-skip",
    )
    expect: tuple[Expectation, ...] = ()
    skip: tuple[Skip, ...] = ()
    project: ProjectWish | None = None

    _path: Path = PrivateAttr(default=Path("caniload.toml"))
    _lines: Lines = PrivateAttr(default_factory=Lines)

    @field_validator("models", mode="before")
    @classmethod
    def _models(cls, value: object) -> object:
        return _tables(value, "model")

    @field_validator("environments", mode="before")
    @classmethod
    def _environments(cls, value: object) -> object:
        return _tables(value, "name")

    @field_validator("environments")
    @classmethod
    def _once(cls, found: tuple[EnvironmentWish, ...]) -> tuple[EnvironmentWish, ...]:
        twice = [name for name, n in Counter(each.name for each in found).items() if n > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} stands here twice")
        return found

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self._path

    @property
    def title(self) -> str:
        """The suite's name, else that of the folder it lies in."""
        return self.name or self._path.absolute().parent.name

    @property
    def failing(self) -> frozenset[str]:
        """The kinds of change that fail the build, groups taken apart."""
        return frozenset(kind for word in self.fail_on for kind in GROUPS.get(word, (word,)))

    def placed(self, path: Path, lines: Lines) -> Self:
        """Return the same suite, which knows the file and the lines that it was read from."""
        found = self.model_copy()
        found._path, found._lines = path, lines
        return found

    def line(self, *where: str | int) -> int | None:
        """Return the line on which a table or key stands, as ("skip", 0, "review")."""
        return self._lines.find(where)

    def told(self, where: tuple[str | int, ...], message: str) -> str:
        """Write a complaint about something in the file, with its line and place."""
        return told(self._path, self._lines, where, message)

    def beside(self, text: str) -> Path:
        """Return a path of the file as an absolute one: relative paths begin where it lies."""
        return (self._path.absolute().parent / Path(text).expanduser()).absolute()

    def expired(self, today: date) -> tuple[Skip, ...]:
        """Return the skips whose review date is past: they skip nothing any more."""
        return tuple(each for each in self.skip if each.review < today)


def told(path: Path, lines: Lines, where: tuple[str | int, ...], message: str) -> str:
    """Write a complaint with its place: `caniload.toml:12: skip[0].review: …`."""
    line = lines.find(where)
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in where).lstrip(".")
    start = path.name if line is None else f"{path.name}:{line}"
    return f"{start}: {place}: {message}" if place else f"{start}: {message}"


def specifier(name: str, text: str) -> SpecifierSet:
    """Read what a suite wants of a package's version; raises ValueError saying what to write."""
    if text in ("latest", "*"):
        return SpecifierSet("")
    try:
        if text[:1].isdigit():
            text = f"=={Version(text)}"
        found = SpecifierSet(text)
    except (InvalidVersion, InvalidSpecifier) as error:
        raise ValueError(
            f"{name}: {text!r} is no version; write 5.23.0, '>=5,<6', 'latest' or '*'"
        ) from error
    if "+" in str(found):
        raise ValueError(f"{name}: {text!r} names a local build; write the public version")
    return found


def python_range(text: str) -> str:
    """Read a Python version or range; raises ValueError saying what to write."""
    try:
        if re.fullmatch(r"\d+(\.\d+){0,2}", text):
            text = f"=={text}" if text.count(".") == 2 else f"=={text}.*"
        return str(SpecifierSet(text))
    except InvalidSpecifier as error:
        raise ValueError(
            f"{text!r} is neither a version range ('>=3.11') nor a path (./venv/bin/python)"
        ) from error


def _tables(value: object, key: str) -> object:
    """Let a text stand for a table that holds it alone."""
    if not isinstance(value, list | tuple):
        return value
    return [{key: each} if isinstance(each, str) else each for each in value]
