"""Find entries and imported sources by words, by the tables that were prepared for it.

On the query path: nothing here imports pydantic, YAML or DuckDB; a `Store` is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caniload.catalog import asking, facets
from caniload.catalog.facets import Facets
from caniload.catalog.names import resolve_any, resolve_name
from caniload.catalog.search_words import FIELDS, OF_NAMES, OWN_NAME, SMALL, stem, words
from caniload.words import Verdict

if TYPE_CHECKING:
    from caniload.catalog.asking import Asked, Match
    from caniload.catalog.store import Store

__all__ = ["KINDS", "Found", "Hit", "Item", "Result", "resolve_any", "resolve_name", "search"]

KINDS = ("model", "dataset", "tool", "source")
"""What can be found; a source is an imported one that hangs under no model."""

ABOUT_SOURCES = ("handle", "source", "word of a source")
"""How a model matches when what was typed is about one of its sources."""

_LOOKED_AT = 80
"""How many of the best by words alone are ranked by their names."""

_LEAST = 0.3
"""What scores less than this part of the best is left out."""

_NAMED = 0.25
"""What it is worth that the words make up a whole name."""

_STANDING = 0.012
"""What one point of standing is worth: it decides between equals."""

_HANDLE = 2.0
"""What a handle that was written out is worth: more than words can be."""

_VERDICTS = tuple(verdict.value for verdict in Verdict)

_UNDER = 4
"""How many sources are shown under one model."""


@dataclass(frozen=True, slots=True)
class Item:
    """Describe one source of a model, one way to a dataset, or a tool."""

    handle: str | None
    hub: str | None
    catalogue: str | None
    name: str | None
    frameworks: tuple[str, ...]
    formats: tuple[str, ...]
    licence: str | None
    parameters: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """Give the best verdict of one framework; `claimed` where only metadata speaks."""

    framework: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Describe one thing that was found, and by what; `rank` is its place, from 1.

    `sources` are some of those that answer the question, of `source_count`; `of_sources` is how
    many there are whether they do or not.
    """

    kind: str
    id: str
    name: str
    about: str
    status: str | None
    matched: str
    rank: int
    family: str | None = None
    tasks: tuple[str, ...] = ()
    catalogue: str | None = None
    sources: tuple[Item, ...] = ()
    source_count: int = 0
    of_sources: int = 0
    results: tuple[Result, ...] = ()
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Hold the best hits, how many there were, counts by facet, and words that nothing matched."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    unknown_words: tuple[str, ...] = ()


def search(
    store: Store,
    text: str,
    narrowed: Facets | None = None,
    *,
    limit: int = 10,
    counts: bool = True,
    details: bool = True,
) -> Found:
    """Return what matches the words and the facets, best first; without words, by standing.

    A model that people name stands before what is made of it, a name before a family, a family
    before a task, a task before a mention. `counts` adds how often each facet's value occurs
    among all that was found; `details` the sources under each hit and what is known of it.
    Raises `UnknownNameError` for a facet's value that nothing has.
    """
    wanted = narrowed or Facets()
    facets.check(store, wanted)
    asked = asking.read(store, text)
    handled = _by_handle(store, asked)
    among: list[int] | None = None
    if asked.words or handled:
        scored = _scored(asked, handled)
        if wanted.kind is not None or wanted.narrow:
            docs = facets.kept(store, wanted, list(scored))
            scored = {doc: score for doc, score in scored.items() if doc in docs}
        least = _LEAST * max(scored.values(), default=0.0)
        scored = {doc: score for doc, score in scored.items() if score >= least}
        total, among = len(scored), list(scored)
    else:
        first, total = facets.first(store, wanted, _LOOKED_AT)
        scored = dict.fromkeys(first, 0.0)
    rows = _ranked(store, asked, scored)[:limit]
    more = _details(store, rows, asked, wanted, handled) if details and rows else {}
    hits = tuple(
        Hit(
            row["kind"],
            row["id"],
            row["name"],
            row["about"],
            row["status"],
            "handle" if row["doc"] in handled else row["matched"],
            place,
            row["family"],
            tuple(row["tasks"] or ()),
            row["catalogue"],
            of_sources=row["items"],
            **more.get(row["doc"], {}),
        )
        for place, row in enumerate(rows, 1)
    )
    told = facets.counted(store, wanted, among) if counts and scored else {}
    return Found(hits, total, told, asked.unknown)


def _by_handle(store: Store, asked: Asked) -> dict[int, str]:
    """Return the documents whose handle was written out, each with the handle."""
    if not asked.handles:
        return {}
    rows = store.direct(
        "SELECT called, doc, handle FROM store.search_handles WHERE list_contains($called, called)",
        {"called": list(asked.handles)},
    )
    if not rows and "/" in asked.handles[0]:
        rows = store.direct(
            "SELECT called, doc, handle FROM store.search_handles WHERE starts_with(called, ?) "
            "LIMIT 50",
            [asked.handles[0] + "/"],
        )
    if not rows:
        return {}
    longest = max(len(called) for called, _, _ in rows)
    return {doc: handle for called, doc, handle in rows if len(called) == longest}


def _scored(asked: Asked, handled: Mapping[int, str]) -> dict[int, float]:
    """Return the score by words of all that holds half of them or more."""
    scores: dict[int, float] = {}
    covered: dict[int, float] = {}
    counts: dict[int, int] = {}
    for place, share in enumerate(asked.shares):
        best: dict[int, float] = {}
        for worth, match in _by_worth(asked, place):
            best = dict.fromkeys(match.docs, worth) | best
        for doc, worth in best.items():
            scores[doc] = scores.get(doc, 0.0) + share * worth
            covered[doc] = covered.get(doc, 0.0) + share
            counts[doc] = counts.get(doc, 0) + 1
    enough = len(asked.words) / 2
    found = {doc: score * covered[doc] for doc, score in scores.items() if counts[doc] >= enough}
    return found | dict.fromkeys(handled, _HANDLE)


