"""The environments of a suite: what stands in each, and making it ready for a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from caniload.errors import EnvironmentBuildError, InterpreterError
from caniload.runs import environments, here
from caniload.runs.interpreters import probe
from caniload.runs.making import Spot
from caniload.runs.night.cells import Seat
from caniload.runs.suite_environments import SuiteEnvironment
from caniload.runs.watcher import Watcher
from caniload.settings import Settings


def seats(wanted: Sequence[SuiteEnvironment], settings: Settings) -> tuple[Seat, ...]:
    """Return what stands in each environment now, from one small file each; nothing is started.

    One whose specification has moved counts as not built.
    """
    return tuple(_seat(each, settings) for each in wanted)


def _seat(wanted: SuiteEnvironment, settings: Settings) -> Seat:
    if wanted.spec is None:
        assert wanted.python is not None
        return Seat(wanted.name, None, here.read(wanted.python))
    built = environments.find(wanted.spec, settings)
    found = None if built is None else here.read_built(settings.envs, wanted.spec.name)
    return Seat(wanted.name, wanted.spec, found, wanted.base or wanted.spec.name)


def ready(
    wanted: Sequence[SuiteEnvironment], settings: Settings, watcher: Watcher, held: ExitStack
) -> Mapping[str, Spot]:
    """Build what is not built, hold it against removal, and ask each interpreter what it holds.

    One that cannot be built is a place without an interpreter: its cells say so.
    """
    return {each.name: _spot(each, settings, watcher, held) for each in wanted}


def _spot(wanted: SuiteEnvironment, settings: Settings, watcher: Watcher, held: ExitStack) -> Spot:
    if wanted.spec is None:
        assert wanted.python is not None
        interpreter = probe(wanted.python)
        watcher.ready(wanted.name, interpreter)
        return Spot(wanted.name, interpreter)
    spec = wanted.spec

    def say(line: str) -> None:
        watcher.building(wanted.name, line)

    try:
        python = held.enter_context(environments.use(spec, settings, say))
        interpreter = probe(python)
    except EnvironmentBuildError as error:
        return Spot(wanted.name, None, spec.patches, error, spec.variables)
    except InterpreterError as error:
        broken = EnvironmentBuildError(spec.name, None, error.message)
        return Spot(wanted.name, None, spec.patches, broken, spec.variables)
    watcher.ready(wanted.name, interpreter)
    return Spot(wanted.name, interpreter, spec.patches, None, spec.variables)
