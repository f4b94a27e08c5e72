"""Every table as CSV and as JSON, with the columns that the command line has."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caniload.catalog import gaps, stats
from caniload.catalog.store import Store
from caniload.publish import listing
from caniload.publish.json_form import plain
from caniload.publish.site import paths
from caniload.publish.site.facts import Evidence, Facts
from caniload.publish.site.page_state import today

CELL = (
    "model", "source", "handle", "loader", "framework", "framework_version", "device", "verdict",
    "result", "outcome", "stage", "weights", "format", "environment", "python_minor", "platform",
    "versions", "relative_rms", "tolerance", "reference", "wall_seconds", "peak_memory_bytes",
    "measured_at", "run_id", "observation_id", "observer", "caniload_version", "diagnosis",
)  # fmt: skip
"""The columns of a table of cells; seconds, bytes, times in UTC."""
_SOURCE = (
    "source", "hub", "models", "handle", "catalogue", "version", "read", "rule", "architecture",
    "parent", "tasks", "frameworks", "loaders", "formats", "parameters", "size_bytes", "sha256",
    "url", "licence", "published",
)  # fmt: skip


def files(store: Store, facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Yield every download by its path."""
    for path, rows in _tables(store, facts):
        yield f"{path}.csv", as_csv(rows)
        yield f"{path}.json", as_json(path.removeprefix("data/"), rows)


def _tables(store: Store, facts: Facts) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    yield "data/models", listing.models(store, facts.whom)
    yield "data/datasets", listing.entries(store, "datasets", None)
    yield "data/tools", listing.entries(store, "tools", None)
    yield "data/results", [cell_row(each) for each in facts.evidence]
    for model in facts.models:
        found = facts.of_model.get(model.id, ())
        yield f"data/models/{paths.segment(model.id)}", [cell_row(each) for each in found]
    sources = _sources(facts)
    yield "data/sources", sources
    for hub in dict.fromkeys(str(row["hub"]) for row in sources):
        mine = [row for row in sources if row["hub"] == hub]
        yield f"data/sources/{paths.segment(hub)}", mine
    yield "data/runs", [plain(run) for run in facts.runs]
    yield "data/environments", _environments(store)
    for way in gaps.WAYS:
        yield f"data/gaps-{way}", [_gap(gap) for gap in gaps.gaps(store, way=way, whom=facts.whom)]
    counted = stats.stats(store, today(facts))
    yield "data/coverage-frameworks", [plain(row) for row in counted.models_by_framework]
    yield "data/coverage-hubs", [plain(row) for row in counted.sources_by_hub]
    yield "data/coverage-catalogues", [plain(row) for row in counted.imported_by_catalogue]
    imports = [plain(row) for row in counted.imports]
    yield "data/imports", [{k: v for k, v in row.items() if k != "age_days"} for row in imports]


def cell_row(each: Evidence) -> dict[str, Any]:
    """Return one cell as a flat row."""
    cell: dict[str, Any] = plain(each.cell)
    cell["result"] = each.result
    cell["diagnosis"] = each.cell.diagnosis.code if each.cell.diagnosis else None
    return {name: cell[name] for name in CELL}


def _sources(facts: Facts) -> list[dict[str, Any]]:
    rows = []
    for page in facts.sources.values():
        base = {"source": page.name, "hub": page.hub, "models": page.models}
        stated = [plain(one) for one in page.imported]
        for one in page.authored:
            own = {"handle": one.handle, "formats": one.formats, "licence": one.licence}
            stated.append(own | {"catalogue": "caniload"})
        if not stated:
            stated = [{"handle": page.name}]
        rows += [dict.fromkeys(_SOURCE) | _only(one, _SOURCE) | base for one in stated]
    return rows


def _only(one: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: one[name] for name in names if name in one}


def _environments(store: Store) -> list[dict[str, Any]]:
    rows = store.rows(
        "SELECT environment, environment_key, python_minor, platform, count(*) AS observations, "
        "count(*) FILTER (outcome = 'passed') AS passed, max(started_at)::DATE AS last, "
        "arg_max(decisive, started_at) AS decisive, arg_max(lock, started_at) AS lock "
        "FROM observations WHERE environment IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    for row in rows:
        for name in ("decisive", "lock"):
            row[name] = json.loads(row[name]) if row[name] else {}
    return [plain(row) for row in rows]


def _gap(gap: gaps.Gap) -> dict[str, Any]:
    cell = gap.cell
    return {
        "model": gap.model,
        "source": cell.source,
        "loader": cell.loader,
        "framework": cell.framework,
        "verdict": str(cell.verdict),
        "observation_id": cell.observation_id,
        "statements": [plain(one) for one in gap.statements],
    }


def as_json(name: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as one JSON document."""
    made = {"caniload": f"table {name}", "schema_version": 1, "data": plain(list(rows))}
    return (json.dumps(made, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as CSV (RFC 4180): what is no plain value as JSON, nothing as empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _flat(value) for name, value in plain(dict(row)).items()})
    return out.getvalue().encode()


def _flat(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = "; ".join(value)
    elif isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
