"""What a person sees while a night goes on: one bar on a terminal, a line a cell anywhere else."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caniload.cli.live import Plain
from caniload.cli.out import Out

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from caniload.loaders.hub import Progress as Fetched
    from caniload.records import Cell


class Night(Plain):
    """Show how far the night is, and what is being attempted."""

    def __init__(self, out: Out, progress: Progress) -> None:
        """Draw on a bar."""
        super().__init__(out)
        self._progress = progress
        self._task: TaskID | None = None
        self._running: dict[str, str] = {}
        self._ended: Counter[str] = Counter()

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
            self._running[cell.id] = f"{cell.handle.partition('@')[0]} {cell.loader}"
        elif event.get("event") == "final":
            self._running.pop(cell.id, None)
            self._ended[str(event.get("outcome"))] += 1
            self._progress.advance(self._task)
        counts = ", ".join(f"{n} {what}" for what, n in sorted(self._ended.items()))
        now = next(reversed(self._running.values()), "") if self._running else ""
        self._progress.update(self._task, now=f"{counts}  {now}"[:100])

    def on_settled(self, cell: Cell, observation: object) -> None:
        """Say nothing: the bar has counted the attempt."""


@contextmanager
def watching(out: Out) -> Iterator[Plain]:
    """Yield the watcher that fits: a bar on a terminal, lines elsewhere."""
    if out.format == "quiet" or not sys.stderr.isatty():
        yield Plain(out)
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
