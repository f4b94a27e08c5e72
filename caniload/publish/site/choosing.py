"""What the page for choosing a framework answers with: the lines of every subject, made before.

`caniload choose` gives the lines of each model, dataset, target, language and need by itself, so
that a page puts them together: `static/choose.js` does, and finds what is given up by the same
rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from caniload.catalog import choose_datasets, choose_models, choose_tools, choose_words, questions
from caniload.catalog.choose_lines import PARTS, STATES, Evidence, Line, Side, Topic
from caniload.catalog.choose_tools import Tool
from caniload.catalog.store import Store
from caniload.publish import wording
from caniload.publish.site import paths
from caniload.words import FRAMEWORK_NAMES

CITED = 2
"""So much of a line's evidence is shown; the rest is counted, and the command has it."""

TOPICS: tuple[Topic, ...] = ("model", "dataset", "deploy", "language", "need")


@dataclass(slots=True)
class _Numbers:
    """Number what repeats, in the order in which it comes."""

    known: dict[Any, int] = field(default_factory=dict)

    def of(self, thing: Any) -> int:
        """Return the number of a thing; -1 for none."""
        return -1 if thing is None else self.known.setdefault(thing, len(self.known))


class _Asked:
    """Answer what was asked before without asking again: frameworks share most questions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str, str], list[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """Pass everything else on."""
        return getattr(self._store, name)

    def sql(self, text: str, params: Sequence[Any] = ()) -> list[Any]:
        """Ask as `Store.sql` does."""
        return self._once("sql", text, params)

    def direct(self, text: str, params: Sequence[Any] = ()) -> list[Any]:
        """Ask as `Store.direct` does."""
        return self._once("direct", text, params)

    def direct_rows(self, text: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask as `Store.direct_rows` does; who asks may change the rows."""
        return [dict(row) for row in self._once("direct_rows", text, params)]

    def _once(self, way: str, text: str, params: Sequence[Any]) -> list[Any]:
        key = (way, text, repr(params))
        if key not in self._known:
            self._known[key] = getattr(self._store, way)(text, params)
        return self._known[key]


def lines(store: Store, whose: str = "all") -> bytes:
    """Return the lines of every subject by framework, as JSON; they depend on the store alone."""
    texts, cited = _Numbers(), _Numbers()
    asked = cast("Store", _Asked(store)) if whose == "all" else store
    runs = dict(store.sql("SELECT id, run_id FROM observations"))
    subjects: dict[str, list[list[Any]]] = {}
    for topic, named in _subjects(store).items():
        subjects[topic] = []
        for subject, called in named.items():
            sides = []
            for framework in choose_words.COMPARED:
                found = _lines(asked, topic, subject, framework, whose)
                sides.append([_line(line, texts, cited, runs) for line in found])
            subjects[topic].append([subject, called, sides])
    made = {
        "caniload": "choose",
        "schema_version": 1,
        "frameworks": [[name, FRAMEWORK_NAMES[name]] for name in choose_words.COMPARED],
        "states": STATES,
        "parts": {part: [STATES.index(state) for state in PARTS[part]] for part in PARTS},
        "subjects": subjects,
        "evidence": list(cited.known),
        "texts": list(texts.known),
    }
    return (json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def page(store: Store) -> dict[str, Any]:
    """Return what the page shows without a script: what it knows, and the states by tools."""
    subjects = _subjects(store)
    known = choose_tools.tools(store)
    tables = []
    for topic in ("deploy", "language", "need"):
        rows = []
        for subject in subjects[topic]:
            best = []
            for framework in choose_words.COMPARED:
                found = _of_tools(store, known, topic, subject, framework)
                side = Side(framework, tuple(line.rested() for line in found))
                best.append(side.best(topic, subject).state)
            rows.append((subject, best))
        tables.append((topic, rows))
    return {
        "compared": [(name, FRAMEWORK_NAMES[name]) for name in choose_words.COMPARED],
        "subjects": {topic: list(named.items()) for topic, named in subjects.items()},
        "tables": tables,
    }


def _subjects(store: Store) -> dict[Topic, dict[str, tuple[str, ...]]]:
    """Return what can be asked for by topic: each subject with what else it is called."""
    known = choose_tools.tools(store)
    platforms = [tool for tool in known if tool.purpose in choose_words.PLATFORMS and tool.vendor]
    targets: dict[str, tuple[str, ...]] = dict.fromkeys(choose_words.TARGETS, ())
    for vendor in sorted({str(tool.vendor) for tool in platforms}):
        mine = [tool for tool in platforms if tool.vendor == vendor]
        named = (name for tool in mine for name in (tool.id, tool.name, *tool.aliases))
        targets[vendor] = tuple(dict.fromkeys(named))
    languages = sorted({language for tool in known for language in tool.languages})
    datasets = questions.entries(store, "datasets")
    return {
        "model": {each.id: (each.name, *each.aliases) for each in questions.models(store)},
        "dataset": {each.id: (each.name, *_aliases(each.entry)) for each in datasets},
        "deploy": targets,
        "language": dict.fromkeys(languages, ()),
        "need": dict.fromkeys(choose_words.NEEDS, ()),
    }


def _aliases(entry: Mapping[str, Any]) -> Iterable[str]:
    return entry.get("aliases") or ()


def _lines(store: Store, topic: Topic, subject: str, framework: str, whose: str) -> Iterable[Line]:
    """Return the lines of one subject in one framework, as `choose` would."""
    if topic == "model":
        found = choose_models.lines(store, subject, framework, wording.told, whom=whose)
    elif topic == "dataset":
        found = choose_datasets.lines(store, subject, framework)
    else:
        found = _of_tools(store, choose_tools.tools(store), topic, subject, framework)
    return [line.rested() for line in found]


def _of_tools(
    store: Store, known: tuple[Tool, ...], topic: str, subject: str, framework: str
) -> list[Line]:
    if topic == "deploy":
        return choose_tools.deploy(known, subject, framework)
    if topic == "language":
        return choose_tools.language(known, subject, framework)
    return choose_tools.need(store, known, subject, framework)


def _line(line: Line, texts: _Numbers, cited: _Numbers, runs: Mapping[str, str]) -> list[Any]:
    """Write a line: state, through what, what it says, some evidence, how much there is."""
    shown = [cited.of(_cite(line, one, texts, runs)) for one in line.evidence[:CITED]]
    state = STATES.index(line.state)
    return [state, texts.of(line.via), texts.of(line.says), shown, len(line.evidence)]


def _cite(line: Line, one: Evidence, texts: _Numbers, runs: Mapping[str, str]) -> tuple[Any, ...]:
    """Write evidence: its kind, id, page, day, and where its own page on the site lies."""
    day = one.day.isoformat() if one.day else None
    to = _address(line, one, runs)
    return (one.kind, *(texts.of(each) for each in (one.id, one.page, day, to)))


def _address(line: Line, one: Evidence, runs: Mapping[str, str]) -> str | None:
    """Return the page of what is cited; a catalogue that was read whole has none."""
    if one.kind == "observation":
        return f"{paths.run(runs[one.id])}{paths.INDEX}#{one.id}"
    if one.kind == "tool":
        return paths.tool(one.id) + paths.INDEX
    if one.kind == "model":
        return paths.model(one.id) + paths.INDEX
    if one.kind == "catalogue":
        return None
    if line.topic == "dataset":
        return paths.dataset(line.subject) + paths.INDEX
    return paths.source(one.id) + paths.INDEX
