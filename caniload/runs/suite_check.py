"""Say what a suite means, line by line: how many sources, which environments, what expires."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Literal

from caniload.catalog import choose_words
from caniload.catalog.store import Store
from caniload.errors import CaniloadError, UnknownNameError
from caniload.loaders.specs import load_specs
from caniload.runs import environments, here, suite_environments, suite_sources
from caniload.runs.envspecs import EnvSpec
from caniload.runs.suite import EnvironmentWish, Expectation, Skip, Suite, expired
from caniload.runs.suite_sources import Expansion, SuiteSource
from caniload.settings import Settings
from caniload.words import FRAMEWORKS, Outcome, Verdict

SOON_DAYS = 30
"""A review that is due within so many days is announced."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """Say what one line of models means: its sources, how many are fixed, what is left out."""

    line: int | None
    words: str
    weights: str
    sources: int
    resolved: int
    omitted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """Say what one environment is; `state` is as `caniload env list` has it."""

    line: int | None
    name: str
    kind: Literal["caniload's", "own", "interpreter"]
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PatternLine:
    """Say what an expectation or a skip means, and in how many days it is to be reviewed."""

    line: int | None
    words: str
    outcome: str | None
    reason: str
    issue: str
    review: date
    days_left: int


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold all that a check found; `faults` make a suite unusable, `warnings` do not."""

    models: tuple[ModelLine, ...]
    environments: tuple[EnvironmentLine, ...]
    expect: tuple[PatternLine, ...]
    skip: tuple[PatternLine, ...]
    sources: int
    omitted: dict[str, int]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]


def check(suite: Suite, settings: Settings, store: Store, today: date) -> Checked:
    """Look everything up that a suite names; no hub, registry or interpreter is asked."""
    suite = suite_sources.canonical(suite, store)
    known = environments.specs(settings)
    expansion = suite_sources.expand(suite, store)
    faults = [*expansion.faults, *suite_environments.environment_faults(suite, known)]
    faults += _codes(suite, store) + _project(suite, store)
    faults += [
        suite.told(("skip", index, "review"), expired(each, today))
        for index, each in enumerate(suite.skip)
        if each.review < today
    ]
    places = tuple(_environments(suite, known, settings))
    warnings = [*_empty(suite, expansion), *_reviews(suite, today)]
    warnings += _idle(suite, expansion.sources, [each.name for each in places])
    return Checked(
        tuple(_models(suite, expansion)),
        places,
        tuple(_patterns(suite, "expect", suite.expect, today)),
        tuple(_patterns(suite, "skip", suite.skip, today)),
        len(expansion.sources),
        expansion.omitted,
        tuple(faults),
        tuple(warnings),
    )


def _models(suite: Suite, expansion: Expansion) -> Iterable[ModelLine]:
    resolved = [0] * len(suite.models)
    for source in expansion.sources:
        resolved[source.wish] += source.resolved
    for index, wish in enumerate(suite.models):
        counts = dict(expansion.by_wish[index])
        kept = counts.pop("", 0)
        yield ModelLine(
            suite.line("models", index), wish.words, wish.weights, kept, resolved[index], counts
        )


def _environments(
    suite: Suite, known: Mapping[str, EnvSpec], settings: Settings
) -> Iterable[EnvironmentLine]:
    ready = {each.name: each.marker.digest for each in environments.built(settings)}
    wishes: Sequence[EnvironmentWish] = suite.environments or [
        EnvironmentWish(name=name) for name, spec in known.items() if spec.default
    ]
    for index, wish in enumerate(wishes):
        line = suite.line("environments", index) if suite.environments else None
        if wish.interpreter is not None:
            yield EnvironmentLine(line, wish.name, "interpreter", *_interpreter(suite, wish))
        elif wish.own:
            asked = ", ".join(f"{name} {text}" for name, text in wish.packages.items())
            detail = f"extends {wish.extends}: {asked}" if wish.extends else asked
            found = None
            if wish.extends is None or wish.extends in known:
                found = suite_environments.kept(wish, known, settings)
            state = "not resolved yet"
            if found is not None:
                state = "built" if wish.name in ready else "not built"
                detail += f"; resolved {found.at.date()} as {', '.join(found.requirements)}"
            yield EnvironmentLine(line, wish.name, "own", state, detail)
        elif wish.name in known:
            spec = known[wish.name]
            state = "not built"
            if wish.name in ready:
                state = "built" if ready[wish.name] == spec.digest else "outdated"
            detail = ", ".join(spec.requirements[:4]) + (", …" if spec.requirements[4:] else "")
            yield EnvironmentLine(line, wish.name, "caniload's", state, detail)


