"""Turn rows of the store's views into answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from caniload.catalog.answers import CellAnswer, Diagnosed
from caniload.words import Verdict

if TYPE_CHECKING:
    from caniload.catalog.store import Store

_PLAIN = (
    "model", "source", "handle", "loader", "framework", "cell_id", "revision", "format",
    "framework_version", "environment", "environment_key", "python_minor", "platform", "device",
    "recipe_hash", "weights", "kind", "export_format", "parent_observation", "fault", "note",
    "observation_id", "run_id", "outcome", "stage", "exception_type", "exception_message",
    "relative_rms", "tolerance", "reference", "reference_loader", "reference_framework",
    "reference_observation", "wall_seconds", "peak_memory_bytes", "observer", "whom", "machine",
    "caniload_version",
)  # fmt: skip
_READ = ("verdict", "decisive", "patches", "measured_at", "message", "attempts", "options")
_PLACES = tuple(Verdict)
CELL_COLUMNS = ", ".join((*_PLAIN, *_READ))
"""What `cell` needs of `ranked` or `cell_verdicts`."""


def cell(row: dict[str, Any]) -> CellAnswer:
    """Make an answer of a row that has `CELL_COLUMNS`."""
    measured = row["measured_at"]
    return CellAnswer(
        verdict=Verdict(row["verdict"]),
        versions=json.loads(row["decisive"] or "{}"),
        patches=tuple(json.loads(row["patches"] or "[]")),
        measured_at=aware(measured) if measured else None,
        message=row["message"] or "",
        attempts=row["attempts"] or 0,
        options=json.loads(row["options"] or "{}"),
        **{name: row[name] for name in _PLAIN},
    )


def claim(row: dict[str, Any]) -> CellAnswer:
    """Make an answer of a row of `claims`: nobody attempted it."""
    return CellAnswer(
        Verdict.CLAIMED,
        row["model"],
        row["source"],
        row["handle"],
        row["loader"],
        row["framework"],
        message=row["says"] or "",
        note=row["page"],
    )


def rank(known: CellAnswer) -> tuple[int, bool, bool, float, str]:
    """Order cells as the view `answers` does: best verdict first, then what a user would load.

    Among equals what was published stands before what was exported from it, the reference
    before what agrees with it, and the latest first.
    """
    seconds = -known.measured_at.timestamp() if known.measured_at else float("inf")
    exported = known.parent_observation is not None
    place = _PLACES.index(known.verdict)
    return place, exported, not known.is_reference, seconds, known.cell_id or ""


def with_diagnoses(store: Store, cells: Iterable[CellAnswer]) -> tuple[CellAnswer, ...]:
    """Add to each cell the diagnosis of its observation, where there is one."""
    kept = tuple(cells)
    wanted = [c.observation_id for c in kept if c.observation_id and c.outcome != "passed"]
    if not wanted:
        return kept
    marks = ", ".join("?" for _ in wanted)
    found = store.direct_rows(
        f"FROM {store.relation('diagnoses')} WHERE observation_id IN ({marks})", wanted
    )
    known = {
        row["observation_id"]: Diagnosed(
            row["code"],
            row["kind"],
            row["fault"],
            row["title"],
            row["cause"],
            row["fix"],
            row["since"],
            row["until"],
            tuple(row["citations"] or ()),
        )
        for row in found
    }
    return tuple(replace(c, diagnosis=known.get(c.observation_id or "")) for c in kept)


def aware(moment: datetime) -> datetime:
    """Give a time of the store its zone, which is UTC."""
    return moment.replace(tzinfo=UTC)
