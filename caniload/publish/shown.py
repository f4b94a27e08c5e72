"""One model, dataset or tool shown whole: what is authored and measured, and what catalogues state.

On the query path: standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caniload.publish.json_form import plain

if TYPE_CHECKING:
    from caniload.catalog.answers import EntryAnswer, ModelAnswer
    from caniload.catalog.store import Store


def stated(store: Store, found: ModelAnswer | EntryAnswer) -> Sequence[Any]:
    """Return what imported catalogues state of a model or dataset; of a tool they say nothing."""
    from caniload.catalog import shelves
    from caniload.catalog.answers import ModelAnswer

    if isinstance(found, ModelAnswer):
        return shelves.of_model(store, found.id)
    return shelves.of_dataset(store, found.id) if found.kind == "datasets" else ()


def whole(found: ModelAnswer | EntryAnswer, said: Sequence[Any]) -> dict[str, Any]:
    """Return both as one JSON-able document."""
    made: dict[str, Any] = plain(found) | {"imported": plain(said)}
    return made
