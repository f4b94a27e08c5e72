"""The answer to `check` with what to paste, and its form in JSON.

On the query path: standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caniload.publish.json_form import plain as plain_value
from caniload.words import Verdict

if TYPE_CHECKING:
    from caniload.catalog.answers import Answer, CellAnswer
    from caniload.catalog.store import Store


@dataclass(frozen=True, slots=True)
class Way:
    """Hold what to paste: a shell line and Python code; either is None where unknown."""

    install: str | None
    snippet: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold an answer with how to load it, or what works instead."""

    answer: Answer
    way: Way | None
    other: Way | None


def plain(shown: Shown) -> dict[str, Any]:
    """Return the answer as JSON holds it: the fields of `Answer`, with install and snippet."""
    data: dict[str, Any] = plain_value(shown.answer)
    best = shown.way or shown.other
    data["install"] = best.install if best else None
    data["snippet"] = best.snippet if best else None
    here = data.get("here")
    if here is not None:  # all packages of an interpreter say nothing that was asked
        names = set(shown.answer.best.versions) if shown.answer.best else set()
        names |= set(shown.answer.nearest.versions) if shown.answer.nearest else set()
        here["versions"] = {name: v for name, v in here["versions"].items() if name in names}
    return data


def shown_with(store: Store, answer: Answer, way: Callable[[Store, CellAnswer], Way]) -> Shown:
    """Add how to install and load what the answer rests on, else the first thing that works.

    `way` is who knows the loaders: they are not known here.
    """
    best = answer.best
    own = None
    if best is not None and best.verdict in (Verdict.WORKS, Verdict.DIFFERS, Verdict.FLAKY):
        own = way(store, best)
    other = way(store, answer.elsewhere[0]) if answer.elsewhere and own is None else None
    return Shown(answer, own, other)
