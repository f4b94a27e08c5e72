"""`caniload sweep`: attempt every architecture of a library with random weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caniload import units
from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings
from caniload.units import count, duration, size_bytes
from caniload.words import Outcome

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.runs.sweep import Swept

EXAMPLES = (
    "caniload sweep timm --max-params 100M",
    "caniload sweep keras-applications --framework jax",
    "caniload sweep torchvision --only resnet --limit 10",
    "caniload sweep timm --shard 1/4",
)


def command(
    loader: Annotated[str, typer.Argument(help="timm, torchvision or keras-applications.")],
    framework: Annotated[
        str | None, typer.Option("--framework", "-f", help="Its framework, if it has several.")
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", "-e", help="Run in this environment of caniload's.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option("--python", "-p", help="Run in your own interpreter.")
    ] = None,
    max_params: Annotated[
        str, typer.Option("--max-params", help="Leave out what has more: 100M, 1.5G.")
    ] = "100M",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="WORD", help="Names that hold this word.")
    ] = None,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Every N-th name, from the I-th.")
    ] = "1/1",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="End after so many; go on with the next.")
    ] = None,
    timeout: Annotated[
        str, typer.Option("--timeout", help="Deadline of each attempt: 300, 90s, 10m.")
    ] = "300",
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory budget of each attempt: 4GB, 512MiB.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Attempt also what has been attempted before.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="RUN", help="Go on with a run that was cut off."),
    ] = None,
    form: Format = "human",
) -> int:
    """Attempt every architecture of a library, with random weights: evidence for it alone.

    The list is the library's own. A second call goes on with what was not attempted before.
    """
    from caniload.cli.live import watching
    from caniload.runs.sweep import Request, sweep

    if env is not None and python is not None:
        raise BadInputError("--env and --python exclude each other", "give one of them")
    settings, out = Settings.read(), Out(form)
    request = Request(
        loader=loader,
        framework=framework or _framework(loader),
        environment=env,
        python=python,
        max_parameters=count(max_params),
        only=tuple(only or ()),
        shard=units.shard(shard),
        limit=limit,
        timeout_seconds=duration(timeout),
        memory_bytes=None if memory is None else size_bytes(memory),
        again=again,
        resume=resume,
    )
    with watching(out) as watcher:
        swept = sweep(request, settings, watcher, lambda ids: _attempted(settings, ids))
    _show(out, settings, request.loader, request.framework, swept)
    return 0


def _framework(loader: str) -> str:
    """Return the one framework that a loader serves, or its first."""
    from caniload.loaders.specs import load_specs

    specs = load_specs()
    if loader not in specs:
        able = ", ".join(sorted(n for n, s in specs.items() if s.architectures is not None))
        raise BadInputError(f"{loader} builds no architectures by name", f"those that do: {able}")
    return specs[loader].frameworks[0]


def _attempted(settings: Settings, cell_ids: Collection[str]) -> set[str]:
    """Return the cells that have evidence already."""
    from caniload.catalog.attempted import attempted
    from caniload.catalog.store import open_store

    with open_store(settings) as store:
        return attempted(store, cell_ids)


def _show(out: Out, settings: Settings, loader: str, framework: str, swept: Swept) -> None:
    """Print the counts, and what did not run with its reason."""
    from caniload.catalog import questions
    from caniload.catalog.publishing import maybe_publish
    from caniload.catalog.store import open_store

    cells: tuple[CellAnswer, ...] = ()
    if swept.result is not None:
        with open_store(settings) as store:
            cells = questions.matrix(store, run=swept.result.run_id)
        maybe_publish(settings)
    settled = () if swept.result is None else swept.result.settlements
    outcomes = Counter(str(each.outcome) for each in settled)
    omitted = Counter(swept.plan.omitted.values())
    bad = [cell for cell in cells if cell.outcome != Outcome.PASSED]

    def human() -> str:
        lines = [
            f"{outcomes['passed']} of {len(settled)} attempted architectures of {loader} run on "
            f"{framework} with random weights; the library lists {swept.plan.listed}"
        ]
        lines += [f"  {number} {word}" for word, number in sorted(outcomes.items())]
        lines += [f"  {number} left out: {why}" for why, number in sorted(omitted.items())]
        lines += [f"{_name(cell)}: {cell.outcome} at {cell.stage}: {_why(cell)}" for cell in bad]
        if swept.result is not None:
            lines.append(f"run {swept.result.run_id}")
        return "\n".join(lines)

    data = {
        "run_id": None if swept.result is None else swept.result.run_id,
        "loader": loader,
        "framework": framework,
        "listed": swept.plan.listed,
        "outcomes": dict(sorted(outcomes.items())),
        "omitted": swept.plan.omitted,
        "cells": list(cells),
    }
    out.show("sweep", data, human, lambda: [f"{_name(c)} {c.outcome}" for c in cells])


def _name(cell: CellAnswer) -> str:
    return cell.handle.partition(":")[2]


def _why(cell: CellAnswer) -> str:
    """Say why a cell failed: its diagnosis, else the first line of its message."""
    if cell.diagnosis is not None:
        return f"{cell.diagnosis.title} ({cell.diagnosis.code})"
    return (cell.message.splitlines() or ["no message"])[0][:160]
