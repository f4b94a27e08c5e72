"""Tables of pages as plain values: what stands in a field, and where it leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caniload.publish.site import words
from caniload.words import Verdict


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its text, where it leads within the site, and how it is shown.

    `verdict` makes it a pill with the text behind it; `day` is a date whose age the page counts;
    `number` sets it flush right; `web` is an address outside of the site.
    """

    text: str = ""
    to: str | None = None
    verdict: Verdict | None = None
    day: str | None = None
    number: bool = False
    web: str | None = None
    results: Mapping[str, Verdict] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a name, heads and rows; the first field of a row names it.

    `data` is where its download lies, without the ending.
    """

    name: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[Field]]
    data: str | None = None
    anchors: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a title, a paragraph, facts, a table; any may be left out."""

    anchor: str
    title: str
    text: str = ""
    facts: Sequence[tuple[str, Field]] = ()
    table: Table | None = None
    plot: Any = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page made of sections; `unmeasured` stands first where nothing on it was measured."""

    title: str
    place: str
    lead: str
    sections: Sequence[Section] = field(default=())
    crumbs: Sequence[tuple[str, str]] = ()
    unmeasured: str = ""
    about: str = ""


def text(value: object) -> Field:
    """Return a plain field; a list is joined, nothing is `-`."""
    if isinstance(value, list | tuple):
        return Field(words.listed(value))
    return Field("-" if value is None or value == "" else str(value))


def number(value: int | None) -> Field:
    """Return a count, flush right."""
    return Field("-" if value is None else f"{value:,}", number=True)


def share(part: int, whole: int) -> Field:
    """Return `12 of 163`, flush right: both numbers, never a bare percentage."""
    return Field(f"{part:,} of {whole:,}", number=True)
