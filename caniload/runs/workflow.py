"""From what a user typed to a finished run: plan, fetch, ready the interpreters, attempt.

Every trial that was planned becomes a cell and ends in one settlement, also when its hub said
no or its environment could not be built: then the observation says so without a worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from caniload.catalog import authored
from caniload.catalog.entries import ModelEntry
from caniload.errors import (
    BadInputError,
    CaniloadError,
    EnvironmentBuildError,
    HubError,
    UnreadableFileError,
)
from caniload.handles import HUBS, Handle, parse
from caniload.loaders.fetch import fetch
from caniload.loaders.hub import Progress, load_hubs
from caniload.loaders.recognise import recognise
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import find_exporter, load_specs
from caniload.records import Cell, Environment, FetchedArtefact, Observation
from caniload.runs import environments, plan
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
    cut off and whose cells these targets plan again.
    """

    targets: tuple[str, ...]
    wish: Wish = field(default_factory=Wish)
    device: str = "cpu"
    python: Path | None = None
    timeout_seconds: float = 600.0
    memory_bytes: int | None = None
    refresh: bool = False
    resume: str | None = None
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
        trials, artefacts = _trials(request, settings, specs, places.get(None), watcher)
        _fetch_all(trials, request, settings, watcher, artefacts)
        for name in dict.fromkeys(trial.environment for trial in trials):
            if name is not None and name not in places:
                places[name] = _ready(name, settings, watcher, held)
        jobs = _jobs(trials, artefacts, places, request, specs)
        watcher.planned([job.cell for job in jobs])
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


def find_model(name: str, settings: Settings) -> ModelEntry | None:
    """Return the entry of that id, name or alias, letter case and spaces aside."""
    wanted = name.casefold()
    for model in authored.load(settings.data).models:
        if wanted in {text.casefold() for text in (model.id, model.name, *model.aliases)}:
            return model
    return None


def _trials(
    request: Request,
    settings: Settings,
    specs: Mapping[str, LoaderSpec],
    own: _Place | None,
    watcher: Watcher,
) -> tuple[list[Trial], dict[Handle, FetchedArtefact | HubError]]:
    """Read each target as a path, a handle or a model's name; fetch what only content can tell."""
    trials: list[Trial] = []
    artefacts: dict[Handle, FetchedArtefact | HubError] = {}
    known = tuple(environments.specs(settings).values())
    installed = own.interpreter.distributions if own and own.interpreter else None
    for target in request.targets:
        model = None if _is_path(target) else find_model(target, settings)
        if model is not None:
            found = plan.of_model(model, request.wish)
            if own is not None:
                found = [_in_own(trial) for trial in found]
            found = plan.with_exports(found, specs, known, request.wish, installed=installed)
        else:
            handle = _handle_of(target, settings)
            artefact = _fetch(handle, request, settings, watcher)
            exact = parse(artefact.handle)
            found, unread = [], None
            for each, loaders in _formats(artefact, exact.format or artefact.format).items():
                formed = replace(exact, format=each)
                artefacts[formed] = artefact.model_copy(
                    update={"handle": str(formed), "format": each}
                )
                try:
                    tried = plan.of_artefact(
                        formed, [each], specs, known, request.wish,
                        loaders=loaders, installed=installed,
                    )  # fmt: skip
                except BadInputError as error:  # another format may be read
                    unread = unread or error
                    continue
                found += plan.with_exports(tried, specs, known, request.wish, installed=installed)
            if unread is not None and not found:
                raise unread
        trials += [trial for trial in found if trial not in trials]
    return trials, artefacts


def _in_own(trial: Trial) -> Trial:
    """Move a trial, and the export that it reads, into the user's interpreter."""
    parent = None if trial.parent is None else _in_own(trial.parent)
    return replace(trial, environment=None, parent=parent)


def _is_path(target: str) -> bool:
    """Tell whether a target is meant as a path: it has a separator and no hub before it."""
    hub, colon, _ = target.partition(":")
    named = colon and (hub in HUBS or hub in load_hubs())
    return not named and ("/" in target or target.startswith("."))


def _handle_of(target: str, settings: Settings) -> Handle:
    """Read a target that no entry names as a path or a handle."""
    if _is_path(target):
        path = Path(target).expanduser()
        if not path.exists():
            raise UnreadableFileError(target, "there is nothing there", "check the path")
        return Handle("file", str(path.absolute()))
    if ":" in target:
        return parse(target)
    from caniload.errors import UnknownNameError

    models = authored.load(settings.data).models
    names = [text for model in models for text in (model.id, *model.aliases)]
    from difflib import get_close_matches

    near = tuple(dict.fromkeys(get_close_matches(target.casefold(), names, n=3)))
    raise UnknownNameError(
        "model", target, near, "a handle (hf:owner/name) or ./path needs no entry"
    )


def _formats(artefact: FetchedArtefact, said: str | None) -> dict[str, tuple[str, ...] | None]:
    """Recognise an artefact's formats by content, each with the loaders that fit.

    A format that the handle or its hub says is taken at its word, alone. Raises
    `UnreadableFileError` if nothing is said and nothing in it is known.
    """
    found = {each.format: each.loaders for each in recognise(Path(artefact.root))}
    if said is not None:
        return {said: found.get(said)}
    if not found:
        raise UnreadableFileError(
            parse(artefact.handle).locator,
            "no known model format in it",
            "name the format with #format if you know it",
        )
    return dict(found)


def _fetch_all(
    trials: Sequence[Trial],
    request: Request,
    settings: Settings,
    watcher: Watcher,
    artefacts: dict[Handle, FetchedArtefact | HubError],
) -> None:
    """Fetch each artefact once; a hub's "no" is kept and becomes the outcome of its cells."""
    for trial in trials:
        if trial.parent is None and trial.handle not in artefacts:
            try:
                artefacts[trial.handle] = _fetch(
                    trial.handle, request, settings, watcher, trial.sha256
                )
            except HubError as error:
                artefacts[trial.handle] = error


def _fetch(
    handle: Handle,
    request: Request,
    settings: Settings,
    watcher: Watcher,
    sha256: str | None = None,
) -> FetchedArtefact:
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


def _ready(name: str, settings: Settings, watcher: Watcher, held: ExitStack) -> _Place:
    """Build an environment if need be, hold it against removal, and probe its interpreter."""
    spec: EnvSpec = environments.spec(name, settings)
    try:
        python = held.enter_context(
            environments.use(spec, settings, lambda line: watcher.building(name, line))
        )
    except EnvironmentBuildError as error:
        return _Place(name, None, spec.patches, error)
    interpreter = probe(python)
    watcher.ready(name, interpreter)
    return _Place(name, interpreter, spec.patches)


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
                hints=trial.hints,
                derived_from=parent,
                obstacle=obstacle,
                exporter_file=_exporter(trial),
            )
        )
    return jobs


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
