"""Make one attempt on a node of a cluster: an order in JSON comes in, an observation goes out.

The node builds the environment with our own builder, fetches with our own fetch, and keeps what
it fetched in its own cache. An order holds no path of the machine that wrote it and no code.
Whoever schedules imports this module on the node; caniload is installed there, in one version.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from caniload import __version__
from caniload.errors import CaniloadError, DiskFullError, HubError
from caniload.handles import Handle, parse
from caniload.loaders.fetch import fetch
from caniload.loaders.specs import load_specs
from caniload.records import Cell, FetchedArtefact, Observation, Record, RunHeader, utcnow
from caniload.runs import environments, products
from caniload.runs.attempting import Attempting
from caniload.runs.controls import FOLDER
from caniload.runs.envspecs import EnvSpec
from caniload.runs.interpreters import probe
from caniload.runs.job import Job
from caniload.runs.launch import Place
from caniload.runs.making import Limits, Spot, job_of
from caniload.runs.observing import observer
from caniload.runs.plan import Trial
from caniload.settings import Settings

SMOKE = Path(__file__).parents[1] / "loaders" / "smoke"


class NodeOrder(Record):
    """Ask a node for one attempt at a cell.

    `handle`, `sha256`, `hints`, `control` are as `job.Elsewhere` has them. `worker` is the
    folder of the worker's package if it is not ours, `sandbox` "none" does without one.
    """

    caniload: str = __version__
    run_id: str
    identity: str
    number: int
    observer: str
    cell: Cell
    environment: EnvSpec
    handle: str | None = None
    sha256: str | None = None
    hints: dict[str, Any] = Field(default_factory=dict)
    control: str | None = None
    architecture: str | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: float
    memory_bytes: int | None = None
    refresh: bool = False
    worker: str | None = None
    sandbox: Literal["bubblewrap", "none"] | None = None


class NodeAnswer(Record):
    """What a node sends back: the observation and its log, or why this node cannot make it."""

    node: str
    observation: Observation | None = None
    log: str = ""
    unfit: str = ""


def attempt(order: str, node: str) -> str:
    """Make the attempt that an order asks for and return the answer, both as JSON.

    What is wrong with the node (no disk, an environment that cannot be built here, another
    version of caniload) is said in the answer, so that another node may do it.
    """
    asked = NodeOrder.model_validate_json(order)
    try:
        return _attempt(asked, node).model_dump_json()
    except CaniloadError as error:
        why = f"{type(error).__name__}: {error.message}"
        return NodeAnswer(node=node, unfit=why).model_dump_json()


def _attempt(asked: NodeOrder, node: str) -> NodeAnswer:
    if asked.caniload != __version__:
        return NodeAnswer(
            node=node, unfit=f"it has caniload {__version__}, the run {asked.caniload}"
        )
    settings = replace(Settings.read(), observer=asked.observer)
    with environments.use(asked.environment, settings) as python, _scratch(settings, asked) as own:
        spec = asked.environment
        spot = Spot(spec.name, probe(python), spec.patches, None, spec.variables)
        job = _job(asked, spot, settings, node)
        if job.environment.key != asked.cell.environment_key:
            found = ", ".join(f"{n} {v}" for n, v in sorted(job.environment.decisive.items()))
            where = f"Python {job.environment.python_minor}, {job.environment.platform}"
            return NodeAnswer(node=node, unfit=f"its environment is another: {where}, {found}")
        header = RunHeader(
            run_id=asked.run_id,
            started_at=utcnow(),
            command="node",
            observer=observer(asked.observer),
            cells=(),
        )
        place = Place.here(Path(asked.worker) if asked.worker else SMOKE, asked.sandbox)
        attempting = Attempting(settings, header, place, scratch=own)
        try:
            seen = attempting.attempt(job, asked.number, asked.identity)
        finally:
            attempting.close()
    log = "" if seen.log is None else (settings.logs / seen.log).read_text(encoding="utf-8")
    return NodeAnswer(node=node, observation=seen, log=log)


def _job(asked: NodeOrder, spot: Spot, settings: Settings, node: str) -> Job:
    """Make the job here; its cell is the planned one."""
    cell = asked.cell
    trial = Trial(
        cell.model,
        parse(asked.handle or cell.handle),
        cell.loader,
        cell.framework,
        spot.name,
        cell.recipe,
        asked.hints,
        asked.sha256,
        cell.export_format,
        architecture=asked.architecture,
    )
    limits = Limits(cell.device, asked.timeout_seconds, asked.memory_bytes)
    made = job_of(trial, _artefact(asked, settings), spot, load_specs()[cell.loader], limits)
    return replace(made, cell=cell, facts={**asked.facts, "node": node})


def _artefact(asked: NodeOrder, settings: Settings) -> FetchedArtefact | HubError | None:
    """Fetch what the order names; a hub's "no" is returned, since it is no fault of the node's."""
    if asked.control is not None:
        form = parse(asked.cell.handle).format
        return fetch(Handle("file", str(FOLDER / asked.control), format=form), settings)
    if asked.handle is None:
        return None
    try:
        return fetch(parse(asked.handle), settings, refresh=asked.refresh, sha256=asked.sha256)
    except DiskFullError:
        raise
    except HubError as error:
        return error


@contextlib.contextmanager
def _scratch(settings: Settings, asked: NodeOrder) -> Iterator[Path]:
    """Give an attempt a folder of its own, held by a lock; what dead ones left is removed."""
    root = settings.home / "node"
    root.mkdir(parents=True, exist_ok=True)
    lock = root / f"{asked.identity}.{os.getpid()}.lock"
    for other in root.glob("*.lock"):
        with contextlib.suppress(OSError), other.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root / "scratch" / other.stem, ignore_errors=True)
            other.unlink()
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield products.scratch_folder(root, lock.stem)
        finally:
            lock.unlink(missing_ok=True)
