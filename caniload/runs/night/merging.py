"""Put the shards of one night, measured on several machines, together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from caniload.records import Observation, Settlement
from caniload.runs import journal
from caniload.runs.controls import behaved, is_control
from caniload.runs.night.night import Night
from caniload.settings import Settings

SHARD = "another shard"
"""Why a shard left a cell out that another one attempted."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Several runs as one night, and what they listed, planned and left out together."""

    night: Night
    run_ids: tuple[str, ...]
    listed: int
    planned: int
    omitted: dict[str, int]


def merge(settings: Settings, run_ids: Sequence[str]) -> Merged:
    """Read finished runs of this home as one night, named by the first of them.

    The controls of an environment behaved if they did in every shard. Raises
    `CorruptSegmentError`.
    """
    observations: list[Observation] = []
    settlements: list[Settlement] = []
    omitted: Counter[str] = Counter()
    controls: dict[str, tuple[bool, str]] = {}
    listed = planned = 0
    for run_id in run_ids:
        found = journal.read(settings.segments / run_id)
        observations += found.observations
        settlements += found.settlements
        told = found.header.plan
        listed = max(listed, int(told.get("listed", 0)))
        planned += int(told.get("planned", 0))
        omitted.update({why: n for why, n in told.get("omitted", {}).items() if why != SHARD})
        names = {cell.environment for cell in found.header.cells if is_control(cell)}
        for name in sorted(names):
            ok, why = behaved(x for x in found.observations if x.cell.environment == name)
            if controls.get(name, (True, ""))[0]:
                controls[name] = ok, why
    night = Night(run_ids[0], tuple(observations), tuple(settlements), controls)
    return Merged(night, tuple(run_ids), listed, planned, dict(sorted(omitted.items())))
