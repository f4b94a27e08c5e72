"""Derive what observations mean: lineage, diagnoses and verdicts, over the views' SQL.

The same views serve two scopes: everything, when a generation is published, and the groups of
artefacts that newer segments touch, when it is read. `views/*.sql` hold one view each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.diagnosis import Diagnosis, Rules

VIEWS = Path(__file__).parent / "views"
EVIDENCE = ("observations", "settlements", "prints", "diagnoses", "lineage")
"""The tables of a generation that newer segments add to."""

_READING = ("11", "12", "13", "14", "15", "17", "18", "51", "60", "61")
"""The views that add newer segments to a generation's tables."""

_STAGES = (
    ("30", "results"),
    ("31", "cells"),
    ("40", "candidates"),
    ("41", "reference_choices"),
    ("42", "agreements"),
)
"""Views `derived_<name>` in order, each kept as a table for the next: DuckDB would plan them
anew at every mention."""

_EMPTY = "".join(
    f"CREATE TABLE newer_{name} AS FROM store.{name} LIMIT 0;" for name in EVIDENCE
) + (
    "CREATE TABLE fresh_verdicts AS FROM store.cell_verdicts LIMIT 0;"
    "CREATE TABLE fresh_groups (group_key VARCHAR);"
    "CREATE TABLE scope (group_key VARCHAR);"
    "CREATE TABLE limited_to (whom VARCHAR, run_id VARCHAR);"
    "CREATE TABLE unrooted (id VARCHAR);"
)

DIAGNOSIS_FIELDS = (
    "observation_id", "code", "kind", "fault", "title", "cause", "fix", "since", "until",
)  # fmt: skip


def create_views(database: duckdb.DuckDBPyConnection) -> None:
    """Make the views that readers ask, over `store` and what is newer: nothing yet."""
    database.execute(_EMPTY)
    for number in _READING:
        _create(database, number)
    database.execute("SET search_path = 'memory,store'")


def root(database: duckdb.DuckDBPyConnection, source: str, target: str) -> None:
    """Insert the lineage of one table's observations into another."""
    _create(database, "16")
    database.execute(
        f"INSERT INTO unrooted SELECT id FROM {source};"
        f"INSERT INTO {target} SELECT * FROM rooted ORDER BY model, observation_id;"
        "DELETE FROM unrooted"
    )


def judge(database: duckdb.DuckDBPyConnection, target: str) -> None:
    """Derive the verdicts of all cells in `scope` and insert them into a table."""
    make_measures(database)
    _create(database, "20")
    for number, name in _STAGES:
        _create(database, number)
        database.execute(f"CREATE OR REPLACE TABLE {name} AS FROM derived_{name}")
    _create(database, "50")
    database.execute(
        f"INSERT INTO {target} SELECT * FROM derived_verdicts "
        "ORDER BY model, source, loader, framework, cell_id"
    )


def make_measures(database: duckdb.DuckDBPyConnection) -> None:
    """Make the functions that tell how far outputs are apart."""
    _create(database, "05")
    _create(database, "06")


def judge_newer(database: duckdb.DuckDBPyConnection) -> None:
    """Derive the verdicts of all cells in the groups that newer segments touch."""
    database.execute("INSERT INTO scope FROM fresh_groups")
    judge(database, "fresh_verdicts")


