"""From a plan to a night that can run: its environments ready, its controls, its limits.

Apart from `orders`, so that a night in which nothing is to be attempted imports no executor.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack

from caniload.catalog.diagnosis import load_rules
from caniload.loaders.specs import load_specs
from caniload.runs.controls import Family, control_jobs
from caniload.runs.executor import Executor
from caniload.runs.job import Job
from caniload.runs.making import Spot
from caniload.runs.night import places
from caniload.runs.night.night import Allowed, NightRun
from caniload.runs.night.orders import Order, Prepared
from caniload.runs.watcher import Watcher
from caniload.settings import Settings


def night(
    prepared: Prepared,
    settings: Settings,
    order: Order,
    watcher: Watcher,
    held: ExitStack,
    *,
    executor: Executor | None = None,
) -> NightRun:
    """Make ready the environments that the plan needs and return the night; `held` ends their use.

    `executor` says otherwise how cells are attempted.
    """
    needed = {each.candidate.seat.name for each in prepared.plan.chosen}
    wanted = [each for each in prepared.environments if each.name in needed]
    spots = places.ready(wanted, settings, watcher, held)
    budget = prepared.suite.budget

    def controls(spot: Spot, families: Collection[Family]) -> list[Job]:
        assert spot.interpreter is not None
        return control_jobs(
            spot.name,
            spot.interpreter,
            settings,
            families,
            patches=spot.patches,
            variables=spot.variables,
        )

    return NightRun(
        executor
        or Executor(
            settings, watcher.on_event, watcher.on_settled, warm=True, workers=order.workers
        ),
        prepared.plan,
        spots,
        load_specs(),
        controls,
        load_rules(settings.data / "failures.yaml"),
        Allowed(
            seconds=budget.time_seconds,
            attempt_seconds=budget.attempt_seconds,
            memory_bytes=budget.memory_bytes,
            disk_bytes=budget.disk_bytes,
            verify=order.verify,
        ),
        prepared.local,
    )
