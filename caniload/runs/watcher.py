"""Who is told what happens while something is fetched, built and attempted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from caniload.handles import Handle
    from caniload.loaders.hub import Progress
    from caniload.records import Cell, FetchedArtefact, Observation
    from caniload.runs.interpreters import Interpreter


class Watcher(Protocol):
    """Be told what happens; the command line shows it, tests collect it."""

    def fetching(self, progress: Progress) -> None:
        """Bytes of an artefact arrived."""

    def fetched(self, handle: Handle, artefact: FetchedArtefact) -> None:
        """An artefact is there, from its hub or from the cache."""

    def building(self, name: str, line: str) -> None:
        """An environment is being built; pip's own lines."""

    def ready(self, name: str, interpreter: Interpreter) -> None:
        """An interpreter was probed and will be used."""

    def planned(self, cells: Sequence[Cell]) -> None:
        """The cells of the run are known."""

    def on_event(self, cell: Cell, event: Mapping[str, object]) -> None:
        """A worker reported an event."""

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """A cell ended."""
