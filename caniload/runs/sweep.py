"""Attempt every architecture that a library builds by name, with random weights.

The denominator is the library's own list, asked in the environment; what is left out is counted
with its reason. Workers are warm: they fork from a process that has imported the library.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from caniload.errors import BadInputError, EnvironmentBuildError
from caniload.handles import Handle
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import load_specs
from caniload.records import Cell, Environment, Recipe
from caniload.runs import environments
from caniload.runs.disk import translating
from caniload.runs.executor import Executor, RunResult
from caniload.runs.interpreters import Interpreter, environment, probe
from caniload.runs.job import Job
from caniload.runs.outcome import settle
from caniload.runs.plan import environments_for
from caniload.runs.protocol import Architecture, Listed
from caniload.runs.supervise import supervise
from caniload.runs.watcher import Watcher
from caniload.settings import Settings
from caniload.words import Outcome

_ARCHITECTURES = TypeAdapter(tuple[Architecture, ...])

LISTING_SECONDS = 1800.0
"""How long a library may take to say what it has; parameters are counted by building."""


@dataclass(frozen=True, slots=True)
class Request:
    """Say what to sweep: whose architectures, where, up to how many parameters.

    `only` keeps names that hold one of its words. `shard` (i, n) takes every n-th, from the
    i-th, counted from 1. `limit` ends after so many. `resume` names a run that was cut off.
    """

    loader: str
    framework: str
    environment: str | None = None
    python: Path | None = None
    max_parameters: int = 100_000_000
    only: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    limit: int | None = None
    timeout_seconds: float = 300.0
    memory_bytes: int | None = None
    again: bool = False
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Say what a sweep will do: the jobs, and every name left out with its reason."""

    listed: int
    jobs: tuple[Job, ...]
    omitted: dict[str, str]


@dataclass(frozen=True, slots=True)
class Swept:
    """Say what a sweep did; `result` is None where nothing was left to attempt."""

    plan: Plan
    result: RunResult | None


Known = Callable[[Collection[str]], Collection[str]]
"""From cell ids to those that were attempted before."""


def sweep(request: Request, settings: Settings, watcher: Watcher, known: Known) -> Swept:
    """List, plan and attempt; raises an input error where the loader builds nothing by name."""
    spec = _spec(request)
    with ExitStack() as held:
        name, interpreter, record, variables = _place(request, spec, settings, watcher, held)
        template = _template(request, spec, name, interpreter, record, variables)
        listed = known_listing(template, interpreter, settings)
        plan = _plan(request, spec, template, listed, known)
        watcher.planned([job.cell for job in plan.jobs])
        executor = Executor(settings, watcher.on_event, watcher.on_settled, warm=True)
        if request.resume is not None:
            return Swept(plan, executor.resume(request.resume, plan.jobs))
        if not plan.jobs:
            return Swept(plan, None)
        result = executor.run(plan.jobs, command=f"sweep {request.loader} {request.framework}")
        return Swept(plan, result)


def names(request: Request, settings: Settings, watcher: Watcher) -> tuple[str, ...]:
    """Return what a library builds by name and the request does not leave out."""
    spec = _spec(request)
    with ExitStack() as held:
        name, interpreter, record, variables = _place(request, spec, settings, watcher, held)
        template = _template(request, spec, name, interpreter, record, variables)
        listed = known_listing(template, interpreter, settings)
    return tuple(each.name for each in listed if _why_not(each, request) is None)


def known_listing(
    template: Job, interpreter: Interpreter, settings: Settings
) -> tuple[Architecture, ...]:
    """Return a library's list as it was kept for these very versions, or ask and keep it.

    Counting parameters by building takes minutes for a library of a thousand architectures; of
    names that are not asked for they are not counted, and such a list is not kept.
    """
    cell = template.cell
    name = f"{cell.loader}-{cell.framework}-{cell.environment_key}.json"
    kept = settings.home / "listings" / name
    if template.hints.get("only"):
        return listing(template, interpreter, settings)
    try:
        return _ARCHITECTURES.validate_json(kept.read_bytes())
    except (OSError, ValueError):
        pass
    found = listing(template, interpreter, settings)
    with translating(kept):
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name(f"{name}.{os.getpid()}.part")
        draft.write_bytes(_ARCHITECTURES.dump_json(found))
        draft.replace(kept)
    return found


def listing(
    template: Job, interpreter: Interpreter, settings: Settings
) -> tuple[Architecture, ...]:
    """Ask a library, in its environment, which architectures it builds by name.

    Raises `BadInputError` with what the library said where it cannot tell.
    """
    executor = Executor(settings)
    with tempfile.TemporaryDirectory(prefix="caniload-listing-") as folder:
        seen = supervise(template, interpreter, executor.place(), Path(folder) / "worker")
    events = seen.attempt.events
    found = [each for event in events if isinstance(event, Listed) for each in event.architectures]
    final = seen.attempt.final
    if final is None or final.outcome is not Outcome.PASSED:
        why = final.message if final is not None else settle(seen.attempt).message
        raise BadInputError(f"{template.cell.loader} could not list its architectures: {why}")
    return tuple(sorted(found, key=lambda each: each.name))


