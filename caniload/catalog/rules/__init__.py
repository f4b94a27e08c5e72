"""Lint rules over the authored catalogue, one a file.

A rule is a module of this package with a function ``check(view: View) -> Iterator[Problem]``.
`lint` runs whatever lies here, so adding a rule is adding a file. Each problem says what to
write instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from caniload.catalog.entries import Authored, Entry, ModelEntry, SourceEntry
from caniload.catalog.joining import Joins, Rule


@dataclass(frozen=True, slots=True)
class Problem:
    """Say what is wrong where, and what to write instead."""

    file: str
    field: str
    says: str
    write: str
    rule: str = ""

    def __str__(self) -> str:
        """The problem on one line."""
        return f"{self.file}: {self.field}: {self.says}; {self.write} ({self.rule})"


@dataclass(frozen=True, slots=True)
class View:
    """Hold what rules look at: the catalogue, the day, and which names there are.

    `loaders` maps each loader to its frameworks; empty where the caller knows none. `joins` is
    what the joining rules `join_rules` make of the imported sources.
    """

    authored: Authored
    today: date
    hubs: tuple[str, ...]
    environments: tuple[str, ...]
    loaders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    join_rules: tuple[Rule, ...] = ()
    joins: Joins = field(default_factory=Joins)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry with its file, as `models/bert.yaml`."""
        for kind in ("models", "datasets", "tools"):
            for entry in getattr(self.authored, kind):
                yield f"{kind}/{entry.id}.yaml", entry

    def models(self) -> Iterator[tuple[str, ModelEntry]]:
        """Yield every model with its file."""
        for model in self.authored.models:
            yield f"models/{model.id}.yaml", model

    def sources(self) -> Iterator[tuple[str, str, ModelEntry, SourceEntry]]:
        """Yield every source of every model: file, field, model, source."""
        for file, model in self.models():
            for index, source in enumerate(model.sources):
                yield file, f"sources[{index}]", model, source
