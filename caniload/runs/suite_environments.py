"""Turn the environments that a suite asks for into specifications that the builder builds.

Ranges and `latest` are settled by pip's own resolver, in a dry run under the user's configuration
(https://pip.pypa.io/en/stable/reference/installation-report/). What is pinned by its answer is
what the suite and the environment that it extends name, and what decides an environment's key:
a moved `latest` makes another specification, which is built anew; a moved certifi does not.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from pydantic import AwareDatetime, ValidationError

from caniload.errors import BadInputError, EnvironmentBuildError, RegistryError
from caniload.loaders.specs import load_specs
from caniload.records import Record, digest, utcnow
from caniload.runs import environments, pip_output, pip_process, registry
from caniload.runs.disk import translating
from caniload.runs.envspecs import EnvSpec
from caniload.runs.here import canonical
from caniload.runs.interpreters import locate, probe
from caniload.runs.suite import EnvironmentWish, Suite
from caniload.runs.suite_schema import python_range, specifier
from caniload.settings import Settings

OnLine = Callable[[str], None]

REPORT = "1"
"""The version of pip's installation report that is read; pip 23.0 and newer write it."""


@dataclass(frozen=True, slots=True)
class SuiteEnvironment:
    """One environment of a suite: a specification to build, or the user's own interpreter.

    `base` is the environment of caniload's that it extends, whose authored attempts apply here
    too. `lock` is what pip's resolver said of all packages, empty where nothing had to be
    resolved; `moved` names the pins that differ from when it was last resolved.
    """

    name: str
    spec: EnvSpec | None
    python: Path | None = None
    base: str | None = None
    lock: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


class Resolution(Record):
    """Keep what pip's resolver said of a wish, until it is asked again."""

    asked: str
    at: AwareDatetime
    lock: dict[str, str]
    requirements: tuple[str, ...]


def _ignore(line: str) -> None:
    """Take a line of progress and do nothing with it."""


def suite_environments(
    suite: Suite,
    settings: Settings,
    on_line: OnLine = _ignore,
    *,
    fresh: bool = True,
    failed: Callable[[str, EnvironmentBuildError], None] | None = None,
) -> tuple[SuiteEnvironment, ...]:
    """Return a suite's environments, resolved; without any, the ones caniload uses by itself.

    `failed` is told of those for which pip finds no versions, which are left out then. Raises
    `BadInputError` for what can be no environment, and what `resolve` raises.
    """
    known = environments.specs(settings)
    faults = environment_faults(suite, known)
    if faults:
        raise BadInputError("\n".join(faults))
    if not suite.environments:
        return tuple(SuiteEnvironment(s.name, s) for s in known.values() if s.default)
    found: list[SuiteEnvironment] = []
    for wish in suite.environments:
        try:
            found.append(_resolved(wish, suite, known, settings, on_line, fresh))
        except EnvironmentBuildError as error:
            if failed is None:
                raise
            failed(wish.name, error)
    return tuple(found)


def _resolved(
    wish: EnvironmentWish,
    suite: Suite,
    known: Mapping[str, EnvSpec],
    settings: Settings,
    on_line: OnLine,
    fresh: bool,
) -> SuiteEnvironment:
    """Settle one wish; where the registry is silent, what was resolved before stands."""
    try:
        return resolve(wish, suite, known, settings, on_line, fresh=fresh)
    except RegistryError as error:
        before = kept(wish, known, settings)
        if before is None:
            raise
        on_line(f"{error.message}; the versions of {wish.name} of {before.at.date()} stand")
        return resolve(wish, suite, known, settings, on_line, fresh=False)


def resolve(
    wish: EnvironmentWish,
    suite: Suite,
    known: Mapping[str, EnvSpec],
    settings: Settings,
    on_line: OnLine = _ignore,
    *,
    fresh: bool = True,
) -> SuiteEnvironment:
    """Settle one wish. Unless `fresh`, what was resolved before stands, and pip is not asked.

    Raises `EnvironmentBuildError` when pip finds no versions that fit, `RegistryError` when the
    registry does not answer, `BadInputError` when no loader of caniload's finds what it needs.
    """
    if wish.interpreter is not None:
        return SuiteEnvironment(wish.name, None, locate(suite.beside(wish.interpreter)))
    if not wish.own:
        found = known[wish.name]
        return SuiteEnvironment(wish.name, found.model_copy(update={"default": True}))
    base = None if wish.extends is None else known[wish.extends]
    wanted = requirements(wish, base)
    asked = digest([wanted, _python(wish, base)])
    before = _kept(wish.name, settings)
    if before is not None and before.asked != asked:
        before = None
    if before is not None and not fresh:
        return _settled(wish, base, before, {}, known)
    on_line(f"resolving environment {wish.name}: {', '.join(wanted)}")
    lock = _dry_run(_draft(wish, base, known), wish, wanted, on_line)
    pins = _pins(wish, base, lock)
    now = Resolution(asked=asked, at=utcnow(), lock=lock, requirements=pins)
    _keep(wish.name, now, settings)
    return _settled(wish, base, now, _moved(before, pins), known)


