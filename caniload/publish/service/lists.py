"""The routes that list what there is, and show one thing whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response

from caniload.catalog import questions
from caniload.catalog.answers import EntryAnswer, ModelAnswer
from caniload.catalog.store import Store
from caniload.errors import UnknownNameError
from caniload.publish import listing, shown
from caniload.publish.service import cursors
from caniload.publish.service.asking import (
    Ask,
    Asker,
    Cursor,
    Framework,
    Limit,
    Loader,
    ModelName,
    Subject,
    Verdict,
    Whose,
)
from caniload.publish.service.shapes import (
    DatasetRow,
    Document,
    EntryShown,
    ModelRow,
    ModelShown,
    Page,
    ResultRow,
    SourceRow,
    ToolRow,
)

router = APIRouter()
Id = Annotated[str, Path(min_length=1, max_length=200)]


@router.get(
    "/v1/models",
    response_model=None,
    responses={200: {"model": Page[ModelRow]}},
    summary="All models",
)
async def models(
    ask: Ask, whose: Whose = "all", limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List the models that people name, each with its best verdict in each framework."""
    return await _listed(
        ask,
        "list models",
        (whose,),
        lambda store: listing.models(store, whose),
        lambda row: (row["id"],),
        cursor,
        limit,
    )


@router.get(
    "/v1/models/{model:path}",
    response_model=None,
    responses={200: {"model": Document[ModelShown]}},
    summary="One model",
)
async def model_shown(ask: Ask, model: Subject, whose: Whose = "all") -> Response:
    """Show one model with its sources, claims and results, as `caniload show` does."""

    def question(store: Store) -> Any:
        found = questions.show(store, model, whom=whose)
        if not isinstance(found, ModelAnswer):
            raise UnknownNameError("model", model, (), f"{model} is one of the {found.kind}")
        return shown.whole(found, shown.stated(store, found))

    return await ask.document("show model", question)


@router.get(
    "/v1/sources",
    response_model=None,
    responses={200: {"model": Page[SourceRow]}},
    summary="All sources",
)
async def sources(
    ask: Ask, model: ModelName = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List where checkpoints are published, of all models or of one."""
    return await _listed(
        ask,
        "list sources",
        (model,),
        lambda store: listing.sources(store, model),
        lambda row: (row["model"], row["handle"]),
        cursor,
        limit,
    )


@router.get(
    "/v1/datasets",
    response_model=None,
    responses={200: {"model": Page[DatasetRow]}},
    summary="All datasets",
)
async def datasets(
    ask: Ask, framework: Framework = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List datasets, of all frameworks or of one."""
    return await _entries(ask, "datasets", framework, cursor, limit)


@router.get(
    "/v1/datasets/{id}",
    response_model=None,
    responses={200: {"model": Document[EntryShown]}},
    summary="One dataset",
)
async def dataset(
    ask: Ask,
    id: Annotated[Id, Path(description="A dataset by id, name or alias.", examples=["squad"])],  # noqa: A002
) -> Response:
    """Show how each framework reaches a dataset, with size, splits, licence and checksums."""
    return await ask.document("show dataset", lambda store: _whole(store, "datasets", id))


@router.get(
    "/v1/tools",
    response_model=None,
    responses={200: {"model": Page[ToolRow]}},
    summary="All tools",
)
async def tools(
    ask: Ask, framework: Framework = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List tools with what they are for and whether they are alive."""
    return await _entries(ask, "tools", framework, cursor, limit)


@router.get(
    "/v1/tools/{id}",
    response_model=None,
    responses={200: {"model": Document[EntryShown]}},
    summary="One tool",
)
async def tool(
    ask: Ask,
    id: Annotated[Id, Path(description="A tool by id, name or alias.", examples=["litert"])],  # noqa: A002
) -> Response:
    """Show what a tool is for, for which frameworks and languages, and whether it is alive."""
    return await ask.document("show tool", lambda store: _whole(store, "tools", id))


@router.get(
    "/v1/results",
    response_model=None,
    responses={200: {"model": Page[ResultRow]}},
    summary="All results",
)
async def results(
    ask: Ask,
    model: ModelName = None,
    framework: Framework = None,
    loader: Loader = None,
    verdict: Verdict = None,
    whose: Whose = "all",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List every cell that was measured or is claimed, one line each."""
    return await _listed(
        ask,
        "list results",
        (model, framework, loader, verdict, whose),
        lambda store: listing.results(store, model, framework, loader, verdict, whose),
        lambda row: cursors.words(
            row["model"], row["loader"], row["framework"], row["device"], row["observation"]
        ),
        cursor,
        limit,
    )


async def _entries(
    ask: Asker,
    kind: Literal["datasets", "tools"],
    framework: str | None,
    cursor: str | None,
    limit: int,
) -> Response:
    return await _listed(
        ask,
        f"list {kind}",
        (framework,),
        lambda store: listing.entries(store, kind, framework),
        lambda row: (row["id"],),
        cursor,
        limit,
    )


async def _listed(
    ask: Asker,
    kind: str,
    narrowed: tuple[str | None, ...],
    rows: Callable[[Store], list[dict[str, Any]]],
    key: Callable[[dict[str, Any]], cursors.Key],
    cursor: str | None,
    limit: int,
) -> Response:
    """Answer with one page of a list that is made once for each state of the store."""
    return await ask.page(
        kind,
        lambda store: cursors.page(
            kind,
            ask.snapshot.once((kind, *narrowed), lambda: rows(store)),
            key,
            cursor,
            limit,
        ),
    )


def _whole(store: Store, kind: str, name: str) -> dict[str, Any]:
    """Return a dataset or tool as `caniload show` does; raises `UnknownNameError`."""
    found = _entry(store, kind, name)
    return shown.whole(found, shown.stated(store, found))


def _entry(store: Store, kind: str, name: str) -> EntryAnswer:
    """Return a dataset or tool by id, name or alias; raises `UnknownNameError`."""
    from difflib import get_close_matches

    known: dict[str, EntryAnswer] = {}
    for found in questions.entries(store, kind):
        aliases = found.entry.get("aliases") or ()
        for text in (found.id, found.name, *(aliases if isinstance(aliases, list) else ())):
            known.setdefault(str(text).casefold(), found)
    wanted = name.casefold()
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, 3)
    ids = tuple(dict.fromkeys(known[text].id for text in near))
    raise UnknownNameError(kind.removesuffix("s"), name, ids, f"/v1/{kind} names them all")
