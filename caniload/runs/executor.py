"""Run planned cells one after another: each ends in one settlement, whatever its worker does."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from caniload.errors import BadInputError, InterpreterError
from caniload.records import Cell, Observation, RunHeader, Settlement, utcnow
from caniload.runs import journal, memory, products
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.job import Job, Obstacle
from caniload.runs.launch import Place
from caniload.runs.observing import observe, observer
from caniload.runs.outcome import Attempt, Settled, settle
from caniload.runs.policy import facts, refusal
from caniload.runs.protocol import Event, Raised
from caniload.runs.redact import Redactor
from caniload.runs.sandbox import SandboxKind
from caniload.runs.supervise import Watched, supervise
from caniload.runs.warm import Warm, may_be_warm
from caniload.settings import Settings
from caniload.words import Outcome, Stage

MAX_ATTEMPTS = 2
"""A harness error is tried once more; every other outcome stands at once."""

OnEvent = Callable[[Cell, Mapping[str, object]], None]
OnSettled = Callable[[Cell, Observation], None]


@dataclass(frozen=True)
class RunResult:
    """A run that is complete: all observations and one settlement for each planned cell."""

    run_id: str
    observations: tuple[Observation, ...]
    settlements: tuple[Settlement, ...]


class Executor:
    """Attempt jobs in fresh processes, sandboxed where the machine can, and record them."""

    def __init__(
        self,
        settings: Settings,
        on_event: OnEvent | None = None,
        on_settled: OnSettled | None = None,
        *,
        worker: Path | None = None,
        sandbox: SandboxKind | None = None,
        warm: bool = False,
    ) -> None:
        """Take where to record and whom to tell.

        `on_event` is handed each worker event as JSON, `on_settled` each cell's last
        observation. `worker` is the folder of the worker's package, ours by default; `sandbox`
        "none" does without the one that the machine has. With `warm`, jobs that may be are
        forked from a process that has imported their library.
        """
        self.settings = settings
        self._on_event = on_event
        self._on_settled = on_settled
        self._worker = worker or Path(__file__).parents[1] / "loaders" / "smoke"
        self._sandbox = sandbox
        self.warm = warm

    def run(self, jobs: Sequence[Job], command: str = "run") -> RunResult:
        """Plan the jobs' cells and attempt them all; a cell that is named twice runs once.

        The plan is on disk before the first worker starts. On `KeyboardInterrupt` and on any
        error the worker is killed and the run can be resumed. Raises `DiskFullError`,
        `PermissionDeniedError`.
        """
        chosen = {job.cell.id: job for job in reversed(jobs)}
        chosen = {job.cell.id: chosen[job.cell.id] for job in jobs}
        now = utcnow()
        header = RunHeader(
            run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            started_at=now,
            command=command,
            observer=observer(self.settings.observer),
            cells=tuple(job.cell for job in chosen.values()),
        )
        segment = journal.Segment.create(self.settings.segments, header)
        return self._go(segment, header, chosen)

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
        scratch = products.scratch_folder(self.settings.home, header.run_id)
        run = _Run(self, segment, header, scratch)
        try:
            if run.place.hierarchy is not None:
                memory.sweep(run.place.hierarchy)
            for cell_id in segment.contents.unsettled:
                run.settle(jobs[cell_id])
            contents = segment.contents
            segment.finish()
        finally:
            run.warm.close()
            segment.close()
            shutil.rmtree(scratch, ignore_errors=True)
        return RunResult(header.run_id, contents.observations, contents.settlements)

    def tell_event(self, cell: Cell, event: Event) -> None:
        """Hand an event on, as JSON."""
        if self._on_event is not None:
            self._on_event(cell, event.model_dump(mode="json"))

    def tell_settled(self, cell: Cell, observation: Observation) -> None:
        """Hand on how a cell ended."""
        if self._on_settled is not None:
            self._on_settled(cell, observation)

    def place(self) -> Place:
        """Find where workers run on this machine."""
        return Place.here(self._worker, self._sandbox)


class _Run:
    """One run in progress."""

    def __init__(
        self, executor: Executor, segment: journal.Segment, header: RunHeader, scratch: Path
    ) -> None:
        self.executor = executor
        self.settings = executor.settings
        self.segment = segment
        self.header = header
        self.scratch = scratch
        self.place = executor.place()
        self._interpreters: dict[Path, Interpreter] = {}
        self.warm = Warm(self.place, scratch)

    def settle(self, job: Job) -> None:
        """Attempt a cell until its outcome stands, and write down how it ended."""
        job = self._derived(job)
        mine = [seen for seen in self._observations() if seen.cell.id == job.cell.id]
        while not mine or (mine[-1].outcome is Outcome.HARNESS_ERROR and len(mine) < MAX_ATTEMPTS):
            observation = self._attempt(job, len(mine) + 1)
            self.segment.append(observation)
            mine.append(observation)
        self.segment.settle(
            Settlement(
                run_id=self.header.run_id,
                cell_id=job.cell.id,
                observations=tuple(seen.id for seen in mine),
                outcome=mine[-1].outcome,
                settled_at=utcnow(),
            )
        )
        self.executor.tell_settled(job.cell, mine[-1])

    def _observations(self) -> tuple[Observation, ...]:
        return self.segment.contents.observations

    def _derived(self, job: Job) -> Job:
        """Give a job that reads an export what that export made, or the reason it has nothing."""
        if job.derived_from is None or job.obstacle is not None:
            return job
        made = [seen for seen in self._observations() if seen.cell.id == job.derived_from]
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

    def _attempt(self, job: Job, number: int) -> Observation:
        """Attempt a cell once."""
        identity = f"{self.header.run_id}-{len(self._observations()) + 1:04d}"
        began = utcnow()
        obstacle = job.obstacle or refusal(job, self.place)
        if obstacle is not None:
            raised = {"type": obstacle.type, "message": obstacle.message}
            event = Raised.model_validate({"event": "exceptions", "exceptions": [raised]})
            settled = Settled(obstacle.outcome, obstacle.stage, obstacle.message)
            seen = Watched(Attempt(action=job.cell.kind, events=(event,)), None, "")
            return self._observation(identity, number, job, began, seen, settled, Redactor())
        try:
            interpreter = self._interpreter(job.interpreter)
        except InterpreterError as error:
            attempt = Attempt(action=job.cell.kind, start_error=str(error))
            seen = Watched(attempt, None, "")
            return self._observation(
                identity, number, job, began, seen, settle(attempt), Redactor()
            )
        return self._worked(identity, number, job, began, interpreter)

    def _worked(
        self, identity: str, number: int, job: Job, began: datetime, interpreter: Interpreter
    ) -> Observation:
        """Run a worker and keep what it made."""
        scratch = self.scratch / identity
        export_to = None
        if job.cell.kind == "export":
            export_to = products.export_folder(self.settings, identity)
        paths: dict[str, Iterable[Path | str]] = {
            "scratch": [scratch],
            "artefact": [job.artefact.root] if job.artefact and job.artefact.root else [],
            "export": [export_to] if export_to else [],
            "env": interpreter.prefixes,
            "worker": [self.place.worker],
            "caniload": [self.settings.home, self.settings.cache],
        }
        try:
            seen = self._watched(job, interpreter, scratch, export_to)
            scratch = seen.scratch or scratch
            settled = settle(seen.attempt)
            observation = self._observation(
                identity, number, job, began, seen, settled, Redactor(paths)
            )
            if export_to is not None and settled.outcome is not Outcome.PASSED:
                shutil.rmtree(export_to, ignore_errors=True)
            return products.keep_blob(observation, scratch / "blobs", self.settings.blobs)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _watched(
        self, job: Job, interpreter: Interpreter, scratch: Path, export_to: Path | None
    ) -> Watched:
        """Watch a worker do a job: a fork where the run is warm and the job may be, else afresh."""

        def tell(event: Event) -> None:
            self.executor.tell_event(job.cell, event)

        if self.executor.warm and job.cell.kind == "attempt" and may_be_warm(job):
            seen = self.warm.watch(job, interpreter, scratch, tell)
            if seen is not None:
                return seen
        return supervise(job, interpreter, self.place, scratch, export_to=export_to, on_event=tell)

    def _observation(
        self,
        identity: str,
        number: int,
        job: Job,
        began: datetime,
        seen: Watched,
        settled: Settled,
        redactor: Redactor,
    ) -> Observation:
        """Assemble the observation of an attempt, its log kept beside."""
        log: tuple[str | None, str] = (None, "")
        if seen.log:
            text = redactor.text(seen.log)
            log = (products.keep_log(self.settings.logs, self.header.run_id, identity, text), text)
        return observe(
            identity=(identity, self.header.run_id),
            number=number,
            cell=job.cell,
            environment=job.environment,
            artefact=job.artefact,
            started_at=began,
            attempt=seen.attempt,
            settled=settled,
            held=seen.sandbox,
            log=log,
            by=self.header.observer,
            redactor=redactor,
            said={**facts(job), **job.facts},
            worker="fresh" if seen.scratch is None else "warm",
        )

    def _interpreter(self, python: Path) -> Interpreter:
        """Ask an interpreter once a run."""
        if python not in self._interpreters:
            self._interpreters[python] = probe(python)
        return self._interpreters[python]