def limit(
    database: duckdb.DuckDBPyConnection, whom: str | None, model: str | None, run: str | None
) -> None:
    """Derive anew on the evidence of one observer or one run, of a model, source or all.

    Without observer and run this undoes what another call did.
    """
    database.execute(
        "DELETE FROM fresh_verdicts; DELETE FROM fresh_groups; DELETE FROM scope;"
        "DELETE FROM limited_to;"
        "INSERT INTO fresh_groups SELECT DISTINCT group_key FROM newer_lineage"
    )
    if whom is not None or run is not None:
        database.execute("INSERT INTO limited_to VALUES (?, ?)", [whom, run])
        database.execute(
            "INSERT INTO fresh_groups SELECT DISTINCT l.group_key FROM lineage l "
            "JOIN observations o ON o.id = l.observation_id "
            "WHERE (?1::VARCHAR IS NULL OR l.model = ?1 OR l.root_source = ?1) "
            "AND (?2::VARCHAR IS NULL OR o.run_id = ?2)",
            [model, run],
        )
        database.execute(
            "CREATE OR REPLACE TEMP TABLE once AS SELECT DISTINCT group_key FROM fresh_groups;"
            "DELETE FROM fresh_groups; INSERT INTO fresh_groups FROM once; DROP TABLE once"
        )
    judge_newer(database)


def _create(database: duckdb.DuckDBPyConnection, number: str) -> None:
    """Make the view whose file has that number."""
    (path,) = VIEWS.glob(f"{number}_*.sql")
    database.execute(path.read_text(encoding="utf-8"))


def rules_of(database: duckdb.DuckDBPyConnection) -> Rules:
    """Read the diagnosis rules that the generation carries; no YAML is read."""
    from caniload.catalog.diagnosis import rules_from_json

    text = database.execute("SELECT rules FROM store.failure_rules").fetchall()
    return rules_from_json(text[0][0] if text else '{"kinds": {}, "rules": []}')


def diagnose_rows(
    database: duckdb.DuckDBPyConnection, rules: Rules, source: str, target: str
) -> int:
    """Diagnose each failure of one table into another; returns how many were diagnosed."""
    found = database.execute(
        "SELECT id, outcome, stage, exceptions, message, log_excerpt, loader, framework, "
        f"lock, decisive, signal FROM {source} WHERE outcome <> 'passed'"
    ).fetchall()
    known: dict[tuple[Any, ...], Diagnosis | None] = {}
    rows = []
    for key, *facts in found:
        same = tuple(facts)
        if same not in known:
            known[same] = _diagnose(rules, facts)
        diagnosis = known[same]
        if diagnosis is not None:
            rows.append(
                {
                    "observation_id": key,
                    "code": diagnosis.code,
                    "kind": diagnosis.kind,
                    "fault": str(diagnosis.fault),
                    "title": diagnosis.title,
                    "cause": diagnosis.cause,
                    "fix": diagnosis.fix,
                    "since": diagnosis.since,
                    "until": diagnosis.until,
                    "citations": list(diagnosis.citations),
                }
            )
    columns = [(name, "VARCHAR") for name in DIAGNOSIS_FIELDS] + [("citations", "VARCHAR[]")]
    insert(database, target, columns, rows)
    return len(rows)


def insert(
    database: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[dict[str, Any]],
) -> None:
    """Insert rows given as plain dicts in one statement; missing fields are NULL."""
    if not rows:
        return
    shape = json.dumps([dict(columns)])
    names = ", ".join(name for name, _ in columns)
    picked = ", ".join(f"r.{name}" for name, _ in columns)
    database.execute(
        f"INSERT INTO {table} ({names}) "
        f"SELECT {picked} FROM (SELECT unnest(from_json(?, '{shape}')) AS r)",
        [json.dumps(rows, ensure_ascii=False)],
    )


def _diagnose(rules: Rules, facts: Sequence[Any]) -> Diagnosis | None:
    from caniload.catalog.diagnosis import Failure, diagnose

    outcome, stage, exceptions, message, log, loader, framework, lock, decisive, signal = facts
    chain = tuple(
        (str(item["type"]), str(item["message"]), str(item.get("relation", "raised")))
        for item in json.loads(exceptions or "[]")
    )
    return diagnose(
        rules,
        Failure(
            outcome=outcome,
            stage=stage,
            exceptions=chain,
            message=message or "",
            log_excerpt=log or "",
            loader=loader,
            framework=framework,
            versions=json.loads(lock or "{}") | json.loads(decisive or "{}"),
            signal=signal,
        ),
    )
