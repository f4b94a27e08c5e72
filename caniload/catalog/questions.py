"""Ask the store: can I load it, what was measured, what is known. Standard library and SQL only.

`check` answers for one model; `matrix` gives all cells; `models`, `show`, `entries`, `runs` and
`evidence` list what lies behind. Names of models are ids, names or aliases, letter case aside,
or handles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from caniload.catalog import imported_claims, nearness
from caniload.catalog.answers import (
    Answer,
    Bounds,
    CellAnswer,
    EntryAnswer,
    ModelAnswer,
    Place,
    RunAnswer,
    SourceAnswer,
)
from caniload.catalog.rows import CELL_COLUMNS, aware, cell, claim, rank, with_diagnoses
from caniload.catalog.store import WHOM, Store
from caniload.catalog.targets import find
from caniload.errors import UnknownNameError
from caniload.words import DEVICES, FRAMEWORKS, Verdict

_ELSEWHERE = 5


def check(
    store: Store,
    model: str,
    *,
    framework: str | None = None,
    loader: str | None = None,
    device: str | None = None,
    environment: str | None = None,
    environment_key: str | None = None,
    here: Place | None = None,
    whom: str = "all",
) -> Answer:
    """Answer whether a model loads, for what the question names.

    With `here` the answer is for that interpreter: same decisive versions, or inferred between
    two tested ones, else unknown with the nearest evidence. `whom` is me, ci or all. Raises
    `UnknownNameError` for a model, framework, device, environment or whom that nobody knows.
    """
    target = find(store, model)
    check_names(store, framework, device, environment, whom)
    store.limit(whom, target.model or target.source)
    every = _ranked(store, *target.where())
    there = _measured_in(store, environment, every)

    def covered(cells: Sequence[CellAnswer]) -> tuple[CellAnswer, ...]:
        asked = (framework, loader, device, environment, environment_key, there)
        return with_diagnoses(store, (known for known in cells if _covers(known, *asked)))

    cells = covered(every)
    if not cells and target.model is not None and target.source is None:
        cells = covered(imported_claims.of_model(store, target.model))
    answer = Answer(
        target.model or target.source or model,
        target.name,
        cells[0].verdict if cells else Verdict.UNKNOWN,
        cells[0] if cells else None,
        cells,
        framework,
        loader,
        device,
        environment,
        here,
        uses=target.uses,
    )
    if here is not None:
        answer = nearness.narrow(answer, here)
    return _with_ways_out(answer, every)


def matrix(
    store: Store,
    model: str | None = None,
    *,
    run: str | None = None,
    framework: str | None = None,
    loader: str | None = None,
    device: str | None = None,
    environment: str | None = None,
    verdict: str | None = None,
    whom: str = "all",
    exports: bool = False,
) -> tuple[CellAnswer, ...]:
    """Return the verdict of every cell, by model, framework and loader, best first.

    With `run`, verdicts rest on the observations of that run alone. `exports` adds the cells
    that export. Raises `UnknownNameError`.
    """
    check_names(store, framework, device, environment, whom)
    where = "true"
    params: list[Any] = []
    wanted: str | None = None
    if model is not None:
        target = find(store, model)
        wanted = target.model or target.source
        where, params = target.where()
    if run is not None and not store.sql("SELECT 1 FROM observations WHERE run_id = ?", [run]):
        raise UnknownNameError("run", run, hint="`caniload log` lists runs")
    store.limit(whom, wanted, run)
    found = _ranked(store, where, params)
    if exports:
        found += _cells(store, where + " AND kind = 'export'", params)
    there = _measured_in(store, environment, found if model is not None else None)
    kept = [
        known
        for known in found
        if _covers(known, framework, loader, device, environment, None, there)
        and (run is None or known.run_id == run)
        and (verdict is None or known.verdict == verdict)
    ]
    kept.sort(key=lambda c: (c.kind, c.model or c.source))
    return with_diagnoses(store, kept)


def models(store: Store) -> tuple[ModelAnswer, ...]:
    """Return all models of the catalogue with their sources, without cells."""
    under: dict[str, list[SourceAnswer]] = {}
    for name, source in sources(store):
        under.setdefault(name, []).append(source)
    found = store.rows("FROM store.models ORDER BY id")
    return tuple(_model(row, (), tuple(under.get(row["id"], ()))) for row in found)


def show(store: Store, name: str, *, whom: str = "all") -> ModelAnswer | EntryAnswer:
    """Return a model with sources and cells, or a dataset or tool; raise `UnknownNameError`."""
    for kind in ("datasets", "tools"):
        for found in entries(store, kind):
            aliases = found.entry.get("aliases") or ()
            known = (found.id, found.name, *(aliases if isinstance(aliases, list) else ()))
            if name.casefold() in {str(text).casefold() for text in known}:
                return found
    target = find(store, name)
    cells = matrix(store, name, whom=whom, exports=True)
    if target.model is not None:
        found_rows = store.rows("FROM store.models WHERE id = ?", [target.model])
        if found_rows:
            row = found_rows[0]
            under = tuple(source for _, source in sources(store, row["id"]))
            return _model(row, cells, under)
    source = target.source or name
    return ModelAnswer(
        source, source, (), None, (), None, "It has no entry in the catalogue.", (), (), cells, {}
    )


def entries(store: Store, kind: str) -> tuple[EntryAnswer, ...]:
    """Return all `datasets` or `tools` of the catalogue, in order of id."""
    if kind not in ("datasets", "tools"):
        raise ValueError(kind)
    found = store.rows(f"SELECT id, name, about, entry FROM store.{kind} ORDER BY id")
    return tuple(
        EntryAnswer(kind, row["id"], row["name"], row["about"], json.loads(row["entry"]))
        for row in found
    )


def sources(store: Store, model: str | None = None) -> tuple[tuple[str, SourceAnswer], ...]:
    """Return (model id, source) of every source, or of one model's."""
    where, params = ("true", []) if model is None else ("model = ?", [find(store, model).model])
    found = store.rows(f"FROM store.sources WHERE {where} ORDER BY model, position, handle", params)
    return tuple((row["model"], _source(row)) for row in found)