def _interpreter(suite: Suite, wish: EnvironmentWish) -> tuple[str, str]:
    """Read what the user's interpreter holds, starting nothing where that can be helped."""
    path = suite.beside(wish.interpreter or "")
    try:
        python = path / "bin" / "python" if path.is_dir() else path
        found = here.read(python)
    except (CaniloadError, OSError) as error:
        return "unreadable", str(error)
    return f"Python {found.python_minor}", f"{wish.interpreter}, {len(found.versions)} packages"


def _patterns(
    suite: Suite, key: str, patterns: Iterable[Expectation | Skip], today: date
) -> Iterable[PatternLine]:
    for index, each in enumerate(patterns):
        yield PatternLine(
            suite.line(key, index),
            each.words,
            each.outcome if isinstance(each, Expectation) else None,
            each.reason,
            each.issue,
            each.review,
            (each.review - today).days,
        )


def _codes(suite: Suite, store: Store) -> list[str]:
    """Complain about diagnoses that no rule makes."""
    words = {str(each) for each in (*Verdict, *Outcome)}
    faults: list[str] = []
    wanted = [(i, e.outcome) for i, e in enumerate(suite.expect) if e.outcome not in words]
    if wanted:
        (rules,) = store.direct("SELECT rules FROM store.failure_rules")[0]
        known = [rule["id"] for rule in json.loads(rules)["rules"]]
        for index, code in wanted:
            if code not in known:
                near = get_close_matches(code, known)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                message = f"no diagnosis has the code {code!r}{hint}"
                faults.append(suite.told(("expect", index, "outcome"), message))
    return faults


def _project(suite: Suite, store: Store) -> list[str]:
    """Complain about words of the project that the catalogue does not have."""
    faults: list[str] = []
    if suite.project is None:
        return faults
    for key, query in (
        ("models", "SELECT unnest(called) FROM store.models"),
        ("datasets", "SELECT lower(unnest([id, name] || aliases)) FROM store.datasets"),
    ):
        names: tuple[str, ...] = getattr(suite.project, key)
        known = [name for (name,) in store.direct(query)] if names else []
        for index, name in enumerate(names):
            if name.lower() not in known:
                near = list(dict.fromkeys(get_close_matches(name.lower(), known)))
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                message = f"no {key[:-1]} named {name!r}{hint}"
                faults.append(suite.told(("project", key, index), message))
    for key in ("deploy", "languages", "needs"):
        for index, word in enumerate(getattr(suite.project, key)):
            try:
                choose_words.read(store, **{key: [word]})
            except UnknownNameError as error:
                faults.append(suite.told(("project", key, index), str(error)))
    return faults


def _empty(suite: Suite, expansion: Expansion) -> Iterable[str]:
    """Warn of queries that find nothing."""
    for index, wish in enumerate(suite.models):
        if not expansion.by_wish[index] and not wish.model:
            yield suite.told(("models", index), "nothing in the catalogue fits")


def _each(suite: Suite) -> Iterable[tuple[str, int, Expectation | Skip]]:
    """Yield expectations and skips, each with its place."""
    yield from (("expect", index, each) for index, each in enumerate(suite.expect))
    yield from (("skip", index, each) for index, each in enumerate(suite.skip))


def _reviews(suite: Suite, today: date) -> Iterable[str]:
    """Warn of reviews that are due soon, and of expectations that are overdue."""
    for key, index, each in _each(suite):
        days = (each.review - today).days
        if days < 0 and key == "expect":
            message = f"was to be reviewed on {each.review}, {-days} days ago: {each.issue}"
            yield suite.told((key, index, "review"), message)
        elif 0 <= days <= SOON_DAYS:
            when = "today" if days == 0 else f"in {days} day{'s' if days > 1 else ''}"
            yield suite.told(
                (key, index, "review"), f"is due {when}, on {each.review}: {each.issue}"
            )


def _idle(suite: Suite, sources: Sequence[SuiteSource], places: Sequence[str]) -> Iterable[str]:
    """Warn of expectations and skips that can mean no cell of this suite."""
    specs = load_specs()
    called = {each.model or "" for each in sources}
    called |= {each.handle for each in sources}
    called |= {each.handle.partition("#")[0].partition("@")[0] for each in sources}
    known = {
        "model": called,
        "loader": set(specs),
        "framework": set(FRAMEWORKS),
        "environment": set(places),
        "device": set(suite.devices),
    }
    for key, index, each in _each(suite):
        for name, words in known.items():
            pattern: str = getattr(each, name)
            if not any(fnmatchcase(word, pattern) for word in words):
                yield suite.told((key, index, name), f"{pattern!r} means no {name} of this suite")
