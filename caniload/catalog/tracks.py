"""Read attempts by track: what stays the same of a cell from night to night.

A *track* is an artefact without its revision, a loader, a framework, an environment by name, a
device and a recipe. Its versions move, and its cell id with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from caniload.catalog.rows import aware
from caniload.words import CONTROL

if TYPE_CHECKING:
    from caniload.catalog.store import Store

GOOD = ("passed", "loads_only")
KEPT = 24
"""How many earlier attempts of a track are read."""


def artefact(handle: str) -> str:
    """Return a handle without its revision, as a track names it; the subfolder stays."""
    return re.sub("@[^/#]*", "", handle, count=1)


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """Name what stays the same from night to night; `artefact` is a handle without revision."""

    artefact: str
    loader: str
    framework: str
    environment: str
    device: str
    recipe_hash: str
    format: str | None = field(default=None, compare=False)
    kind: str = "attempt"
    export_format: str = ""
    model: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The model's name where an entry has one, else the artefact."""
        return self.model or self.artefact

    @property
    def where(self) -> str:
        """Who loads it, in what: `transformers, pytorch, transformers-4, cpu`."""
        export = f" to {self.export_format}" if self.export_format else ""
        return f"{self.loader}{export}, {self.framework}, {self.environment}, {self.device}"


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold one attempt of a track, as far as a comparison and a plot need it.

    `seconds` are those of load and run, None where they were not kept apart from the wall time.
    `memory_by` is what measured the memory; `verdict` the cell's, as all of its evidence
    gives it, and `tolerance` how far its output may be from what it is held against.
    """

    at: datetime
    run_id: str
    observation_id: str
    cell_id: str
    outcome: str
    stage: str
    reason: str
    code: str | None
    fault: str | None
    wall_seconds: float
    seconds: float | None
    memory_bytes: int | None
    memory_by: str | None
    worker: str
    machine: str
    revision: str | None
    python: str
    caniload_version: str
    decisive: Mapping[str, str]
    lock: Mapping[str, str]
    verdict: str | None = None
    tolerance: float | None = None

    @property
    def good(self) -> bool:
        """Tell whether it loaded."""
        return self.outcome in GOOD


_TRACK = (
    "regexp_replace(o.handle, '@[^/#]*', '') AS artefact, o.loader, o.framework, o.environment, "
    "o.device, o.recipe_hash, o.format, o.kind, coalesce(o.export_format, '') AS export_format"
)
_SAME = ("artefact", "loader", "framework", "environment", "device", "recipe_hash", "kind",
         "export_format")  # fmt: skip
_SEEN = (
    "coalesce(o.model, l.model) AS model, o.started_at AS moment, o.run_id, o.id, o.cell_id, "
    "o.outcome, o.stage, o.message, o.exception_type, o.exception_message, d.code, d.fault, "
    "d.title, o.wall_seconds, CAST(o.numbers ->> '$.load_seconds' AS DOUBLE) AS load, "
    "CAST(o.numbers ->> '$.run_seconds' AS DOUBLE) AS run, o.peak_memory_bytes, "
    "o.sandbox ->> '$.memory' AS memory_by, o.worker, o.machine, o.revision, o.python_minor, "
    "o.caniload_version, o.decisive, o.lock, o.whom, v.verdict, v.tolerance"
)
_FROM = (
    "LEFT JOIN lineage l ON l.observation_id = o.id "
    "LEFT JOIN diagnoses d ON d.observation_id = o.id "
    "LEFT JOIN cell_verdicts v ON v.cell_id = o.cell_id "
)
_OURS = f"o.model IS DISTINCT FROM '{CONTROL}'"


def of_runs(
    store: Store, runs: Sequence[str], only: Collection[str] | None = None
) -> dict[Track, list[tuple[Seen, str]]]:
    """Return a run's attempts by track, in order, each with how its cell was settled.

    `only` are ids of the cells whose attempts are returned, instead of all.
    """
    found: dict[Track, list[tuple[Seen, str]]] = {}
    for row in store.rows(
        f"SELECT {_TRACK}, {_SEEN}, coalesce(s.outcome, o.outcome) AS settled FROM observations o "
        f"{_FROM} LEFT JOIN settlements s ON s.run_id = o.run_id AND s.cell_id = o.cell_id "
        f"WHERE list_contains(?1, o.run_id) AND {_OURS} "
        "AND (?2 IS NULL OR list_contains(?2::VARCHAR[], o.cell_id)) "
        "ORDER BY o.started_at, o.id",
        [list(runs), None if only is None else list(only)],
    ):
        found.setdefault(_track(row), []).append((_seen(row), row["settled"]))
    return found


def cells_of(store: Store, run: str) -> set[str]:
    """Return the ids of the cells that a run attempted."""
    rows = store.direct(
        f"SELECT o.cell_id FROM {store.relation('observations')} o WHERE o.run_id = ? AND {_OURS}",
        [run],
    )
    return {row[0] for row in rows}


def earlier(
    store: Store, runs: Sequence[str], cutoff: datetime | None = None
) -> dict[Track, list[Seen]]:
    """Return the attempts before a run at the tracks that it tried, oldest first.

    Only what counts, and only of the same kind of observer as the run's own: the latest `KEPT`,
    and the latest that is no younger than `cutoff`.
    """
    tracks = ", ".join(_SAME)
    partition = ", ".join(f"b.{name}" for name in _SAME)
    latest = "ORDER BY b.moment DESC, b.id DESC"
    found: dict[Track, list[Seen]] = {}
    for row in store.rows(
        f"WITH tonight AS (SELECT DISTINCT {tracks}, whom, min(moment) OVER () AS began FROM "
        f"(SELECT {_TRACK}, o.whom, o.started_at AS moment FROM observations o "
        f"WHERE list_contains(?1, o.run_id) AND {_OURS})), "
        f"before AS (SELECT {_TRACK}, {_SEEN} FROM standing o {_FROM} "
        "WHERE o.source IN (SELECT source FROM observations WHERE list_contains(?1, run_id)) "
        f"AND NOT list_contains(?1, o.run_id) AND {_OURS} AND o.outcome <> 'harness_error') "
        f"SELECT b.* FROM before b JOIN tonight t USING ({tracks}, whom) WHERE b.moment < t.began "
        f"QUALIFY row_number() OVER (PARTITION BY {partition} {latest}) <= {KEPT} "
        "OR (b.moment <= ?2::TIMESTAMP AND row_number() OVER "
        f"(PARTITION BY {partition}, b.moment <= ?2::TIMESTAMP {latest}) = 1) "
        "ORDER BY b.moment, b.id",
        [list(runs), cutoff.astimezone(UTC).replace(tzinfo=None) if cutoff else None],
    ):
        found.setdefault(_track(row), []).append(_seen(row))
    return found


def standing(store: Store, cell_ids: Collection[str]) -> list[tuple[Track, Seen]]:
    """Return the latest evidence that stands of each cell."""
    if not cell_ids:
        return []
    found = store.rows(
        f"SELECT {_TRACK}, {_SEEN} FROM standing o {_FROM} "
        f"WHERE list_contains(?, o.cell_id) AND {_OURS} AND o.outcome <> 'harness_error' "
        "QUALIFY row_number() OVER (PARTITION BY o.cell_id ORDER BY o.started_at DESC) = 1",
        [list(cell_ids)],
    )
    return [(_track(row), _seen(row)) for row in found]


def apart(store: Store, pairs: Collection[tuple[str, str]]) -> dict[str, float]:
    """Return how far outputs moved, as relative RMS error, from one observation to another.

    By the id of the later one; without what has no fingerprint or cannot be compared.
    """
    if not pairs:
        return {}
    from caniload.catalog.verdicts import make_measures

    make_measures(store.database)
    found = store.sql(
        "WITH pairs AS (SELECT unnest(?1::VARCHAR[]) AS was, unnest(?2::VARCHAR[]) AS now), "
        "outputs AS (SELECT observation_id, list({'output': output, 'shape': shape, "
        "'samples': samples} ORDER BY output) AS given FROM prints WHERE observation_id IN "
        "(SELECT was FROM pairs UNION SELECT now FROM pairs) GROUP BY observation_id) "
        "SELECT p.now, outputs_apart(b.given, a.given) FROM pairs p "
        "JOIN outputs a ON a.observation_id = p.was JOIN outputs b ON b.observation_id = p.now",
        [[was for was, _ in pairs], [now for _, now in pairs]],
    )
    return {str(now): float(far) for now, far in found if far is not None}


def end_of(store: Store, run_id: str) -> datetime:
    """Return when a run ended; raises `UnknownNameError` for one that is not known."""
    found = store.sql("SELECT max(finished_at) FROM observations WHERE run_id = ?", [run_id])
    if found[0][0] is None:
        from caniload.errors import UnknownNameError

        raise UnknownNameError("run", run_id, hint="`caniload log` lists runs")
    return aware(found[0][0])


def _track(row: Mapping[str, Any]) -> Track:
    names = ("artefact", "loader", "framework", "environment", "device", "recipe_hash", "format",
             "kind", "export_format", "model")  # fmt: skip
    return Track(*(row[name] for name in names))


def _seen(row: Mapping[str, Any]) -> Seen:
    load, run = row["load"], row["run"]
    return Seen(
        aware(row["moment"]),
        row["run_id"],
        row["id"],
        row["cell_id"],
        row["outcome"],
        row["stage"],
        _reason(row),
        row["code"],
        row["fault"],
        row["wall_seconds"] or 0.0,
        load + run if load is not None and run is not None else None,
        row["peak_memory_bytes"],
        row["memory_by"],
        row["worker"],
        row["machine"],
        row["revision"],
        row["python_minor"],
        row["caniload_version"],
        _versions(row["decisive"] or "{}"),
        _versions(row["lock"] or "{}"),
        row["verdict"],
        row["tolerance"],
    )


@lru_cache(maxsize=4096)
def _versions(text: str) -> Mapping[str, str]:
    """Read versions by package; thousands of attempts share one text."""
    return MappingProxyType(json.loads(text))


def _reason(row: Mapping[str, Any]) -> str:
    """Say in one line why an attempt did not pass: the diagnosis, else what was raised."""
    if row["outcome"] == "passed":
        return ""
    raised = row["exception_message"] or row["message"] or ""
    kind = (row["exception_type"] or "").rpartition(".")[2]
    first = (raised.strip().splitlines() or [""])[0]
    said = f"{kind}: {first}" if kind and first else first or kind
    if row["title"]:
        return f"{row['title']} ({row['code']}): {said}" if said else f"{row['title']}"
    return f"{row['outcome']} at {row['stage']}: {said}" if said else f"{row['outcome']}"