def kept(
    wish: EnvironmentWish, known: Mapping[str, EnvSpec], settings: Settings
) -> Resolution | None:
    """Return what was last resolved for a wish, None if it never was or asks for more now."""
    base = None if wish.extends is None else known[wish.extends]
    found = _kept(wish.name, settings)
    asked = digest([requirements(wish, base), _python(wish, base)])
    return found if found is not None and found.asked == asked else None


def environment_faults(suite: Suite, known: Mapping[str, EnvSpec]) -> list[str]:
    """Complain about environments that caniload does not know, or knows under a taken name."""
    faults: list[str] = []

    def complain(index: int, key: str, name: str) -> None:
        near = get_close_matches(name, known)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        faults.append(
            suite.told(("environments", index, key), f"no environment named {name!r}; {hint}")
        )

    for index, wish in enumerate(suite.environments):
        if wish.extends is not None and wish.extends not in known:
            complain(index, "extends", wish.extends)
        if not wish.own and wish.interpreter is None and wish.name not in known:
            complain(index, "name", wish.name)
        if wish.own and wish.name in known:
            message = f"{wish.name} is an environment of caniload's; give yours another name"
            faults.append(suite.told(("environments", index, "name"), message))
        if wish.interpreter is not None and not suite.beside(wish.interpreter).exists():
            message = f"there is nothing at {wish.interpreter}; paths begin where the suite lies"
            faults.append(suite.told(("environments", index, "python"), message))
    return faults


def requirements(wish: EnvironmentWish, base: EnvSpec | None) -> list[str]:
    """Return what pip is asked for: the base's pins, but for what the wish says otherwise.

    A range that mentions a pre-release admits them for that package alone
    (https://packaging.python.org/en/latest/specifications/version-specifiers/).
    """
    own = {canonical(name) for name in wish.packages}
    lines = [line for line in (base.requirements if base else ()) if _name(line) not in own]
    for name, text in wish.packages.items():
        limits = specifier(name, text)
        if wish.pre and not any(each.operator == "==" for each in limits):
            limits &= specifier(name, ">=0.dev0")
        lines.append(f"{name}{limits}")
    return lines


def _name(line: str) -> str:
    return canonical(Requirement(line).name)


def _python(wish: EnvironmentWish, base: EnvSpec | None) -> str:
    """Return the range of Pythons that the environment may have."""
    if wish.python is not None:
        return python_range(wish.python)
    return base.python if base is not None else ">=3.9"


def _dry_run(
    draft: EnvSpec, wish: EnvironmentWish, wanted: list[str], on_line: OnLine
) -> dict[str, str]:
    """Ask pip what it would install into an empty environment: canonical name to version."""
    interpreter = probe(environments.base_python(draft))
    with tempfile.TemporaryDirectory(prefix="caniload-resolving-") as folder:
        report = Path(folder) / "report.json"
        asked = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        code, lines = pip_process.run(
            pip_process.for_interpreter(
                interpreter.python, interpreter.distributions, *asked, *wanted
            ),
            on_line,
        )
        if code != 0:
            raise _failure(wish, lines)
        found: dict[str, Any] = json.loads(report.read_bytes())
    if found.get("version") != REPORT:
        raise EnvironmentBuildError(
            wish.name,
            None,
            f"pip {found.get('pip_version')} writes a report of another form than caniload reads",
        )
    facts = (item["metadata"] for item in found["install"])
    return {canonical(each["name"]): each["version"].partition("+")[0] for each in facts}


