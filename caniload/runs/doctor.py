"""Look at this machine and say what caniload finds on it, and what to do about what is missing.

Nothing is installed, changed or downloaded, no framework is imported, and no hub is asked
unless the user wants it.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from caniload import __version__
from caniload.errors import CaniloadError, InterpreterError
from caniload.runs import environments, hubs_reached, machine
from caniload.runs.environments import gigabytes
from caniload.runs.here import Here, here, read
from caniload.settings import Settings

FRAMEWORK_DISTRIBUTIONS = (
    "torch",
    "tensorflow",
    "jax",
    "onnxruntime",
    "keras",
    "keras-hub",
    "transformers",
    "sentence-transformers",
    "timm",
    "torchvision",
    "tensorflow-hub",
    "ai-edge-litert",
)
"""What is looked for in an interpreter, by metadata: the runtimes and the loading libraries."""

LOW_DISK_BYTES = 5_000_000_000
"""Below this a build of any but the smallest environment would fail."""


class Status(StrEnum):
    """Rank a finding; `missing` means that something caniload can do is not possible here."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """State one fact about the machine; `next_step` is empty where nothing need be done."""

    section: str
    name: str
    status: Status
    detail: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Hold all findings, in the order in which they are shown."""

    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The worst status found."""
        ranks = list(Status)
        return max((finding.status for finding in self.findings), key=ranks.index)

    def section(self, name: str) -> tuple[Finding, ...]:
        """Return the findings of one section."""
        return tuple(finding for finding in self.findings if finding.section == name)


def report(settings: Settings, *, online: bool = False) -> Report:
    """Look at everything and return what was found; `online` also asks the configured hubs."""
    parts: list[Callable[[], Iterator[Finding]]] = [
        lambda: _interpreters(),
        lambda: _environments(settings),
        _devices,
        lambda: _hubs(online),
        _sandbox,
        lambda: _disk(settings),
        lambda: _store(settings),
    ]
    with ThreadPoolExecutor(len(parts)) as pool:
        return Report(
            tuple(found for part in pool.map(lambda part: list(part()), parts) for found in part)
        )


def frameworks(found: Here) -> str:
    """Name the frameworks in an interpreter, with their versions, or say that there are none."""
    have = [f"{name} {found.versions[name]}" for name in FRAMEWORK_DISTRIBUTIONS if name in found]
    return ", ".join(have) or "no framework"


def _interpreters() -> Iterator[Finding]:
    """Look at the Python of caniload itself and at the one that is active."""
    own = platform.python_version()
    yield Finding(
        "interpreters", "caniload", Status.OK, f"{__version__} on Python {own}, {sys.executable}"
    )
    try:
        found = read(here())
    except InterpreterError as error:
        yield Finding("interpreters", "here", Status.MISSING, error.message, error.hint)
        return
    detail = f"{found.python}, Python {found.python_minor}: {frameworks(found)}"
    yield Finding("interpreters", "here", Status.OK, detail)


def _environments(settings: Settings) -> Iterator[Finding]:
    """Look at what is specified, what of it is built, and what a build left behind."""
    section = "environments"
    try:
        specs = environments.specs(settings)
    except CaniloadError as error:
        yield Finding(section, "specifications", Status.MISSING, error.message, error.hint)
        specs = {}
    standing = {entry.name: entry for entry in environments.built(settings)}
    for name, spec in specs.items():
        command = f"caniload env build {name}"
        entry = standing.get(name)
        if entry is None:
            size = gigabytes(spec.disk_bytes)
            yield Finding(section, name, Status.WARN, f"not built, takes about {size}", command)
            continue
        have = Here(
            entry.python,
            entry.marker.python_minor,
            entry.marker.platform,
            entry.marker.distributions,
            entry.marker.builds,
        )
        detail = f"{frameworks(have)}; {gigabytes(entry.size_bytes)}"
        if environments.find(spec, settings) is None:
            stale = f"built from an older specification: {detail}"
            yield Finding(section, name, Status.WARN, stale, command)
        else:
            yield Finding(section, name, Status.OK, detail)
    for name in sorted(set(standing) - set(specs)):
        detail = f"no longer specified; {gigabytes(standing[name].size_bytes)}"
        yield Finding(section, name, Status.WARN, detail, f"caniload env rm {name}")
    for name in environments.half_built(settings):
        yield Finding(
            section, name, Status.WARN, "half-built, never used", f"caniload env build {name}"
        )
    used = sum(entry.size_bytes for entry in standing.values())
    over = used > settings.env_budget_bytes
    yield Finding(
        section,
        "budget",
        Status.WARN if over else Status.OK,
        f"{gigabytes(used)} of {gigabytes(settings.env_budget_bytes)} used",
        "caniload env rm NAME, or raise CANILOAD_ENV_BUDGET_GB" if over else "",
    )


def _devices() -> Iterator[Finding]:
    """Look at processor and accelerators."""
    yield Finding("devices", "cpu", Status.OK, machine.processor())
    gpus = machine.nvidia()
    for index, gpu in enumerate(gpus.found):
        yield Finding("devices", f"cuda:{index}", Status.OK, gpu)
    if gpus.problem:
        yield Finding(
            "devices", "cuda", Status.WARN, gpus.problem, "run nvidia-smi and mend what it says"
        )
    elif not gpus.found:
        yield Finding("devices", "cuda", Status.OK, "no NVIDIA GPU here")
    if machine.apple_silicon():
        yield Finding("devices", "mps", Status.OK, "Apple silicon")


def _hubs(online: bool) -> Iterator[Finding]:
    """Name the hubs that are configured; ask them only if the user wants it."""
    for hub in hubs_reached.configured():
        if not online:
            yield Finding("hubs", hub.name, Status.OK, f"{hub.where}; not asked (--online asks)")
            continue
        problem = hub.ask()
        if problem is None:
            yield Finding("hubs", hub.name, Status.OK, f"{hub.where}; answers")
        else:
            yield Finding(
                "hubs", hub.name, Status.MISSING, f"{hub.where}; {problem}", hub.next_step
            )


def _sandbox() -> Iterator[Finding]:
    """Run nothing inside the real sandbox, and make and remove a real cgroup."""
    problem = machine.bubblewrap_problem()
    yield Finding(
        "sandbox",
        "bubblewrap",
        Status.OK if problem is None else Status.MISSING,
        problem or "a sandbox without network starts",
        "" if problem is None else "install bubblewrap; without it programs and code are refused",
    )
    held = machine.writable_cgroup()
    yield Finding(
        "sandbox",
        "cgroup",
        Status.OK if held else Status.WARN,
        f"{held} is writable: memory and processes are limited by the kernel"
        if held
        else "no writable cgroup: memory is watched from outside",
        "" if held else "run under `systemd-run --user --scope -p Delegate=yes` for hard limits",
    )


def _disk(settings: Settings) -> Iterator[Finding]:
    """Look at the places that caniload writes to, and at what is free there."""
    for name, path in (
        ("home", settings.home),
        ("cache", settings.cache),
        ("environments", settings.envs),
    ):
        free, writable = machine.free_bytes(path), machine.writable(path)
        if not writable:
            step = "set CANILOAD_HOME, CANILOAD_CACHE or CANILOAD_ENVS to a folder of yours"
            yield Finding("disk", name, Status.MISSING, f"{path} cannot be written", step)
        elif free < LOW_DISK_BYTES:
            detail = f"{path}, only {gigabytes(free)} free"
            yield Finding(
                "disk", name, Status.WARN, detail, "caniload env rm NAME, caniload cache rm"
            )
        else:
            yield Finding("disk", name, Status.OK, f"{path}, {gigabytes(free)} free")


def _store(settings: Settings) -> Iterator[Finding]:
    """Look at the published generation and at runs that did not finish."""
    try:
        current = (settings.store / "CURRENT").read_text(encoding="utf-8")
    except FileNotFoundError:
        yield Finding("store", "generation", Status.OK, "none yet; the first question makes it")
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(
            "store",
            "generation",
            Status.MISSING,
            f"CURRENT cannot be read: {error}",
            "remove the store folder; it is rebuilt from its segments",
        )
    else:
        yield Finding("store", "generation", Status.OK, f"published, {len(current)} bytes of list")
    folders = [path for path in _listed(settings.segments) if path.is_dir()]
    open_runs = [path.name for path in folders if not (path / "run.json").exists()]
    done = len(folders) - len(open_runs)
    yield Finding(
        "store",
        "segments",
        Status.WARN if open_runs else Status.OK,
        f"{done} finished, {len(open_runs)} unfinished",
        f"caniload run TARGET --resume {open_runs[-1]}, with the targets it had"
        if open_runs
        else "",
    )


def _listed(path: Path) -> list[Path]:
    """List a folder in order; nothing if it cannot be."""
    try:
        return sorted(Path(entry.path) for entry in os.scandir(path))
    except OSError:
        return []
