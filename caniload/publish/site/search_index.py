"""What the search field looks in: everything of the catalogue in columns, small enough to fetch.

Whatever repeats is a number that points into a list of words or of sets. `static/search.js` reads
it; an address is made there from what a thing is called, by the rule of `paths`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caniload import yaml_text
from caniload.catalog import imported_claims, questions, shelves
from caniload.catalog.answers import CellAnswer
from caniload.catalog.search_tables import TASK_WORDS
from caniload.catalog.store import Store
from caniload.handles import parse
from caniload.publish.embed.signs import SIGNS
from caniload.publish.site import paths
from caniload.words import FRAMEWORK_NAMES, Verdict

LONGEST = 180
"""A segment of an address that is longer has a hash in it, which a script does not make."""

VERDICTS = tuple(Verdict)

Results = dict[str, Verdict]
"""The best verdict of each framework."""


@dataclass(slots=True)
class _Source:
    """Gather what is known of one source's page: handles of one hub and locator."""

    folder: str
    hub: str
    locator: str
    models: dict[str, None] = field(default_factory=dict)
    catalogues: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    formats: set[str] = field(default_factory=set)
    names: dict[str, None] = field(default_factory=dict)
    results: Results = field(default_factory=dict)


class _Words:
    """Number words, or sets of them, in the order in which they come."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def one(self, word: Any) -> int:
        """Return the number of a word; -1 where there is none."""
        return -1 if word is None else self.known.setdefault(word, len(self.known))

    def each(self, words: Iterable[str]) -> list[int]:
        """Return the numbers of words."""
        return [self.one(word) for word in words]


def index(store: Store, whose: str = "all") -> bytes:
    """Return the index as JSON; the same store gives the same bytes."""
    cells = questions.matrix(store, whom=whose, exports=True)
    models = questions.models(store)
    sources = _sources(store, cells)
    words = {name: _Words() for name in ("framework", "hub", "task", "format", "catalogue")}
    entries = _entries(store, cells, words)
    numbers = {model.id: at for at, model in enumerate(models)}
    columns = _columns(sources, numbers, words)
    made = {
        "caniload": "search",
        "schema_version": 1,
        "verdicts": [[str(verdict), SIGNS[verdict].mark] for verdict in VERDICTS],
        "frameworks": [
            [each, FRAMEWORK_NAMES.get(each, each)] for each in words["framework"].known
        ],
        "hubs": list(words["hub"].known),
        "tasks": list(words["task"].known),
        "called": _called(store, words["task"].known),
        "formats": list(words["format"].known),
        "catalogues": list(words["catalogue"].known),
        "entries": entries,
        "sources": columns,
    }
    return (json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def plain(folder: str) -> bool:
    """Tell whether a script finds a folder by the rule alone: no part of it was cut."""
    return all(len(part) <= LONGEST for part in folder.split("/"))


def _sources(store: Store, cells: Iterable[CellAnswer]) -> list[_Source]:
    """Return what is known of each source that has a page, in order of hub and locator."""
    found: dict[str, _Source] = {}

    def of(handle: str) -> _Source:
        folder = paths.source(handle)
        known = parse(handle)
        return found.setdefault(folder, _Source(folder, known.hub, known.locator))

    claims = store.rows("SELECT source, framework FROM store.claims ORDER BY ALL")
    for model, authored in questions.sources(store):
        one = of(authored.handle)
        one.models[model] = None
        one.formats.update(authored.formats)
    for row in claims:
        of(row["source"]).claims.add(row["framework"])
    for stated in shelves.every(store):
        one = of(stated.handle)
        if stated.model is not None:
            one.models[stated.model] = None
        one.catalogues.add(stated.catalogue)
        one.tasks.update(stated.tasks)
        one.claims.update(each for each in stated.frameworks if each != "any")
        one.formats.update(stated.formats)
        one.names[stated.name] = None
    for cell in cells:
        one = of(cell.handle)
        if cell.model is not None:
            one.models[cell.model] = None
        one.results.setdefault(cell.framework, cell.verdict)
    return sorted(found.values(), key=lambda one: (one.hub, one.locator))


def _columns(
    sources: Sequence[_Source], numbers: Mapping[str, int], words: Mapping[str, _Words]
) -> dict[str, Any]:
    """Return the sources in columns; `names` and `results` are of few and go by row."""
    sets = {name: _Words() for name in ("models", "catalogues", "tasks", "claims", "formats")}

    def column(name: str, kind: str) -> list[int]:
        return [
            sets[name].one(tuple(sorted(words[kind].each(sorted(getattr(one, name))))))
            for one in sources
        ]

    models = [
        sets["models"].one(tuple(numbers[each] for each in one.models if each in numbers))
        for one in sources
    ]
    made: dict[str, Any] = {
        "hub": words["hub"].each(one.hub for one in sources),
        "locator": [one.locator for one in sources],
        "models": models,
        "catalogues": column("catalogues", "catalogue"),
        "tasks": column("tasks", "task"),
        "claims": column("claims", "framework"),
        "formats": column("formats", "format"),
    }
    made["names"] = {
        at: " ".join(names) for at, one in enumerate(sources) if (names := _other_names(one))
    }
    made["results"] = {
        at: _results(one.results, words["framework"])
        for at, one in enumerate(sources)
        if one.results
    }
    made["folders"] = {at: one.folder for at, one in enumerate(sources) if not plain(one.folder)}
    made["sets"] = {name: list(known.known) for name, known in sets.items()}
    return made


def _other_names(source: _Source) -> list[str]:
    """Return upstream's names that the handle does not hold."""
    whole = source.locator.casefold()
    return [name for name in source.names if name and name.casefold() not in whole]