def _spec(request: Request) -> LoaderSpec:
    specs = load_specs()
    able = sorted(name for name, spec in specs.items() if spec.architectures is not None)
    if request.loader not in able:
        raise BadInputError(
            f"{request.loader} builds no architectures by name", f"those that do: {', '.join(able)}"
        )
    spec = specs[request.loader]
    if request.framework not in spec.frameworks:
        raise BadInputError(
            f"{request.loader} does not serve {request.framework}",
            f"it serves {', '.join(spec.frameworks)}",
        )
    return spec


def _place(
    request: Request, spec: LoaderSpec, settings: Settings, watcher: Watcher, held: ExitStack
) -> tuple[str, Interpreter, Environment, dict[str, str]]:
    """Ready the interpreter: the user's own, the environment named, or the first that serves."""
    decisive = spec.decisive[request.framework]
    if request.python is not None:
        interpreter = probe(request.python)
        watcher.ready("python", interpreter)
        return "python", interpreter, environment(interpreter, "python", decisive), {}
    name = request.environment
    if name is None:
        known = environments.specs(settings).values()
        name = next(iter(environments_for(spec.name, request.framework, known)), None)
    if name is None:
        raise BadInputError(f"no environment serves {spec.name} in {request.framework}")
    found = environments.spec(name, settings)

    def say(line: str) -> None:
        watcher.building(found.name, line)

    try:
        python = held.enter_context(environments.use(found, settings, say))
    except EnvironmentBuildError as error:
        raise BadInputError(error.message, error.hint) from error
    interpreter = probe(python)
    watcher.ready(name, interpreter)
    record = environment(interpreter, name, decisive, found.patches)
    return name, interpreter, record, dict(found.variables)


def _template(
    request: Request,
    spec: LoaderSpec,
    name: str,
    interpreter: Interpreter,
    record: Environment,
    variables: dict[str, str],
) -> Job:
    """Return the job that asks for the list; those of the cells are made from it."""
    assert spec.architectures is not None
    cell = Cell(
        model=None,
        handle=str(Handle(spec.architectures, "any")),
        loader=spec.name,
        framework=request.framework,
        environment=name,
        environment_key=record.key,
        device="cpu",
        recipe=Recipe(weights="random"),
    )
    return Job(
        cell=cell,
        interpreter=interpreter.python,
        environment=record,
        artefact=None,
        spec=spec,
        timeout_seconds=LISTING_SECONDS,
        memory_bytes=request.memory_bytes,
        variables=variables,
        architecture="any",
        listing=True,
        hints={"only": list(request.only)} if request.only else {},
    )


def _plan(
    request: Request,
    spec: LoaderSpec,
    template: Job,
    listed: Sequence[Architecture],
    known: Known,
) -> Plan:
    """Choose what to attempt and say why the rest is not."""
    omitted: dict[str, str] = {}
    jobs: list[Job] = []
    index, of = request.shard
    for position, each in enumerate(listed):
        why = _why_not(each, request)
        if why is None and position % of != index - 1:
            why = "another shard"
        if why is not None:
            omitted[each.name] = why
        else:
            jobs.append(_job(request, spec, template, each))
    if not request.again and request.resume is None:
        before = set(known([job.cell.id for job in jobs]))
        omitted |= {str(j.architecture): "attempted before" for j in jobs if j.cell.id in before}
        jobs = [job for job in jobs if job.cell.id not in before]
    if request.limit is not None:
        omitted |= {str(job.architecture): "past the limit" for job in jobs[request.limit :]}
        jobs = jobs[: request.limit]
    return Plan(len(listed), tuple(jobs), dict(sorted(omitted.items())))


def _why_not(each: Architecture, request: Request) -> str | None:
    if each.omitted is not None:
        return each.omitted
    if each.parameters is not None and each.parameters > request.max_parameters:
        return "more parameters than asked for"
    if request.only and not any(word in each.name for word in request.only):
        return "not asked for"
    return None


def _job(request: Request, spec: LoaderSpec, template: Job, each: Architecture) -> Job:
    """Return the job of one architecture."""
    assert spec.architectures is not None
    cell = template.cell.model_copy(update={"handle": str(Handle(spec.architectures, each.name))})
    return replace(
        template,
        cell=cell,
        architecture=each.name,
        listing=False,
        hints={},
        timeout_seconds=request.timeout_seconds,
    )
