"""Options that several commands share, each spelled once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

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
    datetime | None,
    typer.Option("--today", formats=["%Y-%m-%d"], help="Count ages from this day."),
]
