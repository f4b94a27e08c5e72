"""The application: routes, errors, the specification, what stands before them, and its life."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from caniload import __version__
from caniload.catalog.store import Store
from caniload.errors import CaniloadError
from caniload.publish.json_form import headed
from caniload.publish.service import answering, deciding, lists, problems, recorded
from caniload.publish.service.asking import Ask, Ways, encoded, wrong_parameters
from caniload.publish.service.examples import EXAMPLES
from caniload.publish.service.front import App, Front
from caniload.publish.service.shapes import Document, Health, Service
from caniload.publish.service.snapshots import Keeper
from caniload.settings import Settings

ABOUT = """Can I load this pretrained model? The evidence of real attempts, read-only.

Each answer is the document that the command line prints with `--format json`. An answer belongs
to a state of the evidence: `ETag` names it, and `If-None-Match` asks whether it still stands.
Errors are `application/problem+json` (RFC 9457)."""

_PROBLEMS = {
    404: "Nothing has that name, or no page begins at that cursor.",
    422: "A parameter is wrong, unknown, or given twice.",
    503: "The store cannot be read now, or too much is asked at once.",
}


def build(
    settings: Settings, ways: Ways, *, site: Path | None = None, look_seconds: float = 1.0
) -> Front:
    """Return the ASGI application over the store that settings name.

    `ways` says how to install and load a cell; `site` is a folder of static files that is served
    beside the API; `look_seconds` is how often a newer state of the store is looked for.
    """
    keeper = Keeper(settings, look_seconds)
    routes = FastAPI(
        title="caniload",
        version=__version__,
        summary="Can I load this pretrained model?",
        description=ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=_life,
        redirect_slashes=False,
        responses={
            status: {"model": problems.Problem, "description": text}
            for status, text in _PROBLEMS.items()
        },
    )
    routes.state.keeper = keeper
    routes.state.ways = ways
    _add_own(routes)
    for router in (answering.router, deciding.router, lists.router, recorded.router):
        routes.include_router(router)
    _add_errors(routes)
    _mend_specification(routes)
    front = Front(routes, keeper, _site(site) if site is not None else None)
    routes.state.front = front
    return front


@contextlib.asynccontextmanager
async def _life(routes: FastAPI) -> AsyncIterator[None]:
    """Open the store, watch it while requests come, and let go of it."""
    keeper: Keeper = routes.state.keeper
    front: Front = routes.state.front
    await keeper.start()
    watching = asyncio.create_task(keeper.watch(front.warm))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        keeper.stop()


def _add_own(routes: FastAPI) -> None:
    """Add what says of the service itself."""

    @routes.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/v1", status_code=307)

    @routes.get(
        "/v1",
        response_model=None,
        responses={200: {"model": Document[Service]}},
        summary="This service",
    )
    async def service(ask: Ask) -> Response:
        """Say which version answers, from which state of the evidence, and at which paths."""
        snapshot = ask.snapshot

        def question(store: Store) -> dict[str, Any]:
            return {
                "version": __version__,
                "generation": snapshot.number,
                "published_at": snapshot.published_at,
                "newer_runs": snapshot.newer,
                "observations": store.sql("SELECT count(*) FROM observations")[0][0],
                "paths": list(routes.openapi()["paths"]),
            }

        return await ask.document("service", question)

    @routes.get(
        "/healthz",
        response_model=None,
        responses={200: {"model": Document[Health]}},
        summary="Whether it is well",
    )
    async def health(ask: Ask) -> Response:
        """Say whether answers come from the newest evidence; asks the store nothing."""
        found = {
            "status": "stale" if ask.keeper.problem else "ok",
            "generation": ask.snapshot.number,
            "newer_runs": ask.snapshot.newer,
            "problem": ask.keeper.problem,
        }
        return _json(headed("health", found), {"cache-control": "no-store"})


def _add_errors(routes: FastAPI) -> None:
    """Turn every error that routes raise into a problem."""

    @routes.exception_handler(CaniloadError)
    async def own(request: Request, error: Exception) -> Response:
        return _told(problems.of(error))

    @routes.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _told(wrong_parameters(error))

    @routes.exception_handler(HTTPException)
    async def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return _told(problems.problem("no-such-path", 404, "/v1 names the paths there are"))
        return _told(problems.problem("internal", error.status_code, str(error.detail)))


def _told(problem: problems.Problem) -> Response:
    headers = {"retry-after": "1"} if problem.status == 503 else None
    return Response(problem.body(), problem.status, headers, problems.MEDIA_TYPE)


def _json(made: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(encoded(made), 200, headers, "application/json")


def _mend_specification(routes: FastAPI) -> None:
    """Let the specification say that errors are problems, and show real answers."""
    plain = routes.openapi

    def openapi() -> dict[str, Any]:
        if routes.openapi_schema is None:
            made = plain()
            for path, methods in made["paths"].items():
                for operation in methods.values():
                    if path in EXAMPLES:
                        good = operation["responses"]["200"]["content"]["application/json"]
                        good["example"] = EXAMPLES[path]
                    for status, response in operation["responses"].items():
                        if status >= "400" and "application/json" in response.get("content", {}):
                            response["content"][problems.MEDIA_TYPE] = response["content"].pop(
                                "application/json"
                            )
        assert routes.openapi_schema is not None
        return routes.openapi_schema

    routes.openapi = openapi  # type: ignore[method-assign]


def _site(folder: Path) -> App:
    """Return who serves the files of a folder, and nothing outside it."""
    files: Any = GZipMiddleware(StaticFiles(directory=folder, html=True), minimum_size=1024)

    async def site(scope: Any, receive: Any, send: Any) -> None:
        async def safe(message: Any) -> None:
            if message["type"] == "http.response.start":
                more = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-cache")]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await files(scope, receive, safe)
        except HTTPException as error:
            names = {404: "no-such-path", 405: "method-not-allowed"}
            name = names.get(error.status_code, "internal")
            detail = "no such page" if error.status_code == 404 else "GET and HEAD are answered"
            told = _told(problems.problem(name, error.status_code, detail))
            await told(scope, receive, safe)

    return site
