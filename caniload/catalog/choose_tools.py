"""What a choice says of deployment, languages and needs: which tools there are, and their state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caniload.catalog.choose_lines import STATES, VERDICT_STATES, Evidence, Line, State, Topic
from caniload.catalog.choose_models import day_of, dead
from caniload.catalog.choose_words import NEEDS, PLATFORMS, TARGETS, fold
from caniload.words import FRAMEWORK_NAMES, Verdict

if TYPE_CHECKING:
    from caniload.catalog.store import Store

UNMEASURED = ("training", "fine-tuning", "distributed-training")
"""Needs of which an attempt, which loads and runs, says nothing."""

RESEARCH = ("pytorch-hub", "garden")
"""The catalogues whose entries are code of research: repositories and experiments."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Hold what choosing reads of a tool's entry."""

    id: str
    name: str
    aliases: tuple[str, ...]
    purpose: str
    frameworks: tuple[str, ...]
    languages: tuple[str, ...]
    vendor: str | None
    status: str
    since: object
    about: str
    entry: dict[str, Any]


def tools(store: Store) -> tuple[Tool, ...]:
    """Return all tools of the catalogue, in order of id."""
    found = store.direct(
        "SELECT id, name, aliases, purpose, frameworks, languages, vendor, status, status_since, "
        "about, entry FROM store.tools ORDER BY id"
    )
    return tuple(
        Tool(i, n, tuple(a), p, tuple(f), tuple(ls), v, s, d, about, json.loads(entry))
        for i, n, a, p, f, ls, v, s, d, about, entry in found
    )


def deploy(known: Iterable[Tool], target: str, framework: str) -> list[Line]:
    """Return the tools that take a framework to a target, the living first."""
    if target in TARGETS:
        wanted = _for(known, framework, TARGETS[target])
    else:
        wanted = _named(
            known, framework, lambda tool: tool.purpose in PLATFORMS and tool.vendor == target
        )
    return _lines("deploy", target, framework, wanted, f"for {target}")


def language(known: Iterable[Tool], name: str, framework: str) -> list[Line]:
    """Return the tools of a framework that are used from a language, the living first."""
    wanted = _named(known, framework, lambda tool: name in tool.languages)
    return _lines("language", name, framework, wanted, f"used from {name}")


def need(store: Store, known: Iterable[Tool], word: str, framework: str) -> list[Line]:
    """Return what serves a need in a framework."""
    every = tuple(known)
    if word == "kaggle":
        return _kaggle(store, every, framework)
    if word == "research-code":
        return _research(store, framework)
    found = _lines("need", word, framework, _for(every, framework, NEEDS[word]), f"for {word}")
    if word in UNMEASURED:
        says = "an attempt loads and runs; whether its weights train was not measured"
        found.append(Line("need", word, framework, "measurement", "unknown", says))
    return found


def _named(known: Iterable[Tool], framework: str, fits: Callable[[Tool], bool]) -> list[Tool]:
    """Return the tools that fit and name the framework, or name none at all."""
    return [
        tool
        for tool in known
        if fits(tool) and (framework in tool.frameworks or not tool.frameworks)
    ]


def _for(known: Iterable[Tool], framework: str, purposes: Sequence[str]) -> list[Tool]:
    """Return the tools of some purposes, in the order of the purposes."""
    wanted = _named(known, framework, lambda tool: tool.purpose in purposes)
    return sorted(wanted, key=lambda tool: purposes.index(tool.purpose))


def _lines(
    topic: Topic, subject: str, framework: str, wanted: Iterable[Tool], what: str
) -> list[Line]:
    """Write each tool as a line, best state first and else as they come.

    Where there is none, one line says that nothing is known.
    """
    found = [_tool(topic, subject, framework, tool) for tool in wanted]
    if not found:
        says = f"no tool of the catalogue {what} names {FRAMEWORK_NAMES[framework]}"
        return [Line(topic, subject, framework, None, "unknown", says)]
    return sorted(found, key=lambda line: STATES.index(line.state))


def _tool(topic: Topic, subject: str, framework: str, tool: Tool) -> Line:
    """Say what a tool does and whether it is alive.

    One whose entry names no framework says nothing of this one.
    """
    state: State = tool.status  # type: ignore[assignment]
    says = f"{tool.name}: {tool.about}"
    if tool.languages and topic == "deploy":
        says += f" Used from {', '.join(tool.languages)}."
    if state in ("superseded", "archived"):
        says = f"{tool.name}: {dead(tool.since, tool.entry)}"
    elif not tool.frameworks:
        says = f"{tool.name}, {state}: its entry names no framework"
        state = "unknown"
    elif state == "maintenance":
        since = f" since {tool.since}" if tool.since else ""
        says = f"{tool.name}: in maintenance{since}{_successor(tool)}. {tool.about}"
    elif state == "unknown":
        says = f"{tool.name}: whether it is maintained is not known. {tool.about}"
    return Line(topic, subject, framework, tool.id, state, says, _evidence(tool))


