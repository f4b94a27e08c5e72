"""Run a planned night: environment by environment, controls first and last, cells between.

A cell is settled when the controls of its environment have had their last word. The segment is
finished, and so visible, when everything is settled; a night that is cut off goes on where it
stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from caniload.catalog.diagnosis import Failure, Rules, diagnose
from caniload.errors import BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.spec import LoaderSpec
from caniload.records import Cell, FetchedArtefact, Observation, Settlement, digest
from caniload.runs import journal, memory, products
from caniload.runs.controls import FOLDER, Family, behaved, is_control
from caniload.runs.crew import Admission, Crew
from caniload.runs.executor import Executor, Running
from caniload.runs.job import Elsewhere, Job
from caniload.runs.making import Limits, Spot, job_of
from caniload.runs.night.judging import again
from caniload.runs.night.planning import NightPlan, Planned
from caniload.runs.night.supply import Supply
from caniload.runs.supervise import Stop
from caniload.runs.warm import shown
from caniload.words import Fault, Outcome

CHUNK = 64
"""Cells whose artefacts are on disk together, at most."""

SLOWER = 10.0
"""A first attempt may take so many times what the slowest earlier one took; a repeat may take
all that the suite allows."""

LEAST_SECONDS = 60.0
"""No attempt gets less."""

Controls = Callable[[Spot, Collection[Family]], list[Job]]
"""From an environment and the (loader, framework) pairs of its cells to its control jobs."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The limits of a night; bytes and seconds.

    `seconds` ends the night: what has not begun by then is not attempted. `disk_bytes` is what
    fetched artefacts may take together.
    """

    seconds: float | None = None
    attempt_seconds: float = 600.0
    memory_bytes: int | None = None
    attempt_memory_bytes: int | None = None
    disk_bytes: int | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Night:
    """What a night came to: `controls` says by environment whether they behaved, and why not."""

    run_id: str
    observations: tuple[Observation, ...]
    settlements: tuple[Settlement, ...]
    controls: dict[str, tuple[bool, str]] = field(default_factory=dict)
    evicted: tuple[str, ...] = ()


class NightRun:
    """One night in progress."""

    def __init__(
        self,
        executor: Executor,
        plan: NightPlan,
        spots: Mapping[str, Spot],
        specs: Mapping[str, LoaderSpec],
        controls: Controls,
        rules: Rules,
        allowed: Allowed,
        local: Sequence[FetchedArtefact] = (),
    ) -> None:
        """Take the plan and where its environments stand, by the suite's names.

        `local` are the artefacts that lie on this machine, as files.
        """
        self.local = local
        self.executor = executor
        self.plan = plan
        self.spots = spots
        self.specs = specs
        self.rules = rules
        self.allowed = allowed
        self.run_id: str | None = None
        self._elsewhere = executor.hands is not None
        self._ends = None if allowed.seconds is None else time.monotonic() + allowed.seconds
        self.planned: dict[str, Planned] = {}
        self._cells: dict[int, Cell] = {}
        for each in plan.chosen:
            cell = self._cell(each)
            self._cells[id(each.candidate)] = cell
            self.planned[cell.id] = each
        self._blocks = self._by_environment()
        families: dict[str, set[tuple[str, str]]] = {}
        for name, block in self._blocks:
            families.setdefault(name, set()).update(
                (each.candidate.loader, each.candidate.framework) for each in block
            )
        self._controls = {
            name: [_own(job, name) for job in controls(spots[name], pairs)]
            for name, pairs in families.items()
            if spots[name].interpreter is not None
        }

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, the controls' first."""
        watched = [job.cell for jobs in self._controls.values() for job in jobs]
        return (*watched, *(self._cells[id(each.candidate)] for each in self.plan.chosen))

    def run(self, command: str) -> Night:
        """Attempt everything and finish the segment; raises `KeyboardInterrupt`, `StoreError`.

        However it ends, what was seen is in the journal.
        """
        header = self.executor.header(command, self.cells, self.plan.as_dict())
        self.run_id = header.run_id
        return self._go(journal.Segment.create(self.executor.settings.segments, header))

    def resume(self, run_id: str) -> Night:
        """Take up a night that was cut off; its plan stands, whatever would be planned now.

        Raises `BadInputError` when the suite no longer holds what was planned, and what
        `journal.Segment.resume` raises.
        """
        segment = journal.Segment.resume(self.executor.settings.segments, run_id)
        self.run_id = run_id
        known = {cell.id for cell in self.cells}
        missing = [cell for cell in segment.contents.unsettled if cell not in known]
        if missing:
            segment.close()
            raise BadInputError(
                f"run {run_id} planned {len(missing)} cells that the suite no longer holds",
                "start a new night instead",
            )
        return self._go(segment)

    def _go(self, segment: journal.Segment) -> Night:
        settings, header = self.executor.settings, segment.contents.header
        products.sweep_scratch(settings.home, lambda run: journal.is_live(settings.segments, run))
        stop = Stop()
        running = Running(self.executor, segment, header, {}, stop)
        supply = Supply(settings, verify=self.allowed.verify, disk_bytes=self.allowed.disk_bytes)
        supply.have(self.local)
        admission = Admission.here(self.allowed.memory_bytes)
        if self._elsewhere:  # each node is admitted to by who schedules
            admission = Admission(float("inf"))
        crew: Crew[Job] = Crew(self.executor.workers, admission, stop, self._need)
        said: dict[str, tuple[bool, str]] = {}
        evicted: list[str] = []
        try:
            if running.place.hierarchy is not None:
                memory.sweep(running.place.hierarchy)
            open_cells = set(segment.contents.unsettled)
            for number, (name, block) in enumerate(self._blocks):
                ok, why = self._block(name, block, open_cells, running, supply, crew, evicted)
                if said.get(name, (True, ""))[0]:
                    said[name] = ok, why
                if name not in {later for later, _ in self._blocks[number + 1 :]}:
                    for job in self._controls.get(name, ()):
                        if job.cell.id in open_cells:
                            running.close(job.cell.id, running.segment.of(job.cell.id))
            contents = segment.contents
            segment.finish()
        finally:
            supply.close()
            running.attempting.close()
            segment.close()
            stop.close()
        return Night(
            header.run_id, contents.observations, contents.settlements, said, tuple(evicted)
        )

    def _block(
        self,
        name: str,
        block: Sequence[Planned],
        open_cells: Collection[str],
        running: Running,
        supply: Supply,
        crew: Crew[Job],
        evicted: list[str],
    ) -> tuple[bool, str]:
        """Attempt and settle one environment's cells; say whether its controls behaved."""
        cells = [self._cells[id(each.candidate)] for each in block]
        cells = [cell for cell in cells if cell.id in open_cells]
        controls = [job for job in self._controls.get(name, ()) if job.cell.id in open_cells]
        if not cells and not controls:
            return True, "settled before"
        warm = running.attempting.warm
        if warm is not None:
            warm.holding = True
            warm.always = tuple(path for job in controls for path in shown(job))
        self._watch(controls, running, crew)
        chunks = list(self._chunks([self.planned[cell.id] for cell in cells]))
        for number, chunk in enumerate(chunks):
            for nearby in chunks[number : number + 2]:
                supply.ahead(self._wanted(nearby))
            self._attempt(chunk, running, supply, crew)
            handles = [handle for handle, _ in self._wanted(chunk)]
            later = {handle for rest in chunks[number + 1 :] for handle, _ in self._wanted(rest)}
            evicted += supply.let_go([each for each in handles if each not in later])
        self._watch(controls, running, crew)
        if warm is not None:
            warm.rest()
        seen = [each for job in controls for each in running.segment.of(job.cell.id)]
        spot = self.spots[name]
        ok, why = behaved(seen) if spot.interpreter is not None else (True, "not built")
        for cell in cells:
            mine = running.segment.of(cell.id)
            running.close(cell.id, mine, None if ok else Outcome.HARNESS_ERROR)
        return ok, why

    def _watch(self, controls: Sequence[Job], running: Running, crew: Crew[Job]) -> None:
        """Attempt each control once more, on each node; what came of it is judged at the end."""
        if not self._elsewhere:
            for job in controls:
                running.attempt(job, len(running.segment.of(job.cell.id)) + 1)
            return
        seen = {job.cell.id: len(running.segment.of(job.cell.id)) for job in controls}
        numbered: dict[int, int] = {}
        jobs: list[Job] = []
        for place, node in enumerate(running.attempting.places(), start=1):
            for job in controls:
                jobs.append(replace(job, elsewhere=_control(job, node)))
                numbered[id(jobs[-1])] = seen[job.cell.id] + place
        crew.work(jobs, lambda job: _ignore(running.attempt(job, numbered[id(job)])))

    def _attempt(
        self, chunk: Sequence[Planned], running: Running, supply: Supply, crew: Crew[Job]
    ) -> None:
        """Attempt the cells of a chunk, and those again whose outcome does not count yet."""
        jobs = {job.cell.id: job for job in (self._job(each, supply) for each in chunk)}
        if running.attempting.warm is not None:
            running.attempting.warm.expect(jobs.values())
        waiting = [job for job in jobs.values() if self._undecided(job, running)]
        while waiting:
            crew.work(waiting, lambda job: self._once(job, running))
            if self._over():
                return
            waiting = [job for job in waiting if self._undecided(job, running)]

    def _once(self, job: Job, running: Running) -> None:
        """Attempt a cell once, unless the night is over."""
        if self._over():
            return
        number = len(running.segment.of(job.cell.id)) + 1
        if number > 1:
            job = replace(job, timeout_seconds=self.allowed.attempt_seconds)
        running.attempt(running.derived(job), number)

    def _undecided(self, job: Job, running: Running) -> bool:
        """Tell whether a cell is to be attempted, for the first time or again."""
        seen = running.segment.of(job.cell.id)
        if not seen:
            return True
        if job.obstacle is not None:
            return False
        return again(seen, self.planned[job.cell.id].before, self._fault(seen[-1]))

    def _over(self) -> bool:
        return self._ends is not None and time.monotonic() > self._ends

    def _fault(self, seen: Observation) -> Fault | None:
        """Return whose fault a failure is, by its diagnosis."""
        if seen.outcome is Outcome.PASSED:
            return None
        found = diagnose(
            self.rules,
            Failure(
                outcome=str(seen.outcome),
                stage=str(seen.stage),
                exceptions=tuple(
                    (each.type, each.message, each.relation) for each in seen.exceptions
                ),
                message=seen.message,
                log_excerpt=seen.log_excerpt,
                loader=seen.cell.loader,
                framework=seen.cell.framework,
                versions={**seen.environment.lock, **seen.environment.decisive},
                signal=seen.signal,
            ),
        )
        return None if found is None else found.fault

    def _job(self, each: Planned, supply: Supply) -> Job:
        """Return a cell's job, its artefact fetched; a hub's "no" is its obstacle."""
        candidate = each.candidate
        trial = candidate.made()
        artefact: FetchedArtefact | HubError | None = None
        if _fetched(each) and not self._remote(each):
            artefact = supply.get(trial.handle, trial.sha256)
        parent = candidate.parent
        job = job_of(
            trial,
            artefact,
            self.spots[candidate.seat.name],
            self.specs[trial.loader],
            Limits(candidate.device, self._timeout(each), self.allowed.attempt_memory_bytes),
            None if parent is None else self._cells[id(parent)].id,
        )
        job = replace(job, cell=self._cells[id(candidate)])
        if not self._remote(each):
            return job
        handle = str(trial.handle) if _fetched(each) else None
        needs = Elsewhere(handle, trial.sha256, trial.hints, None, self._need(job))
        return replace(job, elsewhere=needs)

    def _remote(self, each: Planned) -> bool:
        """Tell whether a node attempts a cell; an export and its readers stay on one machine."""
        return self._elsewhere and not (each.candidate.parent or each.candidate.trial.export_format)

    def _cell(self, each: Planned) -> Cell:
        """Return the cell as it is planned, before anything is fetched."""
        candidate = each.candidate
        trial = candidate.made()
        spot = self.spots[candidate.seat.name]
        limits = Limits(candidate.device)
        return job_of(trial, None, spot, self.specs[trial.loader], limits).cell

    def _timeout(self, each: Planned) -> float:
        """Return how long a first attempt may take, by what earlier ones took."""
        most = self.allowed.attempt_seconds
        known = each.past or each.before
        return most if known is None else min(most, max(LEAST_SECONDS, SLOWER * known.seconds))

    def _need(self, job: Job) -> int | None:
        """Return the memory that earlier attempts of a cell took."""
        each = self.planned.get(job.cell.id)
        known = None if each is None else each.past or each.before
        return None if known is None else known.memory_bytes

    def _by_environment(self) -> list[tuple[str, list[Planned]]]:
        """Group the plan by environment, that of the most valuable cell first.

        What reads an export comes after everything else, in its own environment. Within one,
        cells of a value go by loader, so that a warm worker serves them in a row, and the long
        ones first.
        """
        blocks: dict[tuple[bool, str], list[Planned]] = {}
        for each in self.plan.chosen:
            reads = each.candidate.parent is not None
            blocks.setdefault((reads, each.candidate.seat.name), []).append(each)
        for block in blocks.values():
            block.sort(key=lambda each: (each.value, each.candidate.loader, -each.seconds))
        order = sorted(blocks, key=lambda key: key[0])
        return [(key[1], blocks[key]) for key in order]

    def _chunks(self, block: Sequence[Planned]) -> Iterator[list[Planned]]:
        """Cut a block into what may lie on disk together."""
        most = None if self.allowed.disk_bytes is None else self.allowed.disk_bytes / 2
        chunk: list[Planned] = []
        size = 0
        for each in block:
            own = each.candidate.listed.size_bytes or 0
            if len(chunk) >= CHUNK or (most is not None and chunk and size + own > most):
                yield chunk
                chunk, size = [], 0
            chunk.append(each)
            size += own
        if chunk:
            yield chunk

    def _wanted(self, chunk: Sequence[Planned]) -> list[tuple[Handle, str | None]]:
        """Return what a chunk's cells are fetched from, each once."""
        here = [each for each in chunk if _fetched(each) and not self._remote(each)]
        trials = [each.candidate.made() for each in here]
        return list(dict.fromkeys((trial.handle, trial.sha256) for trial in trials))


def _own(job: Job, environment: str) -> Job:
    """Make a control the cell of one environment: another may have the same versions."""
    return replace(
        job, cell=job.cell.model_copy(update={"adapter": digest(["control", environment])[:16]})
    )


def _control(job: Job, node: str | None) -> Elsewhere:
    """Say which of the artefacts that come with caniload a control reads, and on which node."""
    root = None if job.artefact is None else Path(job.artefact.root).relative_to(FOLDER)
    return Elsewhere(hints=job.hints, control=None if root is None else str(root), node=node)


def _ignore(_: object) -> None:
    """Take what is in the journal already."""


def _fetched(each: Planned) -> bool:
    """Tell whether a cell's artefact comes from a hub or a disk."""
    return each.candidate.parent is None and each.candidate.trial.architecture is None


def cells_of(night: Night) -> tuple[Observation, ...]:
    """Return the observations that are no control's."""
    return tuple(each for each in night.observations if not is_control(each.cell))
