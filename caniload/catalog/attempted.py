"""Say which cells have evidence already, so that a sweep goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caniload.catalog.store import Store


def attempted(store: Store, cell_ids: Collection[str]) -> set[str]:
    """Return those of the cells that an observation tells of; our own faults do not count."""
    if not cell_ids:
        return set()
    found = store.sql(
        "SELECT DISTINCT cell_id FROM standing "
        "WHERE outcome <> 'harness_error' AND cell_id IN (SELECT unnest(?::VARCHAR[]))",
        [list(cell_ids)],
    )
    return {str(row[0]) for row in found}
