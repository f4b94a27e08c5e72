"""Turn a trial into a job: the cell with all that it takes to attempt it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caniload.catalog.known_files import by_hash
from caniload.errors import CaniloadError, EnvironmentBuildError, HubError
from caniload.handles import parse
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import find_exporter
from caniload.records import Cell, Environment, FetchedArtefact, digest
from caniload.runs import adapters
from caniload.runs.interpreters import Interpreter, environment
from caniload.runs.job import Job, Obstacle
from caniload.runs.plan import Trial
from caniload.words import Outcome, Stage


@dataclass(frozen=True, slots=True)
class Spot:
    """An interpreter that trials will use, or why there is none."""

    name: str
    interpreter: Interpreter | None
    patches: tuple[str, ...] = ()
    error: EnvironmentBuildError | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """On which device, for how many seconds, in how many bytes; None measures alone."""

    device: str = "cpu"
    timeout_seconds: float = 600.0
    memory_bytes: int | None = None


def job_of(
    trial: Trial,
    artefact: FetchedArtefact | HubError | None,
    spot: Spot,
    spec: LoaderSpec,
    limits: Limits,
    derived_from: str | None = None,
) -> Job:
    """Return the job of a trial; a hub's "no" and a place that is not there are its obstacle.

    `derived_from` is the id of the export's cell that the trial reads.
    """
    record = _record(spot, spec, trial)
    hints = chosen_hints(trial, artefact)
    cell = Cell(
        model=trial.model,
        handle=_cell_handle(trial, artefact),
        loader=trial.loader,
        framework=trial.framework,
        environment=spot.name,
        environment_key=record.key,
        device=limits.device,
        recipe=trial.recipe,
        kind="attempt" if trial.export_format is None else "export",
        export_format=trial.export_format,
        adapter=adapter_of(hints),
    )
    return Job(
        cell=cell,
        interpreter=spot.interpreter.python if spot.interpreter else Path(),
        environment=record,
        artefact=artefact if isinstance(artefact, FetchedArtefact) else None,
        spec=spec,
        timeout_seconds=limits.timeout_seconds,
        memory_bytes=limits.memory_bytes,
        hints=hints,
        derived_from=derived_from,
        obstacle=_obstacle(spot, artefact),
        exporter_file=_exporter(trial),
        variables=spot.variables,
        architecture=trial.architecture,
        facts={} if trial.same_weights is None else {"same_weights": trial.same_weights},
    )


def chosen_hints(trial: Trial, artefact: FetchedArtefact | HubError | None) -> Mapping[str, Any]:
    """Return a trial's hints; of those by file, the ones of the file that was fetched."""
    hints = {key: value for key, value in trial.hints.items() if key != "files"}
    if isinstance(artefact, FetchedArtefact):
        known = by_hash(trial.hints, (fact.sha256 for fact in artefact.files))
        chosen = adapters.choose(known, artefact, trial.handle.format or artefact.format)
        if chosen is not None:
            hints |= adapters.adapter(known[chosen])
    return hints


def adapter_of(hints: Mapping[str, Any]) -> str | None:
    """Return the digest of what is said of inputs and outputs, None where nothing is."""
    said = {key: hints[key] for key in ("inputs", "outputs") if hints.get(key)}
    return digest(said)[:16] if said else None


def _exporter(trial: Trial) -> Path | None:
    """Return the plug-in's file that an exporting trial needs, if a plug-in does it."""
    if trial.export_format is None:
        return None
    found = find_exporter(trial.loader, trial.framework, trial.export_format)
    return None if found is None else found.file


def _cell_handle(trial: Trial, artefact: FetchedArtefact | HubError | None) -> str:
    """Name what was fetched, with the format that the trial reads; else what was asked for."""
    if not isinstance(artefact, FetchedArtefact):
        return str(trial.handle)
    exact = parse(artefact.handle)
    return str(replace(exact, format=trial.handle.format or exact.format))


def _record(spot: Spot, spec: LoaderSpec, trial: Trial) -> Environment:
    """Describe the interpreter; one that could not be built has no versions."""
    decisive = spec.decisive[trial.framework]
    if spot.interpreter is not None:
        return environment(spot.interpreter, spot.name, decisive, spot.patches)
    return Environment(
        name=spot.name, python="", python_minor="", platform="", decisive={}, lock={}
    )


def _obstacle(spot: Spot, artefact: FetchedArtefact | HubError | None) -> Obstacle | None:
    """Say why a cell cannot be attempted at all, if so."""
    error: CaniloadError
    if isinstance(artefact, HubError):
        error, outcome, stage = artefact, Outcome.UNAVAILABLE, Stage.FETCH
    elif spot.error is not None:
        error, outcome, stage = spot.error, Outcome.NOT_INSTALLED, Stage.IMPORT
    else:
        return None
    return Obstacle(outcome, stage, type(error).__name__, error.message)
