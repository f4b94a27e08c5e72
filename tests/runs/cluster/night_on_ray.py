"""One night on a Ray cluster, its cells scripted; the driver of `test_night_on_ray`.

Started with the address and the cells' labels and scripts as JSON; prints what came of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from caniload.catalog.diagnosis import load_rules
from caniload.handles import parse
from caniload.loaders.specs import load_specs
from caniload.records import Recipe
from caniload.runs import environments
from caniload.runs.cluster import connected, ray_executor
from caniload.runs.controls import MODEL
from caniload.runs.envspecs import EnvSpec
from caniload.runs.here import Here
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.job import Job
from caniload.runs.making import Limits, Spot, job_of
from caniload.runs.night.cells import Candidate, Listed, Seat
from caniload.runs.night.night import Allowed, NightRun
from caniload.runs.night.planning import Ask, plan
from caniload.runs.plan import Trial
from caniload.settings import Settings

RUNS = Path(__file__).parents[1]
WORKER = RUNS / "scripted_worker"
SPEC = EnvSpec(
    name="tiny",
    about="Tiny.",
    python=">=3.11",
    frameworks=("pytorch",),
    loaders=("transformers",),
    requirements=("torch==2.13.0",),
    disk_bytes=20_000_000,
)


def trial(label: str, script: str, arguments: dict[str, object]) -> Trial:
    hints = {"script": script, "arguments": arguments}
    recipe = Recipe(weights="random")
    handle = parse(f"timm:{label}")
    return Trial(None, handle, "transformers", "pytorch", "tiny", recipe, hints, architecture=label)


def candidate(label: str, script: str, arguments: dict[str, object], here: Here) -> Candidate:
    made = trial(label, script, arguments)
    listed = Listed(0, f"timm:{label}", trials=(made,))
    seat = Seat("tiny", SPEC, here)
    return Candidate(label, f"timm:{label}", seat, "cpu", made.recipe.hash, made, listed)


def controls(spot: Spot, families: Collection[tuple[str, str]]) -> list[Job]:
    jobs = []
    for script, expected in (("pass_", "passed"), ("fail", "failed")):
        made = trial(f"control-{script}", script, {"message": "no"} if script == "fail" else {})
        job = job_of(made, None, spot, load_specs()["transformers"], Limits())
        cell = job.cell.model_copy(update={"model": MODEL})
        jobs.append(replace(job, cell=cell, facts={"expected": expected}))
    return jobs


def main() -> None:
    address, text = sys.argv[1:]
    settings = Settings.read()
    with environments.use(SPEC, settings) as python, connected(address) as cluster:
        found: Interpreter = probe(python)
        here = Here(found.python, found.minor, found.platform, found.distributions, {})
        cells = [candidate(*each, here) for each in json.loads(text)]
        night = NightRun(
            ray_executor(cluster, settings, {"tiny": SPEC}, worker=WORKER, sandbox="none"),
            plan(cells, Ask(NOW, max_age=None, again=True), {}, lambda _: {}),
            {"tiny": Spot("tiny", found)},
            load_specs(),
            controls,
            load_rules(settings.data / "failures.yaml"),
            Allowed(verify=False),
        )
        result = night.run("nightly on ray")
    told = {
        "run_id": result.run_id,
        "planned": [cell.id for cell in night.cells],
        "settled": [(each.cell_id, str(each.outcome)) for each in result.settlements],
        "controls": result.controls,
        "seen": [
            {
                "label": each.cell.handle.removeprefix("timm:"),
                "outcome": str(each.outcome),
                "message": each.message,
                "node": each.facts.get("node"),
                "lost": each.facts.get("lost"),
                "lock": each.environment.lock,
                "log": each.log is not None and (settings.logs / each.log).exists(),
            }
            for each in result.observations
        ],
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    from datetime import UTC, datetime

    NOW = datetime.now(UTC)
    main()
