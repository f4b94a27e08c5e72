"""Find the one entry that a name means, over the store's own tables.

On the query path: nothing here imports pydantic, YAML or DuckDB; a `Store` is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from caniload.errors import UnknownNameError

KINDS = ("model", "dataset", "tool")
"""The kinds of entries; each is the singular of its table's name."""

_SOURCES = "SELECT DISTINCT model, source, handle FROM store.sources"


class Reader(Protocol):
    """Run our own SQL; the store does."""

    def sql(self, text: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""


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
    import difflib

    folded = {_fold(name): name for name in reversed(names)}
    close = difflib.get_close_matches(_fold(text), folded, n=count, cutoff=0.6)
    return tuple(dict.fromkeys(folded[name] for name in close))


def _resolve(store: Reader, text: str, kinds: Sequence[str]) -> tuple[str, str]:
    """Find the one entry called `text`; names before handles."""
    handles: dict[str, list[str]] = {}
    if "model" in kinds:
        for model, source, handle in store.sql(_SOURCES):
            handles.setdefault(model, []).extend((source, handle))
    names: dict[str, str] = {}
    for kind in kinds:
        for id_, name, aliases in store.sql(f"SELECT id, name, aliases FROM store.{kind}s"):
            called = (id_, name, *aliases)
            owned = handles.get(id_, ()) if kind == "model" else ()
            if _fold(text) in map(_fold, called) or text in owned:
                return kind, id_
            names.update((each, id_) for each in called)
    close = near(text, list(names), count=6)
    suggested = tuple(dict.fromkeys(names[name] for name in close))[:3]
    what = kinds[0] if len(kinds) == 1 else "model, dataset or tool"
    noun = f"{kinds[0]}s" if len(kinds) == 1 else "all"
    raise UnknownNameError(what, text, suggested, f"`caniload list {noun}` shows what there is")


def _fold(text: str) -> str:
    """Write a name so that case, underscores and spaces do not matter."""
    return text.casefold().strip().replace("_", "-").replace(" ", "-")