def _failure(wish: EnvironmentWish, lines: list[str]) -> Exception:
    """Return the error that pip's lines say."""
    if registry.unreached(lines):
        return RegistryError(
            f"the package registry cannot be reached: {registry.last(lines)}",
            "pip's configuration says which one is asked; try again when it is there",
        )
    said = pip_output.tail(lines) or "pip said nothing"
    if wish.extends is not None and any("conflict" in line.lower() for line in lines):
        said += (
            f"\nthe pins of {wish.extends} stand unless packages says otherwise: "
            'give what stands in the way as NAME = "*"'
        )
    return EnvironmentBuildError(wish.name, pip_output.failed_package(lines), said)


def _served(lock: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each loader and framework for which everything that is needed is there."""
    return [
        (spec.name, framework)
        for spec in load_specs().values()
        for framework in spec.frameworks
        if set(map(canonical, spec.needed(framework))) <= set(lock)
    ]


def _pins(wish: EnvironmentWish, base: EnvSpec | None, lock: Mapping[str, str]) -> tuple[str, ...]:
    """Pin what was named, and what decides the keys of cells in this environment."""
    specs = load_specs()
    named = {_name(line) for line in requirements(wish, base)}
    for loader, framework in _served(lock):
        named |= set(map(canonical, specs[loader].decisive[framework])) & set(lock)
    return tuple(f"{name}=={lock[name]}" for name in sorted(named) if name in lock)


def _draft(wish: EnvironmentWish, base: EnvSpec | None, known: Mapping[str, EnvSpec]) -> EnvSpec:
    """Return the specification before its requirements are known."""
    about = f"Of {wish.name} in a suite"
    if base is not None:
        return base.model_copy(
            update={
                "name": wish.name,
                "about": f"{about}: {base.name} with {', '.join(wish.packages) or 'no change'}.",
                "python": _python(wish, base),
                "variables": {**base.variables, **wish.variables},
                "default": True,
                "disk_bytes": wish.disk_bytes or base.disk_bytes,
            }
        )
    return EnvSpec(
        name=wish.name,
        about=f"{about}: {', '.join(wish.packages)}.",
        python=_python(wish, base),
        frameworks=("pytorch",),
        loaders=("transformers",),
        requirements=(),
        variables=wish.variables,
        disk_bytes=wish.disk_bytes or max(each.disk_bytes for each in known.values()),
    )


def _settled(
    wish: EnvironmentWish,
    base: EnvSpec | None,
    found: Resolution,
    moved: Mapping[str, tuple[str | None, str]],
    known: Mapping[str, EnvSpec],
) -> SuiteEnvironment:
    """Make the specification of what pip said."""
    served = _served(found.lock)
    if base is not None:
        added = set(map(canonical, wish.packages)) - {_name(line) for line in base.requirements}
        specs = load_specs()
        served = [(b, f) for b, f in served if added & set(map(canonical, specs[b].needed(f)))]
        served = [*((b, f) for b in base.loaders for f in base.frameworks), *served]
    if not served:
        raise BadInputError(
            f"environment {wish.name} holds nothing that a loader of caniload needs",
            "`caniload doctor` lists the loaders",
        )
    spec = _draft(wish, base, known).model_copy(
        update={
            "requirements": found.requirements,
            "loaders": tuple(dict.fromkeys(loader for loader, _ in served)),
            "frameworks": tuple(dict.fromkeys(framework for _, framework in served)),
        }
    )
    spec = EnvSpec.model_validate(spec.model_dump())
    return SuiteEnvironment(wish.name, spec, None, wish.extends, found.lock, moved)


def _moved(before: Resolution | None, pins: tuple[str, ...]) -> dict[str, tuple[str | None, str]]:
    """Name the pins that differ from those of last time."""
    if before is None:
        return {}
    old = dict(line.split("==", 1) for line in before.requirements)
    new = dict(line.split("==", 1) for line in pins)
    return {name: (old.get(name), now) for name, now in new.items() if old.get(name) != now}


def _file(name: str, settings: Settings) -> Path:
    return settings.home / "resolutions" / f"{name}.json"


def _kept(name: str, settings: Settings) -> Resolution | None:
    try:
        return Resolution.model_validate_json(_file(name, settings).read_bytes())
    except (OSError, ValidationError):
        return None


def _keep(name: str, found: Resolution, settings: Settings) -> None:
    """Write a resolution, at one stroke."""
    path = _file(name, settings)
    with translating(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        draft.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(path)