def _by_worth(asked: Asked, place: int) -> list[tuple[float, Match]]:
    """Return what stands for the word at a place, the best first."""
    found = [
        (match.worth * FIELDS[match.field][1], match)
        for match in asked.matches
        if match.first <= place < match.first + match.count
    ]
    return sorted(found, key=lambda each: -each[0])


def _ranked(store: Store, asked: Asked, scored: Mapping[int, float]) -> list[dict[str, Any]]:
    """Return the rows of the best documents in order, each with how it `matched`."""
    first = sorted(scored, key=lambda doc: (-scored[doc], doc))[:_LOOKED_AT]
    marks = ", ".join(map(str, first)) or "NULL"
    rows = store.direct_rows(f"SELECT * FROM store.search_docs WHERE doc IN ({marks})")
    places = range(len(asked.words))
    shown = set(first)
    kept = [
        [(match.field, shown.intersection(match.docs)) for _, match in _by_worth(asked, place)]
        for place in places
    ]
    said = {match.term for match in asked.matches} | set(asked.words)
    for row in rows:
        doc = row["doc"]
        fields = [next((each for each, docs in matches if doc in docs), None) for matches in kept]
        least = max((each for each in fields if each is not None), default=0)
        row["matched"] = FIELDS[least][0]
        if least <= OWN_NAME and None not in fields:
            named = 1.0
        else:
            named = _named(row, asked, said) if OF_NAMES.issuperset(fields) else 0.0
        row["score"] = scored[doc] + _NAMED * named + _STANDING * row["standing"]
    return sorted(rows, key=lambda row: (-row["score"], row["doc"]))


def _named(row: Mapping[str, Any], asked: Asked, said: set[str]) -> float:
    """Return how much of the best of a thing's names the question holds, times the reverse."""
    best = 0.0
    for name in row["called"]:
        own = [word for word in words(name) if word not in SMALL]
        if own and asked.words:
            hits = sum(1 for word in own if word in said or stem(word) in said)
            best = max(best, hits / len(own) * min(1.0, hits / len(asked.words)))
    return best


def _details(
    store: Store,
    rows: Sequence[Mapping[str, Any]],
    asked: Asked,
    wanted: Facets,
    handled: Mapping[int, str],
) -> dict[int, dict[str, Any]]:
    """Return for each document the sources that answer, its results and what is claimed."""
    docs = [row["doc"] for row in rows]
    if wanted.narrow:
        ctes, where, params = facets.condition(store, wanted, docs)
        items = store.direct_rows(
            f"WITH {ctes} it AS (SELECT i.* FROM store.search_items i WHERE {where}) FROM it",
            params,
        )
    else:
        marks = ", ".join(map(str, docs))
        items = store.direct_rows(f"SELECT * FROM store.search_items WHERE doc IN ({marks})")
    said = {match.term for match in asked.matches if len(match.term) > 1}
    handles = set(handled.values())
    results = _results(store, rows)
    more: dict[int, dict[str, Any]] = {}
    for doc in docs:
        mine = [item for item in items if item["doc"] == doc]
        mine.sort(key=lambda item: _told(item, said, handles))
        claims = {each for item in mine for each in item["frameworks"] or () if each != "any"}
        more[doc] = {
            "results": results.get(doc, ()),
            "source_count": len(mine),
            "claims": tuple(sorted(claims)),
            "sources": tuple(_item(item) for item in mine if item["handle"])[:_UNDER],
        }
    return more


def _told(item: Mapping[str, Any], said: set[str], handles: set[str]) -> tuple[bool, int, int, str]:
    """Order sources: what was asked for, what holds most of the words, authored ones, by name."""
    handle = item["handle"] or ""
    own = words(f"{handle} {item['name'] or ''}")
    return (
        handle not in handles,
        -len(said.intersection(own)),
        item["catalogue"] is not None,
        handle,
    )


def _item(row: Mapping[str, Any]) -> Item:
    return Item(
        row["handle"], row["hub"], row["catalogue"], row["name"],
        tuple(row["frameworks"] or ()), tuple(row["formats"] or ()), row["licence"],
        row["parameters"], row["size_bytes"],
    )  # fmt: skip


def _results(store: Store, rows: Sequence[Mapping[str, Any]]) -> dict[int, tuple[Result, ...]]:
    """Return the best verdict of each framework of each document that was measured."""
    owners = {(row["kind"], row["id"]): row["doc"] for row in rows}
    models = [id_ for kind, id_ in owners if kind == "model"]
    sources = [id_ for kind, id_ in owners if kind == "source"]
    if not models and not sources:
        return {}
    among = [
        f"{column} IN ({', '.join('?' for _ in names)})"
        for column, names in (("model", models), ("source", sources))
        if names
    ]
    found = store.direct(
        f"SELECT DISTINCT model, source, framework, verdict "
        f"FROM {store.relation('cell_verdicts')} WHERE kind = 'attempt' AND ({' OR '.join(among)})",
        [*models, *sources],
    )
    best: dict[int, dict[str, int]] = {}
    for model, source, framework, verdict in found:
        doc = owners.get(("model", model), owners.get(("source", source)))
        if doc is not None:
            mine = best.setdefault(doc, {})
            place = _VERDICTS.index(verdict)
            mine[framework] = min(place, mine.get(framework, place))
    return {
        doc: tuple(
            Result(framework, _VERDICTS[place])
            for framework, place in sorted(mine.items(), key=lambda each: (each[1], each[0]))
        )
        for doc, mine in best.items()
    }
