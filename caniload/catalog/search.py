"""Find entries by name or words, over the store's own tables.

On the query path: nothing here imports pydantic, YAML or DuckDB; a `Store` is handed in.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from caniload.errors import UnknownNameError

KINDS = ("model", "dataset", "tool")
"""What can be searched for; each is the singular of its table's name."""

_SQL = {
    "model": "SELECT id, name, aliases, [family], tasks, about, NULL FROM store.models",
    "dataset": "SELECT id, name, aliases, [modality], tasks, about, NULL FROM store.datasets",
    "tool": (
        "SELECT id, name, aliases, [purpose], list_concat(frameworks, languages, [status]), about, "
        "status FROM store.tools"
    ),
}
_SOURCES = "SELECT DISTINCT model, source, handle FROM store.sources"


class Reader(Protocol):
    """Run our own SQL; the store does."""

    def sql(self, text: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Describe one entry that was found, and by what: `name` before `prefix` before `group` …."""

    kind: str
    id: str
    name: str
    about: str
    status: str | None
    matched: str
    rank: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hold the searchable fields of one entry."""

    kind: str
    id: str
    name: str
    aliases: tuple[str, ...]
    group: tuple[str, ...]
    words: tuple[str, ...]
    about: str
    status: str | None
    handles: tuple[str, ...]


_MATCHES = ("name", "source", "prefix", "group", "task", "part", "about")
"""How an entry can match, best first: its place is the rank."""


def search(store: Reader, text: str, kinds: Sequence[str] = KINDS) -> list[Hit]:
    """Return entries that match every word of `text`, best first.

    The whole text, and then each word, is looked for as an id, name or alias, as a source's
    handle, as prefix of a name, as family, modality or purpose, as task, framework or language,
    inside a name or handle, and inside the sentence about the entry. An entry ranks as its worst
    word does, or as the whole text if that is better; an empty text finds everything.
    """
    whole = text.casefold().strip()
    hits = []
    for entry in _entries(store, kinds):
        ranks = [_rank(entry, word) for word in whole.split()]
        found = [rank for rank in ranks if rank is not None]
        places = [max(found)] if found and len(found) == len(ranks) else []
        if (place := _rank(entry, whole)) is not None:
            places.append(place)
        if places:
            best = min(places)
            hits.append(
                Hit(
                    entry.kind,
                    entry.id,
                    entry.name,
                    entry.about,
                    entry.status,
                    _MATCHES[best],
                    best,
                )
            )
    return sorted(hits, key=lambda hit: (hit.rank, KINDS.index(hit.kind), hit.id))


def resolve_name(store: Reader, text: str, kind: str = "model") -> str:
    """Return the id of the entry of this kind that is called `text`, by id, name, alias or handle.

    Case, underscores and spaces do not matter. Raises `UnknownNameError` with the close names.
    """
    return _resolve(store, text, (kind,))[1]


def resolve_any(store: Reader, text: str) -> tuple[str, str]:
    """Return kind and id of the entry of any kind that is called `text`.

    Raises `UnknownNameError` with the close names.
    """
    return _resolve(store, text, KINDS)


def near(text: str, names: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """Return up to `count` of `names` that look like `text`, the closest first."""
    folded = {_fold(name): name for name in reversed(names)}
    close = difflib.get_close_matches(_fold(text), folded, n=count, cutoff=0.6)
    return tuple(dict.fromkeys(folded[name] for name in close))


def _resolve(store: Reader, text: str, kinds: Sequence[str]) -> tuple[str, str]:
    """Find the one entry called `text`; names before handles."""
    entries = _entries(store, kinds)
    names: dict[str, str] = {}
    for entry in entries:
        called = (entry.id, entry.name, *entry.aliases)
        if _fold(text) in map(_fold, called) or text in entry.handles:
            return entry.kind, entry.id
        names.update((name, entry.id) for name in called)
    close = near(text, list(names), count=6)
    suggested = tuple(dict.fromkeys(names[name] for name in close))[:3]
    what = kinds[0] if len(kinds) == 1 else "model, dataset or tool"
    noun = f"{kinds[0]}s" if len(kinds) == 1 else "all"
    raise UnknownNameError(what, text, suggested, f"`caniload list {noun}` shows what there is")


def _entries(store: Reader, kinds: Sequence[str]) -> list[_Entry]:
    """Read the searchable fields of all entries of these kinds."""
    handles: dict[str, list[str]] = {}
    if "model" in kinds:
        for model, source, handle in store.sql(_SOURCES):
            handles.setdefault(model, []).extend((source, handle))
    found = []
    for kind in kinds:
        for id_, name, aliases, group, words, about, status in store.sql(_SQL[kind]):
            found.append(
                _Entry(
                    kind,
                    id_,
                    name,
                    tuple(aliases),
                    tuple(group),
                    tuple(words),
                    about,
                    status,
                    tuple(handles.get(id_, ())) if kind == "model" else (),
                )
            )
    return found


def _rank(entry: _Entry, word: str) -> int | None:
    """Return the place in `_MATCHES` of the best match of a word, or None."""
    names = [name.casefold() for name in (entry.id, entry.name, *entry.aliases)]
    handles = [handle.casefold() for handle in entry.handles]
    tests = (
        _fold(word) in map(_fold, names),
        word in handles,
        any(name.startswith(word) for name in names),
        _fold(word) in map(_fold, entry.group),
        any(_fold(word) == other or word in other.split("-") for other in map(_fold, entry.words)),
        any(word in text for text in (*names, *handles)),
        word in entry.about.casefold(),
    )
    return next((rank for rank, matched in enumerate(tests) if matched), None)


def _fold(text: str) -> str:
    """Write a name so that case, underscores and spaces do not matter."""
    return text.casefold().strip().replace("_", "-").replace(" ", "-")
