"""Control cells: what is known to pass and what is known to fail, tried beside a night's cells.

An environment whose controls misbehave tells nothing of models: whatever passed or failed in it
may be its own doing. `caniload/data/controls/` holds the artefacts and says whose they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from packaging.specifiers import SpecifierSet
from pydantic import Field

from caniload import yaml_text
from caniload.handles import Handle, parse
from caniload.loaders.fetch import fetch
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import load_specs
from caniload.records import Cell, Observation, Recipe, Record
from caniload.runs.interpreters import Interpreter, environment
from caniload.runs.job import Job
from caniload.settings import Settings
from caniload.words import CONTROL, Outcome

MODEL = CONTROL
"""The model that the cells of controls name; no verdict is about it."""

FOLDER = Path(__file__).parents[1] / "data" / "controls"
"""Where the artefacts lie; they are the program's own, whatever catalogue is used."""

TIMEOUT_SECONDS = 300.0

_SILENT = (Outcome.HARNESS_ERROR, Outcome.REFUSED)
"""Outcomes that say nothing of an environment: our own fault, and what this machine forbids."""

Family = tuple[str, str]
"""(loader, framework) of cells."""


class Pair(Record):
    """Name one control that passes and one that fails, of a loader in its frameworks.

    `needs` are ranges of versions by distribution, each of which must be installed, `without`
    distributions that must not be. Without `architectures` both names are files or folders of
    `FOLDER`.
    """

    loader: str
    frameworks: tuple[str, ...] = Field(min_length=1)
    needs: dict[str, str] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    format: str | None = None
    weights: Literal["pretrained", "random"] = "pretrained"
    architectures: bool = False
    passes: str
    fails: str
    why: str = Field(min_length=1)


@cache
def pairs() -> tuple[Pair, ...]:
    """Read `controls.yaml`, in its order."""
    text = (FOLDER / "controls.yaml").read_text(encoding="utf-8")
    found: object = yaml_text.parse(text)
    if not isinstance(found, list):
        raise yaml.YAMLError("controls.yaml is no list")
    return tuple(Pair.model_validate(each) for each in found)


def control_jobs(
    name: str,
    interpreter: Interpreter,
    settings: Settings,
    families: Collection[Family] | None = None,
    *,
    patches: Iterable[str] = (),
    variables: Mapping[str, str] | None = None,
    device: str = "cpu",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[Job]:
    """Return the control jobs of one environment, a passing and a failing one of each pair.

    `families` are those of the cells that the controls stand beside; None means all that the
    interpreter can carry. A family without a pair of its own is watched by the first pair of its
    framework. Empty where the interpreter holds no framework that a control is for.
    """
    jobs: list[Job] = []
    for pair, framework in _chosen(interpreter, families):
        for expected, what in (("passed", pair.passes), ("failed", pair.fails)):
            jobs.append(
                _job(
                    pair,
                    framework,
                    what,
                    expected,
                    name=name,
                    interpreter=interpreter,
                    settings=settings,
                    patches=patches,
                    variables=variables or {},
                    device=device,
                    timeout_seconds=timeout_seconds,
                )
            )
    return jobs


def behaved(observations: Iterable[Observation]) -> tuple[bool, str]:
    """Tell whether every control did what it is known to do, and name those that did not.

    What this machine's policy refuses says nothing; a control of which there is only our own
    fault did not behave. No controls at all is not good behaviour. The view `controls` has the
    same rule.
    """
    cells: dict[str, list[Observation]] = {}
    for each in observations:
        if each.cell.model == MODEL:
            cells.setdefault(each.cell.id, []).append(each)
    if not cells:
        return False, "no control was tried"
    wrong: list[str] = []
    for attempts in cells.values():
        telling = [each for each in attempts if each.outcome not in _SILENT]
        lost = not telling and any(each.outcome == Outcome.HARNESS_ERROR for each in attempts)
        odd = [each for each in telling if each.outcome != each.facts.get("expected", "passed")]
        if lost or odd:
            wrong.append(_sentence(odd[0] if odd else attempts[-1]))
    return not wrong, "; ".join(wrong)


def is_control(cell: Cell) -> bool:
    """Tell whether a cell is a control's."""
    return cell.model == MODEL


def _sentence(seen: Observation) -> str:
    cell = seen.cell
    what = parse(cell.handle).locator
    expected = seen.facts.get("expected", "passed")
    said = f": {seen.message}" if seen.message else ""
    return (
        f"{what} ({cell.loader}, {cell.framework}) is known to have {expected}"
        f" and ended as {seen.outcome} at {seen.stage}{said}"
    )


def _chosen(
    interpreter: Interpreter, families: Collection[Family] | None
) -> list[tuple[Pair, str]]:
    """Return the pairs to try, each in one framework."""
    able: list[tuple[Pair, str]] = []
    for pair in pairs():
        for framework in pair.frameworks:
            if _can_carry(pair, framework, interpreter):
                able.append((pair, framework))
    if families is None:
        return able
    own = [(pair, framework) for pair, framework in able if (pair.loader, framework) in families]
    covered = {(pair.loader, framework) for pair, framework in own}
    for loader, framework in families:
        if (loader, framework) not in covered:
            own += [each for each in able if each[1] == framework][:1]
    return [each for each in able if each in own]


def _can_carry(pair: Pair, framework: str, interpreter: Interpreter) -> bool:
    spec = _spec(pair)
    installed = interpreter.distributions
    if not set(spec.needed(framework)) <= set(installed) or set(pair.without) & set(installed):
        return False
    return all(
        name in installed and SpecifierSet(text).contains(installed[name], prereleases=True)
        for name, text in pair.needs.items()
    )


def _spec(pair: Pair) -> LoaderSpec:
    return load_specs()[pair.loader]


def _job(
    pair: Pair,
    framework: str,
    what: str,
    expected: str,
    *,
    name: str,
    interpreter: Interpreter,
    settings: Settings,
    patches: Iterable[str],
    variables: Mapping[str, str],
    device: str,
    timeout_seconds: float,
) -> Job:
    spec = _spec(pair)
    record = environment(interpreter, name, spec.decisive[framework], patches)
    artefact = None
    if pair.architectures:
        handle = str(Handle(str(spec.architectures), what))
    else:
        artefact = fetch(Handle("file", str(FOLDER / what), format=pair.format), settings)
        handle = artefact.handle
    cell = Cell(
        model=MODEL,
        handle=handle,
        loader=pair.loader,
        framework=framework,
        environment=name,
        environment_key=record.key,
        device=device,
        recipe=Recipe(name="control", weights=pair.weights),
    )
    return Job(
        cell=cell,
        interpreter=interpreter.python,
        environment=record,
        artefact=artefact,
        spec=spec,
        timeout_seconds=timeout_seconds,
        variables=variables,
        facts={"expected": expected},
        architecture=what if pair.architectures else None,
    )
