"""`caniload log`: what ran, how each cell ended, and what a worker printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli.dates import seconds
from caniload.cli.options import Format
from caniload.cli.out import Out, moment, width
from caniload.cli.tables import table
from caniload.errors import CaniloadError, UnknownNameError, UnreadableFileError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.records import Observation
    from caniload.runs.journal import Contents

EXAMPLES = (
    "caniload log",
    "caniload log last",
    "caniload log 20261123T200103Z-5d41ab",
    "caniload log 20261123T200103Z-5d41ab-0003",
)
OBSERVATION_DIGITS = 4


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN", help="A run, the start of its id, `last`, or one observation of a run."
        ),
    ] = None,
    form: Format = "human",
) -> int:
    """Show the runs recorded here; one run cell by cell; or the log of one observation."""
    settings = Settings.read()
    out = Out(form)
    if name is None:
        _runs(settings, out)
        return 0
    run_id, _, number = name.rpartition("-")
    if number.isdigit() and len(number) == OBSERVATION_DIGITS and run_id.count("-") == 1:
        _observation(settings, out, run_id, name)
    else:
        _run(settings, out, _find(settings, name))
    return 0


def _ids(settings: Settings) -> list[str]:
    """The ids of the runs recorded here, oldest first."""
    if not settings.segments.exists():
        return []
    return sorted(
        path.name
        for path in settings.segments.iterdir()
        if (path / "run.json").exists() or (path / "journal.jsonl").exists()
    )


def _find(settings: Settings, name: str) -> str:
    """Return the one run that a name means."""
    known = _ids(settings)
    hits = known[-1:] if name == "last" else [run for run in known if run.startswith(name)]
    if name in hits or len(hits) == 1:
        return name if name in hits else hits[0]
    hint = f"{len(hits)} begin so, the last is {hits[-1]}" if hits else "`caniload log` lists them"
    raise UnknownNameError("run", name, (), hint)


def _state(settings: Settings, run_id: str, contents: Contents) -> str:
    """Whether a run is complete, goes on now, or was cut off."""
    from caniload.runs.journal import is_live

    if contents.finished:
        return "finished"
    return "running" if is_live(settings.segments, run_id) else "unfinished"


def _runs(settings: Settings, out: Out) -> None:
    """List the runs; a damaged one is named and passed over."""
    from caniload.runs.journal import read

    facts: list[dict[str, Any]] = []
    for run_id in _ids(settings):
        try:
            contents = read(settings.segments / run_id)
        except CaniloadError as error:
            out.warn(str(error))
            continue
        facts.append(
            {
                "run": run_id,
                "started": contents.header.started_at,
                "command": contents.header.command,
                "cells": len(contents.header.cells),
                "settled": len(contents.settlements),
                "passed": sum(each.outcome == "passed" for each in contents.settlements),
                "state": _state(settings, run_id, contents),
            }
        )

    def human() -> str:
        if not facts:
            return "no run is recorded here"
        head = ("run", "started", "cells", "settled", "passed", "state", "command")
        rows = [[{**f, "started": moment(f["started"])}[key] for key in head] for f in facts]
        return table(head, rows, width())

    out.show("log", facts, human, lambda: [fact["run"] for fact in facts])


def _run(settings: Settings, out: Out, run_id: str) -> None:
    """Show how each planned cell of a run ended."""
    from caniload.runs.journal import read

    contents = read(settings.segments / run_id)
    by_id = {each.id: each for each in contents.observations}
    ended = {each.cell_id: each for each in contents.settlements}
    facts: list[dict[str, Any]] = []
    for cell in contents.header.cells:
        settlement = ended.get(cell.id)
        last = by_id.get(settlement.observations[-1]) if settlement else None
        facts.append(
            {
                "observation": last.id if last else None,
                "loader": cell.loader,
                "framework": cell.framework,
                "environment": cell.environment,
                "device": cell.device,
                "kind": cell.kind,
                "handle": cell.handle,
                "outcome": settlement.outcome if settlement else None,
                "stage": last.stage if last else None,
                "seconds": last.wall_seconds if last else None,
                "message": last.message if last else "",
            }
        )
    state = _state(settings, run_id, contents)

    def human() -> str:
        head = ("observation", "loader", "framework", "device", "outcome", "stage", "time")
        rows = [[{**fact, "time": seconds(fact["seconds"])}[key] for key in head] for fact in facts]
        lines = [f"run {run_id}: {state}, {moment(contents.header.started_at)}", ""]
        lines += [table(head, rows, width()), ""]
        lines += [
            f"{fact['observation']}: {_first(fact['message'])}" for fact in facts if fact["message"]
        ]
        if state == "unfinished":
            lines.append(f"go on with it: caniload run --resume {run_id}")
        return "\n".join(lines).rstrip()

    data = {"run": run_id, "state": state, "started": contents.header.started_at, "cells": facts}
    out.show("log run", data, human, lambda: [f"{f['outcome'] or 'planned'}" for f in facts])


def _observation(settings: Settings, out: Out, run_id: str, name: str) -> None:
    """Show one observation: what is recorded, then what its worker printed."""
    from caniload.runs.journal import read

    contents = read(settings.segments / run_id)
    found = next((each for each in contents.observations if each.id == name), None)
    if found is None:
        count = len(contents.observations)
        raise UnknownNameError("observation", name, (), f"run {run_id} holds {count}")
    text = _log_text(settings, found)

    def human() -> str:
        cell = found.cell
        lines = [
            f"{found.id}: {found.outcome} at {found.stage}",
            f"  cell     {cell.loader}, {cell.framework}, {cell.environment}, {cell.device}",
            f"  handle   {cell.handle}",
            f"  when     {moment(found.started_at)}, {seconds(found.wall_seconds)}",
        ]
        if found.message:
            lines.append(f"  message  {_first(found.message)}")
        for each in found.exceptions:
            lines.append(f"  raised   {each.type}: {_first(each.message)}")
        for check in found.checks:
            lines.append(f"  check    {check.name}: {check.status} {check.detail}".rstrip())
        return "\n".join([*lines, "", text.rstrip() or "the worker printed nothing"])

    data = {"observation": found.model_dump(mode="json"), "log": text}
    out.show("log observation", data, human, lambda: [text.rstrip()])


def _log_text(settings: Settings, observation: Observation) -> str:
    """Read a worker's log; one that is gone is told from one that was empty."""
    if not observation.log:
        return observation.log_excerpt
    path = (settings.logs / observation.log).resolve()
    if not path.is_relative_to(settings.logs.resolve()):
        return observation.log_excerpt  # a segment from elsewhere may name any path
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return observation.log_excerpt
    except OSError as error:
        raise UnreadableFileError(str(path), (error.strerror or "refused").lower()) from error


def _first(text: str) -> str:
    """The first line of a text."""
    return (text.strip().splitlines() or [""])[0]
