"""Who makes attempts: this machine, or the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from caniload.records import Observation, RunHeader
from caniload.runs.job import Job
from caniload.runs.launch import Place
from caniload.runs.supervise import Stop
from caniload.runs.warm import Warm


class Hands(Protocol):
    """Make attempts for one run; threads share it. `Attempting` are those of this machine."""

    @property
    def warm(self) -> Warm | None:
        """The warm workers of this machine, None where there are none."""

    def places(self) -> tuple[str | None, ...]:
        """Return the names of the machines on which a control has to be tried."""

    def attempt(self, job: Job, number: int, identity: str) -> Observation:
        """Attempt a job once and return what was seen; raises `StoppedError`, `DiskFullError`."""

    def close(self) -> None:
        """End what is still running, and remove what workers wrote."""


Bringing = Callable[[RunHeader, Place, Stop], Hands]
"""From a run, where this machine's workers run and what ends it, to who makes its attempts."""
