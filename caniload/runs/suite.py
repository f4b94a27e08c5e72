"""Read a suite, `caniload.toml`: what to attempt night after night, and what to expect."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from caniload.errors import BadInputError, UnreadableFileError
from caniload.runs.suite_schema import (
    CHANGES,
    GROUPS,
    Budget,
    EnvironmentWish,
    Expectation,
    ModelWish,
    ProjectWish,
    Skip,
    Suite,
    told,
)
from caniload.runs.toml_lines import Lines, lines

__all__ = [
    "CHANGES",
    "GROUPS",
    "NAME",
    "Budget",
    "EnvironmentWish",
    "Expectation",
    "ModelWish",
    "ProjectWish",
    "Skip",
    "Suite",
    "check_reviews",
    "find_suite",
    "read_project",
    "read_suite",
]

NAME = "caniload.toml"
"""What a suite's file is called."""


def find_suite(path: Path | None = None) -> Path:
    """Return the suite's file: the path given, the one in a folder given, or the one here.

    Raises `UnreadableFileError` if there is none.
    """
    found = Path(NAME) if path is None else path
    if found.is_dir():
        found = found / NAME
    if not found.is_file():
        raise UnreadableFileError(
            str(found), "there is no such file", "`caniload suite init` writes one"
        )
    return found


def read_suite(path: Path) -> Suite:
    """Read and validate a suite; nothing is looked up, neither a model nor an environment.

    Raises `BadInputError`, one line a fault, each naming the file, its line and the place.
    """
    data, where = _parsed(path)
    try:
        return Suite.model_validate(data).placed(path, where)
    except ValidationError as error:
        raise _faults(path, where, error, ()) from error


def read_project(path: Path) -> ProjectWish | None:
    """Read the table `project` of a file alone, which need not list models; None without one.

    Raises as `read_suite` does.
    """
    data, where = _parsed(path)
    if "project" not in data:
        return None
    try:
        return ProjectWish.model_validate(data["project"])
    except ValidationError as error:
        raise _faults(path, where, error, ("project",)) from error


def _parsed(path: Path) -> tuple[dict[str, Any], Lines]:
    """Read a file as TOML, with the lines on which its keys stand."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UnreadableFileError(str(path), why or str(error)) from error
    try:
        return tomllib.loads(text), lines(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{path.name} is not TOML: {error}") from error


def _faults(
    path: Path, where: Lines, error: ValidationError, inside: tuple[str, ...]
) -> BadInputError:
    """Write what pydantic found inside of a table of the file, one line a fault."""
    told: list[dict[str, Any]] = [
        {**each, "loc": (*inside, *each["loc"])} for each in error.errors()
    ]
    found = sorted(told, key=lambda each: where.find(each["loc"]) or 0)
    return BadInputError("\n".join(dict.fromkeys(_fault(path, where, each) for each in found)))


def check_reviews(suite: Suite, today: date) -> None:
    """Raise `BadInputError` for skips whose review date is past."""
    faults = [
        suite.told(("skip", index, "review"), expired(each, today))
        for index, each in enumerate(suite.skip)
        if each.review < today
    ]
    if faults:
        raise BadInputError("\n".join(faults))


def expired(skip: Skip, today: date) -> str:
    """Say since when a skip should have been looked at, and what to do."""
    days = (today - skip.review).days
    return (
        f"the skip of {skip.words} was to be reviewed on {skip.review} ({days} days ago): "
        f"look at {skip.issue}, then move the date or drop the skip"
    )


def _fault(path: Path, where: Lines, error: Any) -> str:
    """Write one fault that pydantic found, in the words of the file."""
    place = tuple(error["loc"])
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        known = _keys(place[:-1])
        near = get_close_matches(str(place[-1]), known, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        message = f"no such key; {hint}"
    elif kind == "missing":
        message = f"{place[-1]} is missing"
        place = place[:-1]
    elif kind == "string_pattern_mismatch" and place[-1] == "issue":
        message = f"{error['input']!r} is no URL; write https://…"
    elif kind == "literal_error":
        near = get_close_matches(str(error["input"]), error["ctx"]["expected"].split("'")[1::2])
        message = f"{error['input']!r} is none of {error['ctx']['expected']}"
        message += f"; did you mean {near[0]}?" if near else ""
    message = message.removeprefix("Value error, ")
    return told(path, where, place, message)


def _keys(place: Sequence[str | int]) -> list[str]:
    """Return the keys of the table at a place, as the file spells them."""
    model: type[BaseModel] = Suite
    for part in place:
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        inside = _model_in(fields[part].annotation) if part in fields else None
        if inside is None:
            return []
        model = inside
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the record inside of `tuple[X, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for each in get_args(annotation) if (m := _model_in(each))), None)