def _results(found: Results, frameworks: _Words) -> list[int]:
    """Write framework and verdict by turns."""
    pairs = ((frameworks.one(name), VERDICTS.index(each)) for name, each in found.items())
    return [number for pair in pairs for number in pair]


def _entries(
    store: Store, cells: Iterable[CellAnswer], words: Mapping[str, _Words]
) -> list[list[Any]]:
    """Return a row an entry: kind, id, name, aliases, about, family, tasks, and what is known.

    What is known are the results of a model, the frameworks that reach a dataset, the frameworks
    and the status of a tool. Models come first, in the order of `questions.models`.
    """
    results: dict[str, Results] = {}
    for cell in cells:
        if cell.model is not None:
            results.setdefault(cell.model, {}).setdefault(cell.framework, cell.verdict)
    tasks, frameworks = words["task"], words["framework"]
    rows: list[list[Any]] = []
    for model in questions.models(store):
        row = ["model", model.id, model.name, model.aliases, model.about, model.family]
        best = results.get(model.id) or _claimed(store, model.id)
        rows.append([*row, tasks.each(model.tasks), _results(best, frameworks)])
    for kind, group in (("dataset", "modality"), ("tool", "purpose")):
        for each in questions.entries(store, f"{kind}s"):
            entry: dict[str, Any] = dict(each.entry)
            called = entry.get("aliases") or []
            own = [kind, each.id, each.name, called, each.about, entry.get(group)]
            told = [tasks.each(entry.get("tasks") or ()), frameworks.each(_reached(entry))]
            rows.append([*own, *told, entry["status"]] if kind == "tool" else [*own, *told])
    return rows


def _claimed(store: Store, model: str) -> Results:
    """Return what catalogues claim of a model of which nothing else is known, as `check` does."""
    found: Results = {}
    for cell in imported_claims.of_model(store, model):
        found.setdefault(cell.framework, cell.verdict)
    return found


def _reached(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the frameworks that an entry names; one for any names none."""
    access = (each["framework"] for each in entry.get("access") or ())
    for name in dict.fromkeys((*(entry.get("frameworks") or ()), *access)):
        if name != "any":
            yield name


def _called(store: Store, tasks: Mapping[str, int]) -> dict[int, str]:
    """Return other words for tasks, by the number of each; a catalogue may have none."""
    path = store.settings.data / TASK_WORDS
    if not path.exists():
        return {}
    said = yaml_text.parse(path.read_bytes())["tasks"]
    found = {
        tasks[name]: " ".join((*what.get("called", ()), *what.get("parts", ())))
        for name, what in said.items()
        if name in tasks
    }
    return dict(sorted(found.items()))
