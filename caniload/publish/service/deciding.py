"""The routes that help to decide: gaps, memory, frameworks, and what embeds read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import StringConstraints

from caniload.catalog.choose import choose
from caniload.catalog.choose_lines import Choice
from caniload.catalog.fitting import Fit, fit
from caniload.catalog.gaps import Gap, gaps
from caniload.catalog.store import Store
from caniload.publish import wording
from caniload.publish.embed.answers import Answers
from caniload.publish.embed.exporting import export
from caniload.publish.service.asking import (
    Ask,
    Env,
    Framework,
    Loader,
    ModelName,
    Subject,
    WaysOf,
    Whose,
)
from caniload.publish.service.shapes import Document
from caniload.units import size_bytes

router = APIRouter()

SIZE = r"^[1-9][0-9]{0,14}(\.[0-9]{1,3})?([kmgtKMGT]i?)?[bB]?$"
"""How a size is written; a fraction of a unit is written in the next smaller one."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Handle = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _several(description: str, *examples: str) -> Any:
    """Return a parameter that may be given several times.

    All of them, percent-encoded, stay below the 64 kB of a request's head that the server reads.
    """
    return Query(max_length=6, description=description, examples=list(examples) or None)


@router.get(
    "/v1/gaps",
    response_model=None,
    responses={200: {"model": Document[list[Gap]]}},
    summary="Where claims and results disagree",
)
async def disagreeing(
    ask: Ask,
    model: ModelName = None,
    framework: Framework = None,
    loader: Loader = None,
    hub: Annotated[str | None, Query(max_length=100, description="As tfhub.")] = None,
    env: Env = None,
    way: Annotated[
        Literal["claimed", "unclaimed"] | None,
        Query(description="claimed: it fails or differs; unclaimed: it works."),
    ] = None,
    whose: Whose = "all",
) -> Response:
    """Return where claim and result disagree, both ways, as `caniload gaps` does."""

    def question(store: Store) -> Any:
        return gaps(
            store,
            model,
            framework=framework,
            loader=loader,
            hub=hub,
            environment=env,
            way=way,
            whom=whose,
        )

    return await ask.document("gaps", question)


@router.get(
    "/v1/fit/{model:path}",
    response_model=None,
    responses={200: {"model": Document[Fit]}},
    summary="Does it fit into memory?",
)
async def fits(
    ask: Ask,
    model: Subject,
    memory: Annotated[
        str, Query(pattern=SIZE, description="What there is.", examples=["16GB", "512MiB"])
    ],
    dtype: Annotated[
        str | None, Query(max_length=40, description="As float32.", examples=["float32"])
    ] = None,
    device: Annotated[str, Query(max_length=40, description="cpu, cuda or mps.")] = "cpu",
) -> Response:
    """Say whether a model fits into memory, as `caniload fit --format json` does."""
    size = size_bytes(memory)

    def question(store: Store) -> Any:
        return fit(store, model, size, dtype=dtype, device=device)

    return await ask.document("fit", question)


@router.get(
    "/v1/choose",
    response_model=None,
    responses={200: {"model": Document[Choice]}},
    summary="Which framework for a project?",
)
async def choosing(
    ask: Ask,
    model: Annotated[list[Handle], _several("Models it needs.", "bert")] = [],  # noqa: B006
    dataset: Annotated[list[Name], _several("Datasets it needs.")] = [],  # noqa: B006
    deploy: Annotated[list[Name], _several("Where it goes, as mobile.")] = [],  # noqa: B006
    language: Annotated[list[Name], _several("What it is written in.")] = [],  # noqa: B006
    need: Annotated[list[Name], _several("What it needs besides.")] = [],  # noqa: B006
    framework: Annotated[list[Name], _several("Compare these alone.")] = [],  # noqa: B006
    whose: Whose = "all",
) -> Response:
    """Say for each framework what is there, missing, archived and unknown; nothing is scored.

    Parameters may be given several times. Where nothing is asked nothing is answered.
    """

    def question(store: Store) -> Any:
        if not (model or dataset or deploy or language or need):
            return Choice((), (), (), (), (), tuple(framework), (), ())
        return choose(
            store,
            wording.told,
            models=model,
            datasets=dataset,
            deploy=deploy,
            languages=language,
            needs=need,
            frameworks=framework,
            whom=whose,
        )

    return await ask.document("choose", question)


@router.get(
    "/v1/answers/{model:path}",
    response_model=None,
    responses={200: {"model": Answers}},
    summary="What embeds read",
)
async def answers(ask: Ask, ways: WaysOf, model: Subject, whose: Whose = "all") -> Response:
    """Return the file that the web component reads, as `caniload docs export -m MODEL` writes it.

    `<can-i-load model="bert" src="…/v1/answers/{model}">` reads it from here.
    """

    def question(store: Store) -> Any:
        return export(store, ways, (model,), whose).model_dump(mode="json", exclude_none=True)

    return await ask.bare(question)
