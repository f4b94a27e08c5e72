"""What the host knows of a loader: what it reads, what it needs, how a user writes it.

Standard library only, since `caniload check` prints snippets from a cold process. A plug-in
registers a `LoaderSpec` under the entry points group `caniload.loaders`, and names its
worker-side file in `smoke_file`, so that nothing is installed into environments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caniload.words import FRAMEWORKS, ArtefactClass

Snippet = Callable[[Mapping[str, Any], str, Mapping[str, Any]], str]
"""(locator, framework, hints) -> code to paste; see `specs.places` for the locator's keys."""

_RANK = list(ArtefactClass)


@dataclass(frozen=True)
class LoaderSpec:
    """Describe one loader to the host.

    `classes` maps each artefact format that it reads to what loading it may execute.
    `packages` are the requirements to install, `decisive` the distributions whose versions
    make an environment's key (those in `optional` also by being absent), `preload` the modules
    that a warm worker imports, `env` the variables that must be set before import, `exports`
    the formats that its smoke file can write: each by framework. `second_recipes` are options,
    by format or by `framework:format`, that are tried beside the library's default call, as
    ``compile=False``.
    `architectures` is the hub whose locators are names of what the library builds by itself, so
    that random weights need no file. `warm_modules` says, by an artefact's path and framework,
    which modules loading it will import, so that a warm worker has them before it forks.
    `snippet` makes code that leaves a variable `output`, whose
    name among the worker's outputs is `snippet_output`. `native_hint` says in one sentence which
    models the loader is the home of.
    """

    name: str
    frameworks: tuple[str, ...]
    classes: Mapping[str, ArtefactClass]
    packages: Mapping[str, tuple[str, ...]]
    decisive: Mapping[str, tuple[str, ...]]
    snippet: Snippet
    preload: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snippet_output: str = "last_hidden_state"
    optional: tuple[str, ...] = ()
    second_recipes: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    architectures: str | None = None
    smoke_file: Path | None = None
    native_hint: str = ""
    warm_modules: Callable[[Path, str], tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        """Refuse a specification that leaves a framework without packages or decisive names."""
        for framework in self.frameworks:
            if framework not in FRAMEWORKS:
                raise ValueError(f"loader {self.name}: no framework {framework!r}")
            if not self.packages.get(framework) or not self.decisive.get(framework):
                raise ValueError(f"loader {self.name}: {framework} lacks packages or decisive")

    @property
    def formats(self) -> tuple[str, ...]:
        """The artefact formats that the loader reads, the preferred first."""
        return tuple(self.classes)

    def needed(self, framework: str) -> tuple[str, ...]:
        """The decisive distributions that must be installed for the loader to be tried."""
        return tuple(name for name in self.decisive[framework] if name not in self.optional)

    def artefact_class(self, artefact_format: str | None) -> ArtefactClass:
        """Say what loading a format may execute.

        An unnamed format counts as the riskiest that the loader reads, one that it does not
        know as code.
        """
        if artefact_format is None:
            return max(self.classes.values(), key=_RANK.index, default=ArtefactClass.CODE)
        return self.classes.get(artefact_format, ArtefactClass.CODE)


@dataclass(frozen=True)
class ExporterSpec:
    """Describe an outside exporter: it writes a format from what one loader loaded.

    `file` is its worker-side file, which defines ``export(loaded, job)`` and writes into the
    folder ``job["export_to"]``. A plug-in registers it under the entry points group
    `caniload.exporters`; formats that a loader writes by itself stand in `LoaderSpec.exports`.
    """

    loader: str
    frameworks: tuple[str, ...]
    format: str
    file: Path
