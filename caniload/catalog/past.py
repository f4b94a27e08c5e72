"""What is known of cells before a night: when each was measured, what came of it, what it took."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caniload.catalog.store import Store

_NUMBERS = re.compile(r"0x[0-9a-f]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Past:
    """The last that was seen of a cell or a track; seconds and bytes are the most of all.

    `signature` tells one result from another: two failures that differ in addresses and numbers
    alone have the same.
    """

    measured_at: datetime
    outcome: str
    signature: str
    seconds: float
    memory_bytes: int | None


def signature(
    outcome: str, stage: str, signal: int | None, exception_type: str | None, text: str | None
) -> str:
    """Return what tells a result from another; view 30 makes the same of stored rows."""
    if outcome == "passed":
        return outcome
    known = _NUMBERS.sub("#", (text or "")[:300])
    parts = (outcome, stage, None if signal is None else str(signal), exception_type, known)
    return "|".join(part for part in parts if part is not None)


_LAST = """
    SELECT
        {key} AS key,
        max(o.started_at) AS measured_at,
        arg_max(
            struct_pack(
                outcome := o.outcome, stage := o.stage, signal := o.signal,
                type := o.exception_type, text := coalesce(o.exception_message, o.message)
            ),
            o.started_at
        ) AS last,
        max(o.wall_seconds) AS seconds,
        max(o.peak_memory_bytes) AS memory_bytes
    FROM (SELECT unnest(?::VARCHAR[]) AS key) a
    JOIN standing o ON {key} = a.key
    WHERE o.outcome <> 'harness_error'
    GROUP BY ALL
"""

_TRACK = """concat_ws('|', regexp_replace(o.handle, '@[^/#]*', ''), o.loader, o.framework,
    o.environment, o.device, o.recipe_hash, coalesce(o.export_format, ''))"""


def of_cells(store: Store, cell_ids: Collection[str]) -> dict[str, Past]:
    """Return the past of those cells that were ever attempted, by cell id."""
    return _ask(store, "o.cell_id", cell_ids)


def fresh(store: Store, cell_ids: Collection[str], since: datetime | None) -> frozenset[str]:
    """Return those of the cells whose evidence stands: no older than `since`, and of the cell.

    What a hub did not give says nothing of the cell.
    """
    if not cell_ids:
        return frozenset()
    moment = datetime(1970, 1, 1) if since is None else since.astimezone(UTC).replace(tzinfo=None)
    others = store.sql(
        "WITH good AS MATERIALIZED (SELECT cell_id FROM standing "
        "WHERE outcome <> 'harness_error' GROUP BY cell_id "
        "HAVING max(started_at) > ?::TIMESTAMP "
        "AND arg_max(outcome, started_at) <> 'unavailable'), "
        "asked AS MATERIALIZED (SELECT unnest(?::VARCHAR[]) AS key) "
        "SELECT key FROM asked ANTI JOIN good ON good.cell_id = asked.key",
        [moment, list(cell_ids)],
    )
    return frozenset(cell_ids).difference(row[0] for row in others)


def of_tracks(store: Store, tracks: Collection[str]) -> dict[str, Past]:
    """Return the past of tracks, whatever versions they had, by the track's text."""
    return _ask(store, _TRACK, tracks)


def _ask(store: Store, key: str, asked: Collection[str]) -> dict[str, Past]:
    if not asked:
        return {}
    text = _LAST.format(key=key)
    return {str(row[0]): _past(row) for row in store.sql(text, [list(asked)])}


def _past(row: tuple[Any, ...]) -> Past:
    _, at, last, seconds, memory = row
    told = signature(last["outcome"], last["stage"], last["signal"], last["type"], last["text"])
    return Past(at.replace(tzinfo=UTC), last["outcome"], told, float(seconds or 0.0), memory)
