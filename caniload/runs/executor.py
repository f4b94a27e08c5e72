"""Run planned cells: each ends in one settlement, whatever its worker does."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from caniload.errors import BadInputError
from caniload.records import Cell, Observation, RunHeader, Settlement, utcnow
from caniload.runs import journal, memory, products
from caniload.runs.attempting import Attempting, OnEvent
from caniload.runs.crew import Admission, Crew
from caniload.runs.hands import Bringing, Hands
from caniload.runs.job import Job, Obstacle
from caniload.runs.launch import Place
from caniload.runs.observing import observer
from caniload.runs.sandbox import SandboxKind
from caniload.runs.supervise import Stop
from caniload.settings import Settings
from caniload.words import Outcome, Stage

MAX_ATTEMPTS = 2
"""A harness error is tried once more; every other outcome stands at once."""

OnSettled = Callable[[Cell, Observation], None]


@dataclass(frozen=True)
class RunResult:
    """A run that is complete: all observations and one settlement for each planned cell."""

    run_id: str
    observations: tuple[Observation, ...]
    settlements: tuple[Settlement, ...]


class Executor:
    """Attempt jobs, in processes sandboxed where the machine can, and record them."""

    def __init__(
        self,
        settings: Settings,
        on_event: OnEvent | None = None,
        on_settled: OnSettled | None = None,
        *,
        worker: Path | None = None,
        sandbox: SandboxKind | None = None,
        warm: bool = False,
        workers: int = 1,
        hands: Bringing | None = None,
    ) -> None:
        """Take where to record and whom to tell.

        `on_event` is handed each worker event as JSON, `on_settled` each cell's last
        observation. `worker` is the folder of the worker's package, ours by default; `sandbox`
        "none" does without the one that the machine has. With `warm`, jobs that may be are
        forked from a process that has imported their library. `workers` is how many cells are
        attempted at once. `hands` makes what makes the attempts, if that is not this machine.
        """
        self.settings = settings
        self.on_event = on_event
        self._on_settled = on_settled
        self._worker = worker or Path(__file__).parents[1] / "loaders" / "smoke"
        self._sandbox = sandbox
        self.warm = warm
        self.workers = workers
        self.hands = hands

    def run(self, jobs: Sequence[Job], command: str = "run") -> RunResult:
        """Plan the jobs' cells and attempt them all; a cell that is named twice runs once.

        The plan is on disk before the first worker starts. On `KeyboardInterrupt` and on any
        error the worker is killed and the run can be resumed. Raises `DiskFullError`,
        `PermissionDeniedError`.
        """
        chosen = {job.cell.id: job for job in reversed(jobs)}
        chosen = {job.cell.id: chosen[job.cell.id] for job in jobs}
        header = self.header(command, [job.cell for job in chosen.values()])
        segment = journal.Segment.create(self.settings.segments, header)
        return self._go(segment, header, chosen)

    def header(
        self, command: str, cells: Sequence[Cell], plan: Mapping[str, object] | None = None
    ) -> RunHeader:
        """Return what opens a new run of these cells."""
        now = utcnow()
        return RunHeader(
            run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            started_at=now,
            command=command,
            observer=observer(self.settings.observer),
            cells=tuple(cells),
            plan=dict(plan or {}),
        )

    def resume(self, run_id: str, jobs: Sequence[Job]) -> RunResult:
        """Take up a run where it was cut off; `jobs` are as planned, the settled may be missing.

        A cell whose observation was written before the cut is settled by it, not tried again.
        Raises what `journal.Segment.resume` does, and `BadInputError` for a job that is missing.
        """
        chosen = {job.cell.id: job for job in jobs}
        segment = journal.Segment.resume(self.settings.segments, run_id)
        missing = [cell for cell in segment.contents.unsettled if cell not in chosen]
        if missing:
            segment.close()
            raise BadInputError(
                f"run {run_id} planned {len(missing)} cells that are not given now",
                "start a new run instead",
            )
        return self._go(segment, segment.contents.header, chosen)

    def _go(
        self, segment: journal.Segment, header: RunHeader, jobs: Mapping[str, Job]
    ) -> RunResult:
        """Bring every unsettled cell to its settlement, then finish the segment."""
        segments = self.settings.segments
        products.sweep_scratch(self.settings.home, lambda run: journal.is_live(segments, run))
        stop = Stop()
        run = Running(self, segment, header, jobs, stop)
        crew: Crew[str] = Crew(self.workers, Admission.here(), stop)
        try:
            if run.place.hierarchy is not None:
                memory.sweep(run.place.hierarchy)
            unsettled = segment.contents.unsettled
            crew.work([each for each in unsettled if jobs[each].derived_from is None], run.settle)
            crew.work([each for each in unsettled if jobs[each].derived_from], run.settle)
            contents = segment.contents
            segment.finish()
        finally:
            run.attempting.close()
            segment.close()
            stop.close()
        return RunResult(header.run_id, contents.observations, contents.settlements)

    def tell_settled(self, cell: Cell, observation: Observation) -> None:
        """Hand on how a cell ended."""
        if self._on_settled is not None:
            self._on_settled(cell, observation)

    def place(self) -> Place:
        """Find where workers run on this machine."""
        return Place.here(self._worker, self._sandbox)


class Running:
    """One run in progress; threads share it."""

    def __init__(
        self,
        executor: Executor,
        segment: journal.Segment,
        header: RunHeader,
        jobs: Mapping[str, Job],
        stop: Stop,
    ) -> None:
        """Take the open segment; `jobs` are what `settle` is asked for, by cell id."""
        self.executor = executor
        self.settings = executor.settings
        self.segment = segment
        self.header = header
        self.jobs = jobs
        self.place = executor.place()
        self.attempting: Hands
        if executor.hands is not None:
            self.attempting = executor.hands(header, self.place, stop)
        else:
            self.attempting = Attempting(
                executor.settings,
                header,
                self.place,
                planned=list(jobs.values()),
                warm=executor.warm,
                on_event=executor.on_event,
                stop=stop,
            )
        self._lock = threading.Lock()
        self._number = max(map(_number, segment.contents.observations), default=0)

    def settle(self, cell_id: str) -> None:
        """Attempt a cell until its outcome stands, and write down how it ended."""
        job = self.derived(self.jobs[cell_id])
        mine = list(self.segment.of(cell_id))
        while not mine or (mine[-1].outcome is Outcome.HARNESS_ERROR and len(mine) < MAX_ATTEMPTS):
            mine.append(self.attempt(job, len(mine) + 1))
        self.close(cell_id, mine)

    def attempt(self, job: Job, number: int) -> Observation:
        """Attempt a job once; what was seen is in the journal when this returns."""
        with self._lock:
            self._number += 1
            identity = f"{self.header.run_id}-{self._number:04d}"
        observation = self.attempting.attempt(job, number, identity)
        with self._lock:
            self.segment.append(observation)
        return observation

    def close(
        self, cell_id: str, mine: Sequence[Observation], outcome: Outcome | None = None
    ) -> None:
        """Settle a cell by its observations: as the last of them ended, or as is said.

        One without any, that was planned and not come to, is a harness error.
        """
        ended = mine[-1].outcome if mine else Outcome.HARNESS_ERROR
        settlement = Settlement(
            run_id=self.header.run_id,
            cell_id=cell_id,
            observations=tuple(seen.id for seen in mine),
            outcome=outcome or ended,
            settled_at=utcnow(),
        )
        with self._lock:
            self.segment.settle(settlement)
            if mine:
                self.executor.tell_settled(mine[-1].cell, mine[-1])

    def derived(self, job: Job) -> Job:
        """Give a job that reads an export what that export made, or the reason it has nothing."""
        if job.derived_from is None or job.obstacle is not None:
            return job
        made = self.segment.of(job.derived_from)
        if not made or made[-1].outcome is not Outcome.PASSED:
            why = f"{made[-1].outcome} in {made[-1].id}" if made else "not in this run"
            message = f"the export that makes this artefact did not pass ({why})"
            obstacle = Obstacle(Outcome.UNAVAILABLE, Stage.FETCH, "caniload.NoExport", message)
            return replace(job, obstacle=obstacle)
        parent = made[-1].id
        cell = job.cell.model_copy(update={"parent_observation": parent})
        artefact = products.exported_artefact(
            products.export_folder(self.settings, parent), cell.handle, parent
        )
        return replace(job, cell=cell, artefact=artefact)


def _number(seen: Observation) -> int:
    """Return which of its run's attempts an observation is of.

    Those before it need not all be there: of several that went on at once when a run was cut
    off, a later one may have ended first.
    """
    return int(seen.id.rpartition("-")[2])
