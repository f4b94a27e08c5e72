"""Find what a user's name means: a model of the catalogue, or a source that was attempted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caniload.catalog.store import Store
from caniload.errors import UnknownNameError
from caniload.handles import HUBS, parse
from caniload.words import CONTROL

_COMPARED = 5_000
"""Past so many models a name that nobody knows is looked for in the search index instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """Name what a question is about: a model, or one source, perhaps at one revision."""

    name: str
    model: str | None = None
    source: str | None = None
    revision: str | None = None
    format: str | None = None
    uses: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """Return the SQL condition on cells, and its parameters."""
        parts: list[str] = []
        params: list[Any] = []
        for column in ("model", "source", "revision", "format"):
            value = getattr(self, column)
            if value is not None:
                parts.append(f"{column} = ?")
                params.append(value)
        return " AND ".join(parts), params


def find(store: Store, text: str) -> Target:
    """Find a model by id, name or alias, letter case aside, or a source by its handle.

    Raises `UnknownNameError` with the nearest names, `MalformedHandleError`.
    """
    wanted = text.casefold()
    found = store.direct("SELECT id, name, uses FROM store.models WHERE id = ?", [wanted])
    if not found:  # rows lie sorted by id, while names and aliases of all are looked through
        found = store.direct(
            "SELECT id, name, uses FROM store.models WHERE list_contains(called, ?)", [wanted]
        )
    if found:
        return Target(found[0][1], model=found[0][0], uses=tuple(found[0][2] or ()))
    cells = store.relation("cell_verdicts")
    hub, colon, _ = text.partition(":")
    if colon and (hub in HUBS or hub.isalpha()):
        handle = parse(text)
        owner = store.direct(
            "SELECT min(model) FROM store.sources WHERE source = ?", [handle.source]
        )[0][0]
        if owner or store.direct(
            f"SELECT 1 FROM {cells} WHERE source = ? LIMIT 1", [handle.source]
        ):
            return Target(str(handle), owner, handle.source, handle.revision, handle.format)
        raise UnknownNameError("recorded source", text, hint=f"`caniload run {text}` attempts it")
    named = store.direct(f"SELECT 1 FROM {cells} WHERE model = ? LIMIT 1", [text])
    if named and text != CONTROL:
        return Target(text, model=text)
    raise UnknownNameError("model", text, _near(store, wanted), "`caniload list` names them all")


def _near(store: Store, wanted: str) -> tuple[str, ...]:
    """Return up to three known names that look like the wanted one."""
    from difflib import get_close_matches

    if store.direct("SELECT count(*) FROM store.models")[0][0] > _COMPARED:
        from caniload.catalog.facets import Facets
        from caniload.catalog.search import search

        hits = search(store, wanted, Facets("model"), limit=3, counts=False, details=False).hits
        return tuple(hit.id for hit in hits)
    names: dict[str, str] = {}
    for key, name, aliases in store.direct("SELECT id, name, aliases FROM store.models"):
        for text in (key, name, *(aliases or ())):
            names.setdefault(text.casefold(), key)
    near = get_close_matches(wanted, names, 5, 0.6)
    near += [text for text in names if wanted in text and len(wanted) > 2]
    return tuple(dict.fromkeys(names[text] for text in near))[:3]
