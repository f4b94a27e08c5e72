"""The pages of runs and of environments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caniload.catalog import questions
from caniload.catalog.answers import RunAnswer
from caniload.catalog.store import Store
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site import paths, plots, words
from caniload.publish.site.facts import Facts
from caniload.publish.site.page import Page
from caniload.publish.site.page_lists import listing_page
from caniload.publish.site.tabling import Field, Listing, Section, Table, number, text
from caniload.words import CONTROL, COPY_OF

DAYS = 30
"""So many days, the latest, stand in the plot of observations."""
_HEAD = ("observation", "what", "loader", "framework", "outcome", "took", "memory", "why")
_ENVIRONMENTS = """
SELECT environment, environment_key, arg_max(python_minor, started_at) AS python_minor,
    arg_max(platform, started_at) AS platform, arg_max(decisive, started_at) AS decisive,
    arg_max(lock, started_at) AS lock, arg_max(patches, started_at) AS patches,
    count(*) AS observations, count(*) FILTER (outcome = 'passed') AS passed,
    count(DISTINCT cell_id) AS cells, min(started_at)::DATE AS first, max(started_at)::DATE AS last
FROM observations WHERE environment IS NOT NULL
GROUP BY environment, environment_key ORDER BY environment, last DESC, environment_key
"""


def pages(store: Store, facts: Facts) -> Iterator[Page]:
    """Yield the lists and a page for each run and environment."""
    yield listing_page("runs/", _runs(facts), facts)
    for run in facts.runs:
        yield listing_page(paths.run(run.run_id), _run(store, run, facts), facts)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.rows(_ENVIRONMENTS):
        found.setdefault(row["environment"], []).append(row)
    yield listing_page("environments/", _environments(found), facts)
    for name, states in found.items():
        yield listing_page(paths.environment(name), _environment(name, states), facts)


def _runs(facts: Facts) -> Listing:
    rows = [
        (
            Field(run.run_id, to=f"{paths.run(run.run_id)}index.html"),
            Field(day=words.day(run.started_at)),
            number(run.observations),
            number(run.passed),
            text(_models(run)),
            text(run.observer),
        )
        for run in facts.runs
    ]
    head = ("run", "day", "observations", "passed", "models", "observer")
    days: dict[str, Counter[str]] = {}
    for run in facts.runs:
        told = days.setdefault(words.day(run.started_at), Counter())
        told["passed"] += run.passed
        told["not passed"] += run.observations - run.passed
    plot = plots.bars(sorted(days.items())[-DAYS:], "Observations by day, passed and not passed")
    table = Table("Runs", head, rows, "data/runs")
    sections = (
        Section("days", "By day", plot=plot if days else None),
        Section("runs", "Every run", table=table),
    )
    lead = f"{words.count(len(rows), 'run')} on record, the latest first."
    return Listing("Runs", "runs", lead, sections, unmeasured="" if rows else UNMEASURED)


def _run(store: Store, run: RunAnswer, facts: Facts) -> Listing:
    names = {model.id: model.name for model in facts.models}
    cells = {each.cell.cell_id for each in facts.evidence}
    seen = questions.evidence(store, run=run.run_id)
    rows, anchors = [], []
    for one in reversed(seen):
        anchors.append(one["id"])
        known = one["model"] in names
        shown = one["cell_id"] in cells  # controls and cells without a verdict have no page
        to = paths.model(one["model"]) if known else paths.source(one["handle"])
        what = names[one["model"]] if known else one["source"]
        rows.append(
            (
                Field(one["id"].removeprefix(run.run_id).lstrip("-") or one["id"]),
                Field(what, to=f"{to}index.html#cell-{one['cell_id']}" if shown else None),
                text(one["loader"] + _told(one)),
                text(f"{words.framework(one['framework'])} {one['framework_version'] or ''}"),
                text(f"{one['outcome']} at {one['stage']}"),
                Field(words.seconds(one["wall_seconds"]), number=True),
                Field(words.size(one["peak_memory_bytes"]), number=True),
                text(one["code"] or _first(one["message"]) if one["outcome"] != "passed" else ""),
            )
        )
    facts_ = (
        ("Began", Field(day=words.day(run.started_at))),
        ("Observations", text(f"{run.observations:,}, of which {run.passed:,} passed")),
        ("Observer", text(run.observer)),
        ("caniload", text(sorted({one["caniload_version"] for one in seen}))),
    )
    table = Table(f"Observations of {run.run_id}", _HEAD, rows, anchors=anchors)
    sections = (
        Section("facts", "", facts=facts_),
        Section("observations", "Observations", table=table),
    )
    return Listing(
        run.run_id, "runs", "One run, as it was recorded.", sections, (("runs/", "Runs"),)
    )


def _models(run: RunAnswer) -> list[str]:
    """Name the models of a run, its controls left out; a long list ends in how many more."""
    found = [name for name in run.models if name != CONTROL]
    return found[:4] + ([f"{len(found) - 4} more"] if len(found) > 4 else [])


def _told(seen: Mapping[str, Any]) -> str:
    options = (seen["recipe"] or {}).get("options") or {}
    random = " (random weights)" if seen["weights"] == "random" else ""
    return "".join(f" {key}={value}" for key, value in options.items()) + random


def _first(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    return lines[0][:200] if lines else ""


def _environments(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Listing:
    rows = [
        (
            Field(name, to=f"{paths.environment(name)}index.html"),
            text(states[0]["python_minor"]),
            text(words.pairs(_read(states[0]["decisive"]))),
            number(sum(state["observations"] for state in states)),
            number(sum(state["passed"] for state in states)),
            Field(day=words.day(max(state["last"] for state in states))),
        )
        for name, states in found.items()
    ]
    head = ("environment", "Python", "decisive packages", "observations", "passed", "last used")
    table = Table("Environments", head, rows, "data/environments")
    lead = "Where it was measured: the packages that were installed, each in its version."
    return Listing(
        "Environments", "environments", lead, (Section("all", "", table=table),),
        unmeasured="" if rows else UNMEASURED,
    )  # fmt: skip


def _environment(name: str, states: Sequence[Mapping[str, Any]]) -> Listing:
    sections = []
    for state in states:
        key = state["environment_key"] or "unknown"
        lock = _read(state["lock"])
        many = f"{state['passed']:,} of {state['observations']:,}"
        told = (
            ("Python", text(f"{state['python_minor']}, {state['platform']}")),
            ("Decisive packages", text(words.pairs(_read(state["decisive"])))),
            ("Patches", text(_patches(state["patches"]))),
            ("Observations that passed", text(f"{many}, in {words.count(state['cells'], 'cell')}")),
            ("Used", text(f"{state['first']} to {state['last']}")),
        )
        rows = [(text(package), text(version)) for package, version in sorted(lock.items())]
        table = Table(f"Packages of {name} {key}", ("package", "version"), rows)
        sections.append(Section(f"key-{key}", f"State {key}", facts=told, table=table))
    copy = name.startswith(COPY_OF)
    lead = (
        f"A copy of {name.removeprefix(COPY_OF)}, in which versions were moved to find a change."
        if copy
        else "The versions that were installed when it was measured, the latest state first."
    )
    return Listing(name, "environments", lead, sections, (("environments/", "Environments"),))


def _read(value: str | None) -> dict[str, Any]:
    import json

    found = json.loads(value) if value else {}
    return found if isinstance(found, dict) else {}


def _patches(value: str | None) -> list[str]:
    import json

    found = json.loads(value) if value else []
    return [str(one) for one in found]