def _successor(tool: Tool) -> str:
    names = tool.entry.get("successor") or ()
    return f", its successor is {', '.join(names)}" if names else ""


def _evidence(tool: Tool) -> tuple[Evidence, ...]:
    """Return the page that tells a tool's state, and those that tell where its users move."""
    page, read = tool.entry.get("evidence"), tool.entry.get("status_read")
    moves = tool.entry.get("moved_to") or ()
    pages = [(page, read), *((move.get("page"), move.get("read")) for move in moves)]
    found = (Evidence("tool", tool.id, page, day_of(read)) for page, read in pages)
    return tuple(dict.fromkeys(found))


def _kaggle(store: Store, known: Iterable[Tool], framework: str) -> list[Line]:
    """Say what Kaggle hosts for a framework, as measured, as claimed, and by whom it is reached."""
    subject = "kaggle"
    found: list[Line] = []
    name = FRAMEWORK_NAMES[framework]
    for verdict, id_, day in store.sql(
        "SELECT verdict, observation_id, measured_at FROM cell_verdicts WHERE framework = ? "
        "AND starts_with(source, 'kaggle:') AND kind = 'attempt' ORDER BY measured_at DESC LIMIT 1",
        [framework],
    ):
        state = VERDICT_STATES[Verdict(verdict)]
        evidence = Evidence("observation", id_, None, day_of(day))
        says = f"the latest attempt at a source on Kaggle in {name}: {verdict}"
        found.append(Line("need", subject, framework, "attempts", state, says, (evidence,)))
    claims = store.direct(
        "SELECT DISTINCT handle, page, read FROM store.claims "
        "WHERE framework = ? AND starts_with(source, 'kaggle:') ORDER BY handle, page",
        [framework],
    )
    if claims:
        count = len({handle for handle, _, _ in claims})
        says = f"{count} sources of authored models lie there, as {claims[0][0]}"
        cited = tuple(Evidence("claim", h, page, day_of(read)) for h, page, read in claims)
        found.append(Line("need", subject, framework, "entries", "claimed", says, cited))
    found += _counted(
        store, subject, framework, "starts_with(s.handle, 'kaggle:')", "sources there"
    )
    for tool in known:
        if subject in {fold(each) for each in (tool.id, tool.name, *tool.aliases)}:
            found.append(_tool("need", subject, framework, tool))
    if not found:
        says = f"nothing on Kaggle is noted for {name}"
        found.append(Line("need", subject, framework, None, "unknown", says))
    return found


def _research(store: Store, framework: str) -> list[Line]:
    """Say where research code in a framework is found: catalogues of it, and pages of code."""
    wanted = ", ".join(f"'{name}'" for name in RESEARCH)
    subject = "research-code"
    found = _counted(store, subject, framework, f"s.catalogue IN ({wanted})", "entry points")
    claims = store.direct(
        "SELECT DISTINCT handle, page, read FROM store.claims WHERE framework = ? "
        "AND regexp_matches(source, '^(torchhub|garden):') ORDER BY handle, page",
        [framework],
    )
    if claims:
        count = len({handle for handle, _, _ in claims})
        says = f"{count} sources of authored models are code, as {claims[0][0]}"
        cited = tuple(Evidence("claim", h, page, day_of(read)) for h, page, read in claims)
        found.append(Line("need", subject, framework, "entries", "claimed", says, cited))
    if not found:
        says = f"no research code in {FRAMEWORK_NAMES[framework]} is noted"
        found.append(Line("need", subject, framework, None, "unknown", says))
    return found


def _counted(store: Store, subject: str, framework: str, where: str, what: str) -> list[Line]:
    """Say how many sources of whole catalogues name the framework, with the whole beside it."""
    return [
        Line(
            "need",
            subject,
            framework,
            catalogue,
            "claimed",
            f"{named} of {count} {what} that {upstream.partition(':')[2]} {version[:12]} lists"
            f" name {FRAMEWORK_NAMES[framework]}",
            (Evidence("catalogue", catalogue, f"{upstream} {version}", read),),
        )
        for catalogue, upstream, version, read, named, count in store.direct(
            "SELECT i.catalogue, i.upstream, i.version, i.read, "
            "count(*) FILTER (list_contains(s.frameworks, ?)), count(*) "
            "FROM store.imports i JOIN store.imported_sources s USING (catalogue) "
            f"WHERE {where} GROUP BY ALL ORDER BY i.catalogue",
            [framework],
        )
        if named
    ]
