"""What a person sees while a night goes on: one bar on a terminal, a line a cell anywhere else."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caniload.cli.dates import seconds
from caniload.cli.live import Plain
from caniload.cli.out import Out
from caniload.words import CONTROL

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from caniload.loaders.hub import Progress as Fetched
    from caniload.records import Cell, Observation


def name(cell: Cell) -> str:
    """Name a cell: what is loaded, by what, in what and where; a control says that it is one."""
    what, _, _ = cell.handle.partition("@")
    if cell.model == CONTROL:
        what = f"control {what.partition(':')[2]}"
    elif cell.model:
        what = cell.model
    tail = f" ({cell.handle.partition('#')[2]})" if "#" in cell.handle else ""
    export = f" export to {cell.export_format}" if cell.kind == "export" else ""
    return f"{what}{tail}, {cell.loader}{export}, {cell.framework}, {cell.environment}"


class Lines(Plain):
    """Say how each attempt ended, in one line; nights are judged late, so not only then."""

    def __init__(self, out: Out) -> None:
        """Count what has ended."""
        super().__init__(out)
        self._total = 0
        self._over: set[str] = set()
        self._said: dict[str, str] = {}
        self._took: dict[str, dict[str, float]] = {}

    def planned(self, cells: Sequence[Cell]) -> None:
        """Say how many cells there are."""
        watched = sum(cell.model == CONTROL for cell in cells)
        self._total = len(cells)
        self._out.talk(f"{len(cells) - watched} cells to attempt, and {watched} controls")

    def on_event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        """Say how an attempt ended, by its own last word."""
        kind = event.get("event")
        if kind == "hello":
            self._took[cell.id] = {}
        elif kind == "stage_done":
            took = self._took.setdefault(cell.id, {})
            took[str(event["stage"])] = float(event["seconds"])
        elif kind == "final":
            self._say(cell, str(event["outcome"]), str(event["stage"]), str(event["message"]))

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """Say how an attempt ended that had no last word, or whose word did not count."""
        outcome = str(observation.outcome)
        if self._said.get(cell.id) != outcome:
            self._say(cell, outcome, str(observation.stage), observation.message)

    def _say(self, cell: Cell, outcome: str, stage: str, message: str) -> None:
        self._over.add(cell.id)
        self._said[cell.id] = outcome
        first = (message.strip().splitlines() or [""])[0][:160]
        first = "".join(mark for mark in first if mark.isprintable())
        detail = "" if outcome == "passed" else f" at {stage}: {first}"
        took = ", ".join(f"{each} {seconds(s)}" for each, s in self._took.pop(cell.id, {}).items())
        timing = f" ({took})" if took else ""
        self._out.talk(f"[{len(self._over)}/{self._total}] {name(cell)}: {outcome}{detail}{timing}")


class Night(Plain):
    """Show how far the night is, and what is being attempted."""

    def __init__(self, out: Out, progress: Progress) -> None:
        """Draw on a bar."""
        super().__init__(out)
        self._progress = progress
        self._task: TaskID | None = None
        self._running: dict[str, str] = {}
        self._ended: dict[str, str] = {}

    def fetching(self, progress: Fetched) -> None:
        """Show what is fetched, while nothing else is shown."""
        if self._task is None:
            self._progress.console.print(f"fetching {progress.handle}", highlight=False)

    def planned(self, cells: Sequence[Cell]) -> None:
        """Know how many there are."""
        self._task = self._progress.add_task("attempting", total=len(cells), now="")

    def on_event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        """Name what runs now."""
        if self._task is None:
            return
        if event.get("event") == "hello":
            self._running[cell.id] = name(cell)
        elif event.get("event") == "final":
            self._running.pop(cell.id, None)
            self._ended[cell.id] = str(event.get("outcome"))
        self._draw()

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """Count also what ended without a last word."""
        self._running.pop(cell.id, None)
        self._ended[cell.id] = str(observation.outcome)
        self._draw()

    def _draw(self) -> None:
        """Move the bar to how many cells have ended, a repeated one once, and say how."""
        if self._task is None:
            return
        ended = Counter(self._ended.values())
        counts = ", ".join(f"{n} {what}" for what, n in sorted(ended.items()))
        now = next(reversed(self._running.values()), "") if self._running else ""
        self._progress.update(self._task, completed=len(self._ended), now=f"{counts}  {now}"[:100])


@contextmanager
def watching(out: Out) -> Iterator[Plain]:
    """Yield the watcher that fits: a bar on a terminal, lines elsewhere."""
    if out.format == "quiet" or not sys.stderr.isatty():
        yield Lines(out)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Night(out, progress)
