"""From what a user typed to a finished run: plan, fetch, ready the interpreters, attempt.

Every trial that was planned becomes a cell and ends in one settlement, also when its hub said
no or its environment could not be built: then the observation says so without a worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from caniload.errors import BadInputError, EnvironmentBuildError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch import fetch
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import load_specs
from caniload.records import FetchedArtefact
from caniload.runs import environments, plan, targets
from caniload.runs.envspecs import EnvSpec
from caniload.runs.executor import Executor, RunResult
from caniload.runs.interpreters import probe
from caniload.runs.job import Job
from caniload.runs.making import Limits, Spot, job_of
from caniload.runs.plan import Trial, Wish
from caniload.runs.watcher import Watcher
from caniload.settings import Settings
from caniload.words import DEVICES


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one `run`: what to attempt, in what, and within which limits.

    `python` is the user's own interpreter and excludes `wish.environment`. Times in seconds,
    sizes in bytes; `memory_bytes` None measures and does not limit. `resume` names a run that was
    cut off and whose cells these targets plan again. `same_weights` is the user's word that all
    targets hold the same weights, so that their numbers are compared.
    """

    targets: tuple[str, ...]
    wish: Wish = field(default_factory=Wish)
    device: str = "cpu"
    python: Path | None = None
    timeout_seconds: float = 600.0
    memory_bytes: int | None = None
    refresh: bool = False
    resume: str | None = None
    same_weights: bool = False
    command: str = "run"


def attempt(request: Request, settings: Settings, watcher: Watcher) -> RunResult:
    """Run a request to its end and return the run with its observations and settlements.

    Raises an input error before anything runs: unknown model, framework, loader, device or
    environment, malformed handle, unreadable path. A hub's "no" about a planned source and an
    environment that cannot be built are recorded, not raised, unless nothing else is left to
    say them.
    """
    specs = load_specs()
    plan.check_names(request.wish, specs)
    check_device(request.device)
    if request.wish.environment is not None:
        environments.spec(request.wish.environment, settings)
    with ExitStack() as held:
        places: dict[str | None, Spot] = {}
        if request.python is not None:
            interpreter = probe(request.python)
            watcher.ready("python", interpreter)
            places[None] = Spot("python", interpreter)
        own = places[None].interpreter if None in places else None
        fetching = _fetching(request, settings, watcher)
        ask = targets.Ask(
            settings,
            specs,
            request.wish,
            fetching,
            own.distributions if own else None,
            request.same_weights,
        )
        found = targets.read(request.targets, ask)
        trials, artefacts = found.trials, found.artefacts
        _fetch_all(trials, artefacts, fetching)
        for name in dict.fromkeys(trial.environment for trial in trials):
            if name is not None and name not in places:
                places[name] = _ready(name, settings, watcher, held)
        jobs = _jobs(trials, artefacts, places, request, specs)
        watcher.planned(list({job.cell.id: job.cell for job in jobs}.values()))
        executor = Executor(settings, watcher.on_event, watcher.on_settled)
        if request.resume is not None:
            return executor.resume(request.resume, jobs)
        return executor.run(jobs, command=request.command)


def check_device(device: str) -> None:
    """Raise `UnknownNameError` unless a text names a device as `cpu`, `cuda` or `cuda:1`."""
    from difflib import get_close_matches

    from caniload.errors import UnknownNameError

    kind, colon, index = device.partition(":")
    if kind not in DEVICES or (colon and not index.isdigit()):
        near = tuple(get_close_matches(kind, DEVICES))
        raise UnknownNameError("device", device, near, f"known: {', '.join(DEVICES)}, cuda:N")


class _Fetching(Protocol):
    """Lay a handle's artefact down, its file pinned by a hash if one is given."""

    def __call__(self, handle: Handle, sha256: str | None = None, /) -> FetchedArtefact: ...


def _fetching(request: Request, settings: Settings, watcher: Watcher) -> _Fetching:
    """Return how this request fetches: asking hubs anew or not, telling the watcher."""

    def one(handle: Handle, sha256: str | None = None, /) -> FetchedArtefact:
        artefact = fetch(
            handle,
            settings,
            refresh=request.refresh,
            sha256=sha256,
            on_progress=watcher.fetching,
        )
        if handle.hub != "file":
            watcher.fetched(handle, artefact)
        return artefact

    return one


def _fetch_all(
    trials: Sequence[Trial],
    artefacts: dict[Handle, FetchedArtefact | HubError],
    fetching: _Fetching,
) -> None:
    """Fetch each artefact once; a hub's "no" is kept and becomes the outcome of its cells."""
    for trial in trials:
        fetched = trial.parent is not None or trial.architecture is not None
        if not fetched and trial.handle not in artefacts:
            try:
                artefacts[trial.handle] = fetching(trial.handle, trial.sha256)
            except HubError as error:
                artefacts[trial.handle] = error


def _ready(name: str, settings: Settings, watcher: Watcher, held: ExitStack) -> Spot:
    """Build an environment if need be, hold it against removal, and probe its interpreter."""
    spec: EnvSpec = environments.spec(name, settings)
    try:
        python = held.enter_context(
            environments.use(spec, settings, lambda line: watcher.building(name, line))
        )
    except EnvironmentBuildError as error:
        return Spot(name, None, spec.patches, error, spec.variables)
    interpreter = probe(python)
    watcher.ready(name, interpreter)
    return Spot(name, interpreter, spec.patches, None, spec.variables)


def _jobs(
    trials: Sequence[Trial],
    artefacts: Mapping[Handle, FetchedArtefact | HubError],
    places: Mapping[str | None, Spot],
    request: Request,
    specs: Mapping[str, LoaderSpec],
) -> list[Job]:
    """Turn trials into jobs, exports before what reads them."""
    jobs: list[Job] = []
    cells: dict[int, str] = {}
    for trial in trials:
        made = job_of(
            trial,
            artefacts.get(trial.handle),
            places[trial.environment],
            specs[trial.loader],
            Limits(request.device, request.timeout_seconds, request.memory_bytes),
            None if trial.parent is None else _cell_of(trial.parent, trials, cells),
        )
        cells[id(trial)] = made.cell.id
        jobs.append(made)
    return jobs


def _cell_of(wanted: Trial, trials: Sequence[Trial], cells: Mapping[int, str]) -> str:
    """Return the id of the cell that a trial equal to the wanted one became."""
    for trial in trials:
        if trial == wanted and id(trial) in cells:
            return cells[id(trial)]
    raise BadInputError(f"the export that {wanted.handle} needs is not planned before it")
