"""The routes that answer a question: check, matrix, history, search."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from caniload.catalog import questions, search
from caniload.catalog.answers import CellAnswer
from caniload.catalog.facets import Facets
from caniload.catalog.history import History, history
from caniload.catalog.store import Store
from caniload.publish.checked import plain as checked_plain
from caniload.publish.checked import shown_with
from caniload.publish.searched import beside
from caniload.publish.service.asking import (
    Ask,
    Device,
    Env,
    Framework,
    Loader,
    Subject,
    Verdict,
    WaysOf,
    Whose,
)
from caniload.publish.service.shapes import Checked, Document, Searched

router = APIRouter()


@router.get(
    "/v1/check/{model:path}",
    response_model=None,
    responses={200: {"model": Document[Checked]}},
    summary="Can it be loaded?",
)
async def check(
    ask: Ask,
    ways: WaysOf,
    model: Subject,
    framework: Framework = None,
    device: Device = None,
    loader: Loader = None,
    env: Env = None,
    whose: Whose = "all",
) -> Response:
    """Answer whether a model loads, with the evidence, as `caniload check --format json` does.

    "Here" is nowhere for a service: without `env` the answer is about every environment.
    """

    def question(store: Store) -> Any:
        answer = questions.check(
            store,
            model,
            framework=framework,
            loader=loader,
            device=device,
            environment=env,
            whom=whose,
        )
        return checked_plain(shown_with(store, answer, ways))

    return await ask.document("check", question)


@router.get(
    "/v1/matrix/{model:path}",
    response_model=None,
    responses={200: {"model": Document[list[CellAnswer]]}},
    summary="Every cell of a model",
)
async def matrix(
    ask: Ask,
    model: Subject,
    framework: Framework = None,
    device: Device = None,
    loader: Loader = None,
    env: Env = None,
    verdict: Verdict = None,
    whose: Whose = "all",
) -> Response:
    """Return the verdict of every cell of a model, exports too, best first."""

    def question(store: Store) -> Any:
        return questions.matrix(
            store,
            model,
            framework=framework,
            loader=loader,
            device=device,
            environment=env,
            verdict=verdict,
            whom=whose,
            exports=True,
        )

    return await ask.document("matrix", question)


@router.get(
    "/v1/history/{model:path}",
    response_model=None,
    responses={200: {"model": Document[History]}},
    summary="Since when, until when",
)
async def past(
    ask: Ask,
    model: Subject,
    framework: Framework = None,
    loader: Loader = None,
    package: Annotated[
        str | None,
        Query(max_length=100, description="Along its versions alone.", examples=["transformers"]),
    ] = None,
) -> Response:
    """Say since when and until when a model loads, as `caniload history --format json` does."""

    def question(store: Store) -> Any:
        return history(store, model, loader=loader, framework=framework, package=package)

    return await ask.document("history", question)


Facet = Query(max_length=100)
Size = Query(ge=0, le=10**18)


@router.get(
    "/v1/search",
    response_model=None,
    responses={200: {"model": Searched}},
    summary="Find things by words",
)
async def find(
    ask: Ask,
    q: Annotated[str, Query(max_length=300, description="Words.", examples=["bert"])] = "",
    kind: Annotated[
        Literal["model", "dataset", "tool", "source"] | None, Query(description="One kind alone.")
    ] = None,
    task: Annotated[str | None, Facet] = None,
    framework: Framework = None,
    hub: Annotated[str | None, Facet] = None,
    licence: Annotated[str | None, Facet] = None,
    file_format: Annotated[str | None, Query(max_length=100, alias="file-format")] = None,
    status: Annotated[str | None, Facet] = None,
    language: Annotated[str | None, Facet] = None,
    max_parameters: Annotated[int | None, Size] = None,
    max_bytes: Annotated[int | None, Size] = None,
    measured: Annotated[bool, Query(description="Only what has a result.")] = False,
    claimed: Annotated[bool, Query(description="Only what metadata claims.")] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="How many hits at most.")] = 10,
) -> Response:
    """Find models, datasets, tools and imported sources, as `caniload search` does."""
    facets = Facets(
        kind=kind,
        task=task,
        framework=framework,
        hub=hub,
        licence=licence,
        file_format=file_format,
        status=status,
        language=language,
        max_parameters=max_parameters,
        max_bytes=max_bytes,
        measured=measured,
        claimed=claimed,
    )

    def question(store: Store) -> tuple[Any, dict[str, Any]]:
        found = search.search(store, q, facets, limit=limit)
        return found.hits, beside(found)

    return await ask.document_with("search", question)
