"""From a request to a question and back: the parameters, the thread, the document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_origin

from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from caniload.catalog.answers import CellAnswer
from caniload.catalog.store import Store
from caniload.publish.checked import Way
from caniload.publish.json_form import headed, plain
from caniload.publish.service import problems
from caniload.publish.service.cursors import Part
from caniload.publish.service.front import SNAPSHOT
from caniload.publish.service.snapshots import Keeper, Snapshot

Ways = Callable[[Store, CellAnswer], Way]
"""Who says how to install and load a cell: it knows the loaders, the service does not."""

_SHORT = 100
Whose = Annotated[
    Literal["me", "ci", "all"],
    Query(alias="from", description="Whose evidence counts: me, ci or all."),
]
Framework = Annotated[
    str | None,
    Query(max_length=_SHORT, description="pytorch, tensorflow, jax, onnxruntime, …",
          examples=["pytorch"]),
]  # fmt: skip
Loader = Annotated[
    str | None,
    Query(max_length=_SHORT, description="One loading API.", examples=["transformers"]),
]
Device = Annotated[
    str | None, Query(max_length=_SHORT, description="cpu, cuda, mps, …", examples=["cpu"])
]
Env = Annotated[
    str | None,
    Query(max_length=_SHORT, description="An environment of caniload's.", examples=["pytorch"]),
]
Verdict = Annotated[
    str | None,
    Query(max_length=_SHORT, description="works, differs, flaky, fails, …", examples=["works"]),
]
ModelName = Annotated[
    str | None,
    Query(max_length=300, description="A model by name or alias, or a handle.", examples=["bert"]),
]
Subject = Annotated[
    str,
    Path(min_length=1, max_length=300, examples=["bert"],
         description="A model by id, name or alias, or a source by its handle, percent-encoded."),
]  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=500, description="How many rows a page has at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=2000, pattern="^[A-Za-z0-9_-]+$", description="`next` of the page before."),
]


@dataclass(frozen=True, slots=True)
class Asker:
    """Put one request's question to the snapshot that answers it."""

    keeper: Keeper
    snapshot: Snapshot

    async def document(self, kind: str, question: Callable[[Store], Any]) -> Response:
        """Answer with one document."""
        return await self.document_with(kind, lambda store: (question(store), {}))

    async def document_with(
        self, kind: str, question: Callable[[Store], tuple[Any, dict[str, Any]]]
    ) -> Response:
        """Answer with one document that has more at its top than the data."""

        def answer(store: Store) -> bytes:
            data, more = question(store)
            return encoded(headed(kind, plain(data)) | plain(more))

        return await self._response(answer)

    async def bare(self, question: Callable[[Store], Any]) -> Response:
        """Answer with a document of another kind, which has its own head."""
        return await self._response(lambda store: encoded(question(store)))

    async def page(self, kind: str, question: Callable[[Store], Part[Any]]) -> Response:
        """Answer with one page of a list."""

        def answer(store: Store) -> bytes:
            part = question(store)
            more = {"next": part.next, "total": part.total}
            return encoded(headed(kind, plain(part.rows)) | more)

        return await self._response(answer)

    async def _response(self, answer: Callable[[Store], bytes]) -> Response:
        return Response(await self.keeper.ask(self.snapshot, answer), media_type="application/json")


def asker(request: Request) -> Asker:
    """Return who puts this request's question; refuses parameters that nobody reads.

    A misspelt one, ignored, would give an answer to another question.
    """
    _check(request)
    return Asker(request.app.state.keeper, request.scope[SNAPSHOT])


Ask = Annotated[Asker, Depends(asker)]


def ways(request: Request) -> Ways:
    """Return who says how to load."""
    return cast("Ways", request.app.state.ways)


WaysOf = Annotated[Ways, Depends(ways)]


def _check(request: Request) -> None:
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {each.alias for each in route.dependant.query_params}
    lists = {
        each.alias
        for each in route.dependant.query_params
        if get_origin(each.field_info.annotation) is list
    }
    given = [name for name, _ in request.query_params.multi_items()]
    wrong = []
    for name in dict.fromkeys(given):
        if name not in known:
            why = f"no such parameter; known: {', '.join(sorted(known)) or 'none'}"
            wrong.append({"loc": ("query", name), "msg": why})
        elif given.count(name) > 1 and name not in lists:
            wrong.append({"loc": ("query", name), "msg": "given more than once"})
    if wrong:
        raise RequestValidationError(wrong)


def encoded(made: dict[str, Any]) -> bytes:
    """Return a document as bytes: compact, in UTF-8."""
    return json.dumps(made, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def wrong_parameters(error: RequestValidationError) -> problems.Problem:
    """Return the problem that names each wrong parameter, and nothing that was sent in it."""
    found = []
    for each in error.errors()[:20]:
        where = ".".join(str(part)[:60] for part in each["loc"])
        found.append({"where": where, "why": str(each["msg"])[:300]})
    detail = "; ".join(f"{each['where']}: {each['why']}" for each in found)
    return problems.problem("bad-parameter", 422, detail, errors=found)
