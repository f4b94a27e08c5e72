"""Check the authored catalogue by all rules, and count what no hub has answered for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from caniload.catalog import dataset_joining, joining, rules
from caniload.catalog.authored import read_entry
from caniload.catalog.entries import KINDS, Authored, Entry
from caniload.catalog.joining import Joins, Rule
from caniload.catalog.rules import Problem, View
from caniload.errors import CatalogueError
from caniload.handles import HUBS

HUB_PLUGINS = "caniload.hubs"
"""Entry points group in which outside packages register hubs."""


NO_LOADERS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
"""What is passed where the names of loaders are not to be checked."""

NO_JOINS = Joins()
"""What is passed where there are no imported sources."""


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what lint found: problems in order of file, and how much was looked at."""

    problems: tuple[Problem, ...]
    models: int
    datasets: int
    tools: int
    sources: int
    unresolved: tuple[str, ...]

    @property
    def unresolved_count(self) -> int:
        """How many sources no hub has answered for; they can only be `claimed`."""
        return len(self.unresolved)


def run(data_dir: Path, today: date, loaders: Mapping[str, tuple[str, ...]] = NO_LOADERS) -> Report:
    """Check every file of the catalogue by its schema and by every rule.

    `loaders` are the known ones, each with its frameworks, so that their names are checked too.
    A file that breaks its schema is a problem of its own, and the other rules go on without
    it. Raises `CatalogueError` only when there is no catalogue.
    """
    if not data_dir.is_dir():
        raise CatalogueError(f"there is no catalogue in {data_dir}", "look at CANILOAD_DATA")
    found: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
    problems: list[Problem] = []
    for kind, entries in found.items():
        for path in sorted((data_dir / kind).glob("*.yaml")):
            try:
                entries.append(read_entry(path))
            except CatalogueError as error:
                problems.append(_unreadable(path, error))
    kinds: dict[str, Any] = {kind: tuple(entries) for kind, entries in found.items()}
    authored = Authored(**kinds)
    join_rules: tuple[Rule, ...] = ()
    try:
        join_rules = joining.read_rules(data_dir)
        joins = joining.of(data_dir, authored, join_rules)
    except CatalogueError as error:
        joins = Joins()
        problems.append(Problem(joining.FOLDER, "rules", error.message, error.hint or "", "joins"))
    problems += check(
        authored,
        today,
        _environments(data_dir),
        loaders=loaders,
        join_rules=join_rules,
        joins=joins,
    )
    problems += dataset_joining.problems(data_dir, authored, today)
    sources = [source for model in authored.models for source in model.sources]
    return Report(
        problems=tuple(sorted(problems, key=lambda problem: problem.file)),
        models=len(authored.models),
        datasets=len(authored.datasets),
        tools=len(authored.tools),
        sources=len(sources),
        unresolved=tuple(source.handle for source in sources if not source.resolved),
    )


def check(
    authored: Authored,
    today: date,
    environments: tuple[str, ...] = (),
    rule: str | None = None,
    loaders: Mapping[str, tuple[str, ...]] = NO_LOADERS,
    join_rules: tuple[Rule, ...] = (),
    joins: Joins = NO_JOINS,
) -> list[Problem]:
    """Apply all rules, or the one named, to a catalogue that was read."""
    hubs = (*HUBS, *(point.name for point in entry_points(group=HUB_PLUGINS)))
    view = View(authored, today, hubs, environments, loaders, join_rules, joins)
    found = []
    for name in rule_names() if rule is None else (rule,):
        module = import_module(f"{rules.__name__}.{name}")
        found += [replace(problem, rule=name) for problem in module.check(view)]
    return found


def rule_names() -> tuple[str, ...]:
    """Name the rules: the modules of the package `catalog.rules`."""
    return tuple(sorted(module.name for module in iter_modules(rules.__path__)))


def _environments(data_dir: Path) -> tuple[str, ...]:
    return tuple(path.stem for path in sorted((data_dir / "environments").glob("*.yaml")))


def _unreadable(path: Path, error: CatalogueError) -> Problem:
    where = f"{path.parent.name}/{path.name}"
    says = error.message.removeprefix(where).lstrip(": ")
    hint = error.hint or "`caniload catalog schema` prints what the file may hold"
    return Problem(where, "the file", says, hint, "schema")
