"""The routes that give the evidence itself: runs and observations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from caniload.catalog import questions
from caniload.catalog.answers import RunAnswer
from caniload.catalog.store import Store
from caniload.catalog.targets import find
from caniload.errors import UnknownNameError
from caniload.publish.service import cursors
from caniload.publish.service.asking import Ask, Cursor, Limit, ModelName
from caniload.publish.service.problems import NoSuchPageError
from caniload.publish.service.shapes import Document, Observed, Page

router = APIRouter()
_LIST = "observations"


@router.get(
    "/v1/runs", response_model=None, responses={200: {"model": Page[RunAnswer]}}, summary="All runs"
)
async def runs(ask: Ask, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the runs whose evidence is here, latest first."""

    def question(store: Store) -> cursors.Part[RunAnswer]:
        found = ask.snapshot.once("runs", lambda: questions.runs(store, None))
        return cursors.page("runs", found, _newest_first, cursor, limit)

    return await ask.page("runs", question)


@router.get(
    "/v1/runs/{run_id}",
    response_model=None,
    responses={200: {"model": Document[RunAnswer]}},
    summary="One run",
)
async def run(
    ask: Ask, run_id: Annotated[str, Path(min_length=1, max_length=100, description="Its id.")]
) -> Response:
    """Say when a run was, by whom, and how many attempts passed."""

    def question(store: Store) -> RunAnswer:
        for found in ask.snapshot.once("runs", lambda: questions.runs(store, None)):
            if found.run_id == run_id:
                return found
        raise UnknownNameError("run", run_id, (), "/v1/runs names them all")

    return await ask.document("run", question)


@router.get(
    "/v1/observations",
    response_model=None,
    responses={200: {"model": Page[Observed]}},
    summary="All attempts",
)
async def observations(
    ask: Ask,
    model: ModelName = None,
    run: Annotated[str | None, Query(max_length=100, description="Of one run.")] = None,
    cell: Annotated[str | None, Query(max_length=100, description="Of one cell.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """List attempts as they were recorded, latest first."""

    def question(store: Store) -> cursors.Part[dict[str, Any]]:
        if run is not None and not _any(store, "run_id", run):
            raise UnknownNameError("run", run, (), "/v1/runs names them all")
        if cell is not None and not _any(store, "cell_id", cell):
            raise UnknownNameError("cell", cell, (), "/v1/matrix/MODEL names them")
        before = None if cursor is None else _before(cursor)
        found = questions.evidence(
            store, model=model, run=run, cell_id=cell, before=before, limit=limit + 1
        )
        rows = list(found[:limit])
        following = None
        if len(found) > limit:
            last = rows[-1]
            following = cursors.encode(_LIST, (last["started_at"].isoformat(), last["id"]))
        total = ask.snapshot.once(
            (_LIST, model, run, cell), lambda: _count(store, model, run, cell)
        )
        return cursors.Part(rows, following, total)

    return await ask.page("observations", question)


@router.get(
    "/v1/observations/{observation_id}",
    response_model=None,
    responses={200: {"model": Document[Observed]}},
    summary="One attempt",
)
async def observation(
    ask: Ask,
    observation_id: Annotated[str, Path(min_length=1, max_length=100, description="Its id.")],
) -> Response:
    """Give one attempt as it was recorded."""

    def question(store: Store) -> dict[str, Any]:
        found = questions.evidence(store, observation=observation_id)
        if not found:
            raise UnknownNameError("observation", observation_id, (), "/v1/observations has all")
        return found[0]

    return await ask.document("observation", question)


def _newest_first(found: RunAnswer) -> cursors.Key:
    """Return a key under which later runs stand first, and which new runs do not change."""
    backwards = 10**17 - int(found.started_at.timestamp() * 1e6)
    return (f"{backwards:018d}", found.run_id)


def _before(cursor: str) -> tuple[datetime, str]:
    moment, last = cursors.decode(_LIST, cursor, 2)
    try:
        found = datetime.fromisoformat(moment)
        found.astimezone()
    except (ValueError, OverflowError) as error:
        raise NoSuchPageError("no page begins at this cursor") from error
    if found.tzinfo is None:
        raise NoSuchPageError("no page begins at this cursor")
    return found, last


def _any(store: Store, column: str, value: str) -> bool:
    return bool(store.sql(f"SELECT 1 FROM observations WHERE {column} = ? LIMIT 1", [value]))


def _count(store: Store, model: str | None, run: str | None, cell: str | None) -> int:
    where, params = ["true"], list[str | None]()
    if model is not None:
        target = find(store, model)
        where.append("(l.model = ? OR l.root_source = ?)")
        params += [target.model, target.source]
    for column, value in (("run_id", run), ("cell_id", cell)):
        if value is not None:
            where.append(f"o.{column} = ?")
            params.append(value)
    found = store.sql(
        "SELECT count(*) FROM observations o JOIN lineage l ON l.observation_id = o.id WHERE "
        + " AND ".join(where),
        params,
    )
    return int(found[0][0])
