"""What an executor is asked to do: one planned cell with all that it takes to attempt it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from caniload.records import Cell, Environment, FetchedArtefact
from caniload.words import ArtefactClass, Outcome, Stage


class Spec(Protocol):
    """What the parent needs to know of a loader; `loaders.spec.LoaderSpec` satisfies it."""

    @property
    def name(self) -> str:
        """The loader's name, as in the cell."""

    @property
    def env(self) -> Mapping[str, Mapping[str, str]]:
        """Environment variables by framework, such as KERAS_BACKEND."""

    @property
    def preload(self) -> Mapping[str, tuple[str, ...]]:
        """Modules that a warm worker imports, by framework."""

    @property
    def warm_modules(self) -> Callable[[Path, str], tuple[str, ...]] | None:
        """Says which modules loading an artefact imports, by its path and the framework."""

    @property
    def smoke_file(self) -> Any:
        """Path of a plug-in's worker-side file; None for built-in loaders."""

    def artefact_class(self, artefact_format: str | None, /) -> ArtefactClass:
        """Say what loading a format may execute."""


@dataclass(frozen=True)
class Obstacle:
    """Say why a planned cell cannot be attempted at all: the outcome, the stage, the error."""

    outcome: Outcome
    stage: Stage
    type: str
    message: str


@dataclass(frozen=True)
class Elsewhere:
    """What a node of a cluster needs to make an attempt from nothing: it fetches for itself.

    `handle` is what it fetches, None where there is nothing to; `sha256` pins the file, `hints`
    are those of all the files that an entry names. `control` names a control's artefact, which
    comes with caniload. `need_bytes` is the memory that the attempt is expected to take.
    `node` is the one node that shall do it, None is any.
    """

    handle: str | None = None
    sha256: str | None = None
    hints: Mapping[str, Any] = field(default_factory=dict)
    control: str | None = None
    need_bytes: int | None = None
    node: str | None = None


@dataclass(frozen=True)
class Job:
    """Plan one cell: who runs it, on which files, within which limits.

    `memory_bytes` None means measured and not limited. `derived_from` is the id of the export
    cell, earlier in the plan, whose product this one reads; its artefact is then None. With an
    `obstacle` no worker is started: the observation says what it says. `exporter_file` is the
    worker-side file of a plug-in that writes the export's format. `variables` are those of the
    environment's specification; `facts` go into the observation beside what the worker states.
    `architecture` is the library's own name of what is built with random weights, from no file;
    with `listing` the worker says instead which architectures the library has. `elsewhere` is
    set where a node may do it, which fetches the artefact itself.
    """

    cell: Cell
    interpreter: Path
    environment: Environment
    artefact: FetchedArtefact | None
    spec: Spec
    timeout_seconds: float = 600.0
    memory_bytes: int | None = None
    allow_network: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict)
    derived_from: str | None = None
    obstacle: Obstacle | None = None
    exporter_file: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    architecture: str | None = None
    listing: bool = False
    elsewhere: Elsewhere | None = None

    @property
    def artefact_class(self) -> ArtefactClass:
        """What loading this artefact may execute: data, a graph, or Python.

        An architecture that a library builds by name brings nothing from outside. What an export
        of ours wrote holds no code of a stranger's that its own making did not need consent for:
        it is a program at most, and runs in a sandbox.
        """
        if self.architecture is not None and self.artefact is None:
            return ArtefactClass.DATA
        kind = self.spec.artefact_class(self.artefact.format if self.artefact else None)
        if self.derived_from is not None and kind is ArtefactClass.CODE:
            return ArtefactClass.PROGRAM
        return kind
