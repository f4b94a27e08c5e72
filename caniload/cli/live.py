"""What a person sees while a run goes on: a live table on a terminal, lines anywhere else.

Both are watchers of `runs.workflow`: they are told what happens and never decide anything. All
of it goes to stderr; the answer of the run is the command's to print.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caniload.cli.dates import seconds, size
from caniload.cli.out import Out
from caniload.words import Outcome, Stage

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from caniload.handles import Handle
    from caniload.loaders.hub import Progress
    from caniload.records import Cell, FetchedArtefact, Observation
    from caniload.runs.interpreters import Interpreter

STAGES = (Stage.IMPORT, Stage.LOAD, Stage.RUN, Stage.CHECK)
COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.CRASHED: "red"}
SHOWN_VERSIONS = ("torch", "tensorflow", "jax", "onnxruntime", "keras", "transformers")


@dataclass
class Line:
    """Hold what is known of one cell while it is attempted."""

    cell: Cell
    number: int
    stage: Stage | None = None
    begun: float = 0.0
    seconds: dict[Stage, float] = field(default_factory=dict)
    outcome: Outcome | None = None
    wall_seconds: float | None = None
    message: str = ""

    def event(self, event: Mapping[str, Any]) -> None:
        """Take one event of the worker."""
        if event.get("event") == "stage":
            self.stage, self.begun = Stage(event["stage"]), time.monotonic()
        elif event.get("event") == "stage_done":
            self.seconds[Stage(event["stage"])] = float(event["seconds"])
            self.stage = None

    def settle(self, observation: Observation) -> None:
        """Take the attempt's end."""
        self.outcome = observation.outcome
        self.stage = None if observation.outcome is Outcome.PASSED else observation.stage
        self.wall_seconds = observation.wall_seconds
        self.message = observation.message

    @property
    def name(self) -> str:
        """Who loads what in which framework."""
        what = f" export to {self.cell.export_format}" if self.cell.kind == "export" else ""
        return f"{self.cell.loader}{what}, {self.cell.framework}"


class Plain:
    """Say what happens in lines, for logs, pipes and CI."""

    def __init__(self, out: Out) -> None:
        """Talk through the printer."""
        self._out = out
        self._lines: dict[str, Line] = {}
        self._building: set[str] = set()

    def fetching(self, progress: Progress) -> None:
        """Bytes arrived; lines show only the end."""

    def fetched(self, handle: Handle, artefact: FetchedArtefact) -> None:
        """Say what was fetched and where it came from."""
        self._out.talk(_fetched(handle, artefact))

    def building(self, name: str, line: str) -> None:
        """Say once that an environment is being built; pip's lines are in its log."""
        if name not in self._building:
            self._building.add(name)
            self._out.talk(f"building environment {name}; this takes minutes the first time")

    def ready(self, name: str, interpreter: Interpreter) -> None:
        """Say which interpreter will be used."""
        self._out.talk(_ready(name, interpreter))

    def planned(self, cells: Sequence[Cell]) -> None:
        """Say how many cells there are."""
        self._lines = {cell.id: Line(cell, at) for at, cell in enumerate(cells, 1)}
        self._out.talk(f"{len(cells)} cells to attempt")

    def on_event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        """Say that a cell's worker began."""
        line = self._lines.setdefault(cell.id, Line(cell, len(self._lines) + 1))
        line.event(event)
        if event.get("event") == "hello":
            self._out.talk(f"[{line.number}/{len(self._lines)}] {line.name}: attempting")

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """Say how a cell ended."""
        line = self._lines.setdefault(cell.id, Line(cell, len(self._lines) + 1))
        line.settle(observation)
        stages = ", ".join(f"{stage} {seconds(took)}" for stage, took in line.seconds.items())
        detail = f" at {line.stage}: {_short(line.message)}" if line.stage else ""
        timing = f" ({stages})" if stages else ""
        number = f"[{line.number}/{len(self._lines)}]"
        self._out.talk(f"{number} {line.name}: {line.outcome}{detail}{timing}")


