"""Errors as RFC 9457 has them: `application/problem+json`, one type for each kind of error."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from caniload.errors import (
    BadInputError,
    BusyError,
    CaniloadError,
    MalformedHandleError,
    StoreError,
    UnknownNameError,
)
from caniload.publish.service.snapshots import BusyServiceError

MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:caniload:problem:"
_LONGEST = 500


class Problem(BaseModel):
    """Say what went wrong: `type` for programs, `title` and `detail` for people."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "type": "urn:caniload:problem:unknown-name",
                "title": "Nothing has that name",
                "status": 404,
                "detail": "no model named 'brt'. did you mean bert? `caniload list` names them all",
                "kind": "model",
                "near": ["bert"],
            }
        },
    )

    type: str = Field(description="A URN that names the kind of problem; it never changes.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The status code, as in the response itself.")
    detail: str = Field(description="What was wrong with this request, and what to do.")
    kind: str | None = Field(None, description="unknown-name: what kind of thing was asked for.")
    near: list[str] | None = Field(None, description="unknown-name: what is called almost so.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="bad-parameter: each parameter that is wrong (`where`), and why."
    )

    def body(self) -> bytes:
        """Return it as the body of a response."""
        return json.dumps(self.model_dump(exclude_none=True), ensure_ascii=False).encode()


TITLES = {
    "unknown-name": "Nothing has that name",
    "no-such-page": "No page begins there",
    "no-such-path": "Nothing is at this path",
    "bad-parameter": "A parameter is wrong",
    "method-not-allowed": "This service only reads",
    "busy": "Too much is asked at once",
    "store": "The evidence cannot be read now",
    "internal": "caniload made a mistake",
}


def problem(name: str, status: int, detail: str, **more: Any) -> Problem:
    """Return a problem by the last part of its type."""
    return Problem(
        type=_TYPES + name, title=TITLES[name], status=status, detail=detail[:_LONGEST], **more
    )


def of(error: Exception) -> Problem:
    """Return what a client is told of an error: nothing of this machine, its files or its code."""
    if isinstance(error, UnknownNameError):
        return problem(
            "unknown-name", 404, str(error), kind=error.kind, near=list(error.near) or None
        )
    if isinstance(error, MalformedHandleError):
        return problem("unknown-name", 404, str(error), kind="handle")
    if isinstance(error, NoSuchPageError):
        return problem("no-such-page", 404, str(error))
    if isinstance(error, BusyServiceError | BusyError):
        return problem("busy", 503, "too many questions wait; come again in a second")
    if isinstance(error, StoreError):
        return problem("store", 503, "the store cannot be read; whoever runs this is told why")
    if isinstance(error, BadInputError):
        return problem("bad-parameter", 422, str(error))
    if isinstance(error, CaniloadError):
        return problem("store", 503, "the question cannot be answered now")
    return problem("internal", 500, "the mistake is in the log of whoever runs this")


class NoSuchPageError(BadInputError, LookupError):
    """Raised when a cursor is none that this service gave for the list."""
