"""Attempt one job: a worker, fresh or forked, and the observation of what became of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from caniload.errors import InterpreterError
from caniload.records import Cell, Observation, RunHeader, utcnow
from caniload.runs import products
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.job import Job
from caniload.runs.launch import Place
from caniload.runs.observing import observe
from caniload.runs.outcome import Attempt, Settled, settle
from caniload.runs.policy import facts, refusal
from caniload.runs.protocol import Event, Raised
from caniload.runs.redact import Redactor
from caniload.runs.supervise import Stop, Watched, supervise
from caniload.runs.warm import Warm, may_be_warm
from caniload.settings import Settings
from caniload.words import Outcome

OnEvent = Callable[[Cell, Mapping[str, object]], None]


class Attempting:
    """Make attempts for one run; threads may share it."""

    def __init__(
        self,
        settings: Settings,
        header: RunHeader,
        place: Place,
        *,
        planned: Sequence[Job] = (),
        warm: bool = False,
        on_event: OnEvent | None = None,
        stop: Stop | None = None,
        scratch: Path | None = None,
    ) -> None:
        """Take whose attempts they are, where workers run, and what will be asked for.

        With `warm`, jobs that may be are forked from a process that has imported their library.
        `stop` ends what is being watched. `scratch` is where workers write, if not below the
        home under the run's name, which one process has to itself.
        """
        self.settings = settings
        self.header = header
        self.place = place
        self.scratch = scratch or products.scratch_folder(settings.home, header.run_id)
        self.warm = Warm(place, self.scratch, planned) if warm else None
        self._on_event = on_event
        self._stop = stop
        self._lock = threading.Lock()
        self._interpreters: dict[Path, Interpreter] = {}

    def places(self) -> tuple[str | None, ...]:
        """Return where a control has to be tried: here, which has no name."""
        return (None,)

    def close(self) -> None:
        """End what is warm and remove what workers wrote."""
        if self.warm is not None:
            self.warm.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def attempt(self, job: Job, number: int, identity: str) -> Observation:
        """Attempt a job once and return what was seen; raises `StoppedError`, `DiskFullError`."""
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
            if self._on_event is not None:
                self._on_event(job.cell, event.model_dump(mode="json"))

        if self.warm is not None and may_be_warm(job):
            seen = self.warm.watch(job, interpreter, scratch, tell, self._stop)
            if seen is not None:
                return seen
        return supervise(
            job,
            interpreter,
            self.place,
            scratch,
            export_to=export_to,
            on_event=tell,
            stop=self._stop,
        )

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
        with self._lock:
            if python not in self._interpreters:
                self._interpreters[python] = probe(python)
            return self._interpreters[python]