def runs(store: Store, limit: int | None = 20) -> tuple[RunAnswer, ...]:
    """Return the recorded runs, latest first; None is all of them."""
    found = store.rows(
        "SELECT run_id, min(started_at) AS started_at, max(finished_at) AS finished_at, "
        "count(*) AS observations, count(*) FILTER (outcome = 'passed') AS passed, "
        "list_sort(list(DISTINCT model) FILTER (model IS NOT NULL)) AS models, "
        "any_value(observer) AS observer, any_value(whom) AS whom "
        "FROM observations GROUP BY run_id ORDER BY started_at DESC, run_id DESC LIMIT ?",
        [limit],
    )
    return tuple(
        RunAnswer(
            row["run_id"],
            aware(row["started_at"]),
            aware(row["finished_at"]),
            row["observations"],
            row["passed"],
            tuple(row["models"] or ()),
            row["observer"],
            row["whom"],
        )
        for row in found
    )


def evidence(
    store: Store,
    *,
    model: str | None = None,
    run: str | None = None,
    cell_id: str | None = None,
    observation: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> tuple[dict[str, Any], ...]:
    """Return observations as they were recorded, latest first, with code of the diagnosis.

    Each is a dict of the store's columns; JSON columns are read, times are aware UTC. `before`
    begins after the observation that started then and has that id; `limit` None is all.
    """
    where = "true"
    params: list[Any] = []
    if model is not None:
        target = find(store, model)
        where += " AND (l.model = ? OR l.root_source = ?)"
        params += [target.model, target.source]
    for name, value in (("run_id", run), ("cell_id", cell_id), ("id", observation)):
        if value is not None:
            where += f" AND o.{name} = ?"
            params.append(value)
    if before is not None:
        where += " AND (o.started_at, o.id) < (?::TIMESTAMP, ?)"
        params += [before[0].astimezone(UTC).replace(tzinfo=None), before[1]]
    found = store.rows(
        "SELECT o.*, d.code FROM observations o JOIN lineage l ON l.observation_id = o.id "
        f"LEFT JOIN diagnoses d ON d.observation_id = o.id WHERE {where} "
        "ORDER BY o.started_at DESC, o.id DESC LIMIT ?",
        [*params, limit],
    )
    read = ("recipe", "exceptions", "checks", "numbers", "facts", "decisive", "lock", "patches",
            "sandbox")  # fmt: skip
    for row in found:
        for name in read:
            row[name] = json.loads(row[name]) if row[name] is not None else None
        for name in ("started_at", "finished_at"):
            row[name] = aware(row[name])
    return tuple(found)


def _cells(store: Store, where: str, params: Sequence[Any]) -> tuple[CellAnswer, ...]:
    """Return the verdicts of the cells that satisfy a condition, best first."""
    found = store.direct_rows(
        f"SELECT {CELL_COLUMNS} FROM {store.relation('cell_verdicts')} WHERE {where}", params
    )
    return tuple(sorted(map(cell, found), key=rank))


def _ranked(store: Store, where: str, params: Sequence[Any]) -> tuple[CellAnswer, ...]:
    """Return cells as the view `ranked` has them: attempts, and claims that nobody attempted.

    A simple query and this loop take a third of the time that DuckDB needs to plan the view.
    """
    cells = list(_cells(store, f"kind = 'attempt' AND {where}", params))
    attempted = {(c.model, c.source, c.loader, c.framework) for c in cells}
    if "revision" not in where and "format" not in where:
        for row in store.direct_rows(
            "SELECT model, source, handle, loader, framework, says, page FROM store.claims "
            f"WHERE {where}",
            params,
        ):
            key = (row["model"], row["source"], row["loader"], row["framework"])
            if key not in attempted:
                attempted.add(key)
                cells.append(claim(row))
    return tuple(sorted(cells, key=rank))


def _covers(
    known: CellAnswer,
    framework: str | None,
    loader: str | None,
    device: str | None,
    environment: str | None,
    environment_key: str | None,
    there: frozenset[str],
) -> bool:
    """Tell whether a question is about a cell; a claim names no device or environment.

    `there` are the cells measured in the environment, be it not the last time.
    """
    return (
        (framework is None or known.framework == framework)
        and (loader is None or known.loader == loader)
        and (
            device is None
            or known.device is None
            or device in (known.device, known.device.partition(":")[0])
        )
        and (
            environment is None
            or known.environment in (None, environment)
            or known.cell_id in there
        )
        and (environment_key is None or known.environment_key in (None, environment_key))
    )


def _measured_in(
    store: Store, environment: str | None, among: Sequence[CellAnswer] | None
) -> frozenset[str]:
    """Return the cells, of some or of all, that were ever measured in an environment of that name.

    Environments with the same decisive versions share cells, and a cell names the last alone.
    """
    if environment is None:
        return frozenset()
    observed = f"SELECT cell_id FROM {store.relation('observations')} WHERE environment = $name"
    params: dict[str, Any] = {"name": environment}
    if among is not None:
        # Rows lie sorted by source: few are read. What was derived may have a source of its own.
        params["sources"] = sorted({known.source for known in among if known.cell_id})
        if not params["sources"]:
            return frozenset()
        observed = (
            f"{observed} AND source IN (SELECT unnest($sources::VARCHAR[])) "
            f"UNION ALL {observed} AND parent_observation IS NOT NULL"
        )
    return frozenset(cell_id for (cell_id,) in store.direct(observed, params))


def _with_ways_out(answer: Answer, every: Sequence[CellAnswer]) -> Answer:
    """Add what works elsewhere, and since which version it does not here."""
    if answer.verdict is Verdict.WORKS:
        return answer
    working = [c for c in every if c.verdict is Verdict.WORKS]
    covered = {known.cell_id for known in answer.cells} if answer.here is None else set()
    elsewhere: dict[tuple[str, str], CellAnswer] = {}
    for found in working:
        if found.cell_id not in covered:
            elsewhere.setdefault((found.loader, found.framework), found)
    limits: Bounds | None = None
    if answer.best is not None and answer.best.verdict is Verdict.FAILS:
        same = [
            c
            for c in every
            if (c.loader, c.framework) == (answer.best.loader, answer.best.framework)
        ]
        limits = nearness.bounds(answer.best, same)
    return replace(answer, elsewhere=tuple(elsewhere.values())[:_ELSEWHERE], bounds=limits)


def check_names(
    store: Store, framework: str | None, device: str | None, environment: str | None, whom: str
) -> None:
    """Raise `UnknownNameError` for a framework, device, environment or whom that nobody knows."""
    if framework is not None and framework not in FRAMEWORKS:
        known = [
            row[0]
            for row in store.direct(
                f"SELECT DISTINCT framework FROM {store.relation('cell_verdicts')} "
                "WHERE kind = 'attempt' UNION SELECT framework FROM store.claims"
            )
        ]
        if framework not in known:
            raise _unknown("framework", framework, FRAMEWORKS)
    if device is not None and device.partition(":")[0] not in DEVICES:
        raise _unknown("device", device, DEVICES)
    if whom not in WHOM:
        raise _unknown("observer", whom, WHOM)
    if environment is not None and not store.direct(
        "SELECT 1 FROM store.environments WHERE name = ?", [environment]
    ):
        names = store.direct(
            "SELECT name FROM store.environments "
            f"UNION SELECT environment FROM {store.relation('cell_verdicts')}"
        )
        if (environment,) not in names:
            known = sorted(name for (name,) in names if name)
            raise _unknown("environment", environment, known)


def _unknown(kind: str, name: str, known: Sequence[str]) -> UnknownNameError:
    from difflib import get_close_matches

    near = tuple(get_close_matches(name, known, 2))
    return UnknownNameError(kind, name, near, f"known: {', '.join(known)}")


def _model(
    row: dict[str, Any], cells: tuple[CellAnswer, ...], under: tuple[SourceAnswer, ...]
) -> ModelAnswer:
    return ModelAnswer(
        row["id"],
        row["name"],
        tuple(row["aliases"] or ()),
        row["family"],
        tuple(row["tasks"] or ()),
        row["licence"],
        row["about"],
        tuple(row["uses"] or ()),
        under,
        cells,
        json.loads(row["entry"]),
    )


def _source(row: dict[str, Any]) -> SourceAnswer:
    return SourceAnswer(
        row["handle"],
        row["source"],
        row["resolved"],
        tuple(row["formats"] or ()),
        row["licence"],
        json.loads(row["entry"]),
    )
