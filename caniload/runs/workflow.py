"""From what a user typed to a finished run: plan, fetch, ready the interpreters, attempt.

Every trial that was planned becomes a cell and ends in one settlement, also when its hub said
no or its environment could not be built: then the observation says so without a worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from caniload.catalog.known_files import by_hash
from caniload.errors import BadInputError, CaniloadError, EnvironmentBuildError, HubError
from caniload.handles import Handle, parse
from caniload.loaders.fetch import fetch
from caniload.loaders.hub import Progress
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import find_exporter, load_specs
from caniload.records import Cell, Environment, FetchedArtefact, Observation, digest
from caniload.runs import adapters, environments, plan, targets
from caniload.runs.envspecs import EnvSpec
from caniload.runs.executor import Executor, RunResult
from caniload.runs.interpreters import Interpreter, environment, probe
from caniload.runs.job import Job, Obstacle
from caniload.runs.plan import Trial, Wish
from caniload.settings import Settings
from caniload.words import DEVICES, Outcome, Stage


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


class Watcher(Protocol):
    """Be told what happens; the command line shows it, tests collect it."""

    def fetching(self, progress: Progress) -> None:
        """Bytes of an artefact arrived."""

    def fetched(self, handle: Handle, artefact: FetchedArtefact) -> None:
        """An artefact is there, from its hub or from the cache."""

    def building(self, name: str, line: str) -> None:
        """An environment is being built; pip's own lines."""

    def ready(self, name: str, interpreter: Interpreter) -> None:
        """An interpreter was probed and will be used."""

    def planned(self, cells: Sequence[Cell]) -> None:
        """The cells of the run are known."""

    def on_event(self, cell: Cell, event: Mapping[str, object]) -> None:
        """A worker reported an event."""

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """A cell ended."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An interpreter that a trial will use, or why there is none."""

    name: str
    interpreter: Interpreter | None
    patches: tuple[str, ...] = ()
    error: EnvironmentBuildError | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


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
        places: dict[str | None, _Place] = {}
        if request.python is not None:
            interpreter = probe(request.python)
            watcher.ready("python", interpreter)
            places[None] = _Place("python", interpreter)
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


def _ready(name: str, settings: Settings, watcher: Watcher, held: ExitStack) -> _Place:
    """Build an environment if need be, hold it against removal, and probe its interpreter."""
    spec: EnvSpec = environments.spec(name, settings)
    try:
        python = held.enter_context(
            environments.use(spec, settings, lambda line: watcher.building(name, line))
        )
    except EnvironmentBuildError as error:
        return _Place(name, None, spec.patches, error, spec.variables)
    interpreter = probe(python)
    watcher.ready(name, interpreter)
    return _Place(name, interpreter, spec.patches, None, spec.variables)


def _jobs(
    trials: Sequence[Trial],
    artefacts: Mapping[Handle, FetchedArtefact | HubError],
    places: Mapping[str | None, _Place],
    request: Request,
    specs: Mapping[str, LoaderSpec],
) -> list[Job]:
    """Turn trials into jobs, exports before what reads them."""
    jobs: list[Job] = []
    cells: dict[int, str] = {}
    for trial in trials:
        place = places[trial.environment]
        spec = specs[trial.loader]
        record = _record(place, spec, trial)
        artefact = artefacts.get(trial.handle)
        obstacle = _obstacle(place, artefact)
        hints = _hints(trial, artefact)
        cell = Cell(
            model=trial.model,
            handle=_cell_handle(trial, artefact),
            loader=trial.loader,
            framework=trial.framework,
            environment=place.name,
            environment_key=record.key,
            device=request.device,
            recipe=trial.recipe,
            kind="attempt" if trial.export_format is None else "export",
            export_format=trial.export_format,
            adapter=_adapter(hints),
        )
        cells[id(trial)] = cell.id
        parent = None if trial.parent is None else _cell_of(trial.parent, trials, cells)
        jobs.append(
            Job(
                cell=cell,
                interpreter=place.interpreter.python if place.interpreter else Path(),
                environment=record,
                artefact=artefact if isinstance(artefact, FetchedArtefact) else None,
                spec=spec,
                timeout_seconds=request.timeout_seconds,
                memory_bytes=request.memory_bytes,
                hints=hints,
                derived_from=parent,
                obstacle=obstacle,
                exporter_file=_exporter(trial),
                variables=place.variables,
                architecture=trial.architecture,
                facts={} if trial.same_weights is None else {"same_weights": trial.same_weights},
            )
        )
    return jobs


def _hints(trial: Trial, artefact: FetchedArtefact | HubError | None) -> Mapping[str, Any]:
    """Return a trial's hints; of those by file, the ones of the file that was fetched."""
    hints = {key: value for key, value in trial.hints.items() if key != "files"}
    if isinstance(artefact, FetchedArtefact):
        known = by_hash(trial.hints, (fact.sha256 for fact in artefact.files))
        chosen = adapters.choose(known, artefact, trial.handle.format or artefact.format)
        if chosen is not None:
            hints |= adapters.adapter(known[chosen])
    return hints


def _adapter(hints: Mapping[str, Any]) -> str | None:
    """Return the digest of what is said of inputs and outputs, None where nothing is."""
    said = {key: hints[key] for key in ("inputs", "outputs") if hints.get(key)}
    return digest(said)[:16] if said else None


def _exporter(trial: Trial) -> Path | None:
    """Return the plug-in's file that an exporting trial needs, if a plug-in does it."""
    if trial.export_format is None:
        return None
    found = find_exporter(trial.loader, trial.framework, trial.export_format)
    return None if found is None else found.file


def _cell_of(wanted: Trial, trials: Sequence[Trial], cells: Mapping[int, str]) -> str:
    """Return the id of the cell that a trial equal to the wanted one became."""
    for trial in trials:
        if trial == wanted and id(trial) in cells:
            return cells[id(trial)]
    raise BadInputError(f"the export that {wanted.handle} needs is not planned before it")


def _cell_handle(trial: Trial, artefact: FetchedArtefact | HubError | None) -> str:
    """Name what was fetched, with the format that the trial reads; else what was asked for."""
    if not isinstance(artefact, FetchedArtefact):
        return str(trial.handle)
    exact = parse(artefact.handle)
    return str(replace(exact, format=trial.handle.format or exact.format))


def _record(place: _Place, spec: LoaderSpec, trial: Trial) -> Environment:
    """Describe the interpreter; one that could not be built has no versions."""
    decisive = spec.decisive[trial.framework]
    if place.interpreter is not None:
        return environment(place.interpreter, place.name, decisive, place.patches)
    return Environment(
        name=place.name, python="", python_minor="", platform="", decisive={}, lock={}
    )


def _obstacle(place: _Place, artefact: FetchedArtefact | HubError | None) -> Obstacle | None:
    """Say why a cell cannot be attempted at all, if so."""
    error: CaniloadError
    if isinstance(artefact, HubError):
        error, outcome, stage = artefact, Outcome.UNAVAILABLE, Stage.FETCH
    elif place.error is not None:
        error, outcome, stage = place.error, Outcome.NOT_INSTALLED, Stage.IMPORT
    else:
        return None
    return Obstacle(outcome, stage, type(error).__name__, error.message)