class Board(Plain):
    """Show one row a cell and the stage it is in, refreshed in place by rich."""

    def __init__(self, out: Out, console: Console) -> None:
        """Draw on a console of stderr."""
        super().__init__(out)
        self.console = console
        self._above = ""

    def fetching(self, progress: Progress) -> None:
        """Show how far a fetch is."""
        total = f" of {size(progress.total_bytes)}" if progress.total_bytes else ""
        self._above = f"fetching {progress.handle}: {size(progress.done_bytes)}{total}"

    def fetched(self, handle: Handle, artefact: FetchedArtefact) -> None:
        """Leave a line of what was fetched."""
        self._above = ""
        self.console.print(_fetched(handle, artefact), highlight=False, markup=False)

    def building(self, name: str, line: str) -> None:
        """Show pip's latest line."""
        self._above = f"building environment {name}: {_short(line, 90)}"

    def ready(self, name: str, interpreter: Interpreter) -> None:
        """Leave a line of which interpreter will be used."""
        self._above = ""
        self.console.print(_ready(name, interpreter), highlight=False, markup=False)

    def planned(self, cells: Sequence[Cell]) -> None:
        """Make the rows."""
        self._lines = {cell.id: Line(cell, at) for at, cell in enumerate(cells, 1)}

    def on_event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        """Move a cell's row on."""
        self._lines.setdefault(cell.id, Line(cell, len(self._lines) + 1)).event(event)

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """End a cell's row."""
        self._lines.setdefault(cell.id, Line(cell, len(self._lines) + 1)).settle(observation)

    def __rich__(self) -> RenderableType:
        """Draw the board as it is now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[RenderableType] = []
        if self._above:
            parts.append(Text(self._above, style="dim", no_wrap=True, overflow="ellipsis"))
        if self._lines:
            grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
            for head in ("loader", "framework", "environment", *STAGES, "outcome"):
                grid.add_column(head, no_wrap=True)
            for line in self._lines.values():
                cell = line.cell
                loader = cell.loader + (" export" if cell.kind == "export" else "")
                stages = [_stage(line, stage) for stage in STAGES]
                grid.add_row(loader, cell.framework, cell.environment, *stages, _outcome(line))
            parts.append(grid)
        return Group(*parts)


@contextmanager
def watching(out: Out, console: Console | None = None) -> Iterator[Plain]:
    """Yield the watcher that fits: a live board on a terminal, lines elsewhere, none if quiet.

    A console may be given to record what is drawn.
    """
    if console is None and (out.format == "quiet" or not sys.stderr.isatty()):
        yield Plain(out)
        return
    from rich.console import Console
    from rich.live import Live

    shown = console or Console(stderr=True)
    board = Board(out, shown)
    with Live(board, console=shown, refresh_per_second=8):
        yield board


def _stage(line: Line, stage: Stage) -> str:
    """One stage of a row: its seconds when done, those so far while it goes on."""
    shown = Stage.EXPORT if stage is Stage.RUN and line.cell.kind == "export" else stage
    if shown in line.seconds:
        return seconds(line.seconds[shown])
    if line.outcome is not None and line.stage is shown:
        return "[red]✗[/red]"
    if line.outcome is None and line.stage is shown:
        return f"[yellow]{time.monotonic() - line.begun:.0f} s …[/yellow]"
    return "[dim]·[/dim]"


def _outcome(line: Line) -> str:
    """How a row ended, or that it waits."""
    if line.outcome is None:
        return "" if line.stage or line.seconds else "[dim]waiting[/dim]"
    colour = COLOURS.get(line.outcome, "yellow")
    return f"[{colour}]{line.outcome}[/{colour}]"


def _fetched(handle: Handle, artefact: FetchedArtefact) -> str:
    """One line about an artefact that is there."""
    total = sum(file.size_bytes for file in artefact.files)
    where = "cache" if artefact.from_cache else artefact.resolved_by
    return f"fetched {handle}: {len(artefact.files)} files, {size(total)}, from {where}"


def _ready(name: str, interpreter: Interpreter) -> str:
    """One line about an interpreter that will be used."""
    have = interpreter.distributions
    versions = [f"{each} {have[each]}" for each in SHOWN_VERSIONS if each in have]
    return f"environment {name}: Python {interpreter.version}, {', '.join(versions) or 'bare'}"


def _short(text: str, limit: int = 160) -> str:
    """The first line of a text, cut."""
    first = (text.strip().splitlines() or [""])[0]
    return first if len(first) <= limit else first[: limit - 1] + "…"
