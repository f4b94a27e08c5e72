"""Nights whose cells are scripted: what is planned is real, what a worker does is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripted import ENVIRONMENT, WORKER, ScriptedSpec, make_job

from caniload.catalog.diagnosis import Rules, load_rules
from caniload.catalog.past import Past
from caniload.handles import parse
from caniload.records import Recipe
from caniload.runs.controls import MODEL
from caniload.runs.executor import Executor
from caniload.runs.here import Here
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.job import Job
from caniload.runs.making import Spot
from caniload.runs.night.cells import Candidate, Listed, Seat
from caniload.runs.night.night import Allowed, NightRun
from caniload.runs.night.planning import Ask, NightPlan, plan
from caniload.runs.plan import Trial
from caniload.settings import Settings

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
PYTHON = probe(make_job().interpreter)
RULES: Rules = load_rules(Path(__file__).parents[3] / "caniload" / "data" / "failures.yaml")


def seat(name: str = "here", version: str = "2.13.0") -> Seat:
    """An environment that is built, with one version of torch."""
    here = Here(PYTHON.python, "3.11", "linux-x86_64", {"torch": version}, {})
    return Seat(name, None, here)


def candidate(
    script: str = "pass_",
    label: str | None = None,
    place: Seat | None = None,
    cell_id: str | None = None,
    **arguments: Any,
) -> Candidate:
    """A cell whose worker runs a script; it loads an architecture, so that nothing is fetched."""
    name = label or script
    handle = f"timm:{name}"
    hints = {"script": script, "arguments": arguments}
    recipe = Recipe(weights="random")
    trial = Trial(
        None,
        parse(handle),
        "transformers",
        "pytorch",
        None,
        recipe,
        hints,
        architecture=name,
    )
    place = place or seat()
    listed = Listed(0, handle, trials=(trial,))
    return Candidate(cell_id or name, handle, place, "cpu", recipe.hash, trial, listed)


def past(outcome: str = "passed", seconds: float = 1.0, days: float = 1.0, **more: Any) -> Past:
    """What was seen so many days before the night."""
    from datetime import timedelta

    told = more.get("signature", outcome)
    return Past(NOW - timedelta(days=days), outcome, told, seconds, more.get("memory"))


def planned(*candidates: Candidate, before: dict[str, Past] | None = None) -> NightPlan:
    """A plan of cells, with the past of some by cell id."""
    return plan(candidates, Ask(NOW, max_age=None, again=True), before or {}, lambda _: {})


def controls(*scripts: tuple[str, str]) -> Any:
    """Control jobs that run these scripts, each with the outcome that is expected of it."""

    def jobs(spot: Spot, families: Collection[tuple[str, str]]) -> list[Job]:
        made = []
        for script, expected in scripts:
            arguments = {"message": "no"} if script == "fail" else {}
            job = make_job(script, label=f"control-{script}", arguments=arguments)
            cell = job.cell.model_copy(update={"model": MODEL, "environment": spot.name})
            made.append(replace(job, cell=cell, facts={"expected": expected}))
        return made

    return jobs


GOOD = controls(("pass_", "passed"), ("fail", "failed"))


def night(
    settings: Settings,
    plan: NightPlan,
    *,
    watch: Any = GOOD,
    worker: Path = WORKER,
    on_event: Any = None,
    interpreter: Interpreter = PYTHON,
    workers: int = 1,
    **allowed: Any,
) -> NightRun:
    """A night that is ready to run."""
    names = {each.candidate.seat.name for each in plan.chosen}
    spots = {name: Spot(name, interpreter) for name in names}
    executor = Executor(
        settings, on_event, worker=worker, sandbox="none", warm=False, workers=workers
    )
    specs: Any = {"transformers": Decisive()}
    return NightRun(executor, plan, spots, specs, watch, RULES, Allowed(verify=False, **allowed))


class Decisive(ScriptedSpec):
    """The scripted loader, with what makes an environment's key."""

    decisive = {"pytorch": ("torch",)}  # noqa: RUF012


__all__ = ["ENVIRONMENT", "NOW", "candidate", "controls", "night", "past", "planned", "seat"]
