"""Options that several commands share, each spelled once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import typer

from caniload.errors import BadInputError

Format = Annotated[
    Literal["human", "json", "quiet"],
    typer.Option("--format", help="human text, one JSON document, or the bare answer."),
]
From = Annotated[
    Literal["me", "ci", "all"],
    typer.Option("--from", help="Whose evidence counts: me, ci or all."),
]
Framework = Annotated[
    str | None,
    typer.Option("--framework", "-f", help="pytorch, tensorflow, jax or onnxruntime."),
]
Device = Annotated[str | None, typer.Option("--device", "-d", help="cpu, cuda, cuda:1 or mps.")]
Loader = Annotated[
    str | None, typer.Option("--loader", "-l", help="One loading API, as transformers.")
]
Env = Annotated[
    str | None, typer.Option("--env", "-e", help="Answer for this environment of caniload's.")
]
Python = Annotated[
    str | None,
    typer.Option("--python", "-p", help="Answer for this interpreter instead of the one here."),
]
Today = Annotated[
    str | None,
    typer.Option("--today", metavar="YYYY-MM-DD", help="Count ages from this day."),
]


def day(text: str | None) -> date:
    """Read the day that --today names, or take the one it is; raises `BadInputError`."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{text!r} is no day", "write --today 2026-12-31") from error
