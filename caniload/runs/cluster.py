"""Let a Ray cluster make a run's attempts: Ray says where, our own builder and fetch do the rest.

Needs the extra `caniload[ray]`; nothing else imports Ray. What crosses is one JSON text each way
(`node.NodeOrder`, `node.NodeAnswer`); the task is a function of this module, found by its name on
a node where caniload is installed. An attempt whose node is lost is made on another one.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caniload.errors import BadInputError
from caniload.records import Observation, RunHeader
from caniload.runs import products
from caniload.runs.attempting import Attempting, OnEvent
from caniload.runs.crew import HEADROOM, UNKNOWN_BYTES
from caniload.runs.envspecs import EnvSpec
from caniload.runs.executor import Executor, OnSettled
from caniload.runs.hands import Hands
from caniload.runs.job import Elsewhere, Job, Obstacle
from caniload.runs.launch import Place
from caniload.runs.node import NodeAnswer, NodeOrder
from caniload.runs.redact import Redactor
from caniload.runs.sandbox import SandboxKind
from caniload.runs.supervise import Stop, StoppedError
from caniload.settings import Settings
from caniload.words import Outcome, Stage

TRIES = 3
"""On how many nodes one attempt is begun before it counts as a harness error."""

CPUS = 2.0
"""What one cell takes of a node; one that has less gives what it has."""

POLL_SECONDS = 0.5

PAUSE_SECONDS = 2.0
"""After a loss, so that the cluster has noticed it."""


_LOSSES = {
    "NodeDiedError": "its node died",
    "WorkerCrashedError": "its process on the node died",
    "OutOfMemoryError": "its node was short of memory and Ray ended it",
    "TaskUnschedulableError": "its node is gone",
    "TaskCancelledError": "it was cancelled",
}

_ADDRESS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b")


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive: `cpus`, `gpus` and `memory_bytes` are what Ray may give of it."""

    name: str
    cpus: float
    gpus: float
    memory_bytes: float


class Cluster:
    """A cluster that this process is connected to; use `connected`."""

    def __init__(self, ray: Any) -> None:
        """Take the module, which is initialised."""
        self.ray = ray
        self.task = ray.remote(_task)

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that are alive and have a processor to give."""
        found = []
        for each in self.ray.nodes():
            has = each["Resources"]
            if each["Alive"] and has.get("CPU", 0) > 0:
                found.append(
                    Node(each["NodeID"], has["CPU"], has.get("GPU", 0), has.get("memory", 0))
                )
        return tuple(sorted(found, key=lambda node: node.name))

    @property
    def cpus(self) -> float:
        """What a cell takes of a node."""
        return min([CPUS, *(node.cpus for node in self.nodes())])

    @property
    def slots(self) -> int:
        """How many cells fit the cluster at once."""
        return max(1, sum(int(node.cpus // self.cpus) for node in self.nodes()))


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Connect to a running cluster, `auto` being the one of this machine, and let go of it.

    What Ray prints meanwhile, on stdout too when a node is lost, goes to stderr. Raises
    `BadInputError` when Ray is not installed or no cluster answers there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise BadInputError("Ray is not installed", "pip install 'caniload[ray]'") from error
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        line = (str(error).splitlines() or [repr(error)])[0]
        raise BadInputError(
            f"no Ray cluster at {address}: {line}", "start one (`ray start --head`), or --address"
        ) from error
    try:
        with redirect_stdout(sys.stderr):
            yield Cluster(ray)
    finally:
        ray.shutdown()


def ray_executor(
    cluster: Cluster,
    settings: Settings,
    environments: Mapping[str, EnvSpec | None],
    *,
    on_event: OnEvent | None = None,
    on_settled: OnSettled | None = None,
    workers: int | None = None,
    refresh: bool = False,
    worker: Path | None = None,
    sandbox: SandboxKind | None = None,
) -> Executor:
    """Return the executor whose attempts a cluster makes, as many at once as it has room for.

    Raises `BadInputError` for an environment without a specification: no node could build it.
    """
    for name, spec in environments.items():
        if spec is None:
            raise BadInputError(
                f"environment {name!r} is an interpreter of this machine, which no node has",
                "say by `packages` what it holds, or leave out --executor ray",
            )
    known = {name: spec for name, spec in environments.items() if spec is not None}

    def bring(header: RunHeader, place: Place, stop: Stop) -> Hands:
        return RayHands(
            cluster,
            settings,
            known,
            header,
            place,
            stop,
            refresh=refresh,
            on_event=on_event,
            worker=worker,
            sandbox=sandbox,
        )

    return Executor(
        settings,
        on_event,
        on_settled,
        worker=worker,
        sandbox=sandbox,
        workers=workers or cluster.slots,
        hands=bring,
    )


class RayHands:
    """Make a run's attempts on the nodes of a cluster; one thread a slot asks."""

    warm = None

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        environments: Mapping[str, EnvSpec],
        header: RunHeader,
        place: Place,
        stop: Stop,
        *,
        refresh: bool = False,
        on_event: OnEvent | None = None,
        worker: Path | None = None,
        sandbox: SandboxKind | None = None,
    ) -> None:
        """Take the cluster, what the suite's environments are made of, and whose attempts.

        With `refresh` nodes ask the hub again for what their cache holds. `worker` and `sandbox`
        are as an `Executor` has them.
        """
        self.cluster = cluster
        self.settings = settings
        self.environments = environments
        self.header = header
        self.here = Attempting(settings, header, place, on_event=on_event, stop=stop)
        self._stop = stop
        self._refresh = refresh
        self._on_event = on_event
        self._worker = worker
        self._sandbox = sandbox

    def places(self) -> tuple[str | None, ...]:
        """Return the names of the nodes that are alive."""
        return tuple(node.name for node in self.cluster.nodes())

    def close(self) -> None:
        """Remove what this machine's own attempts wrote; tasks ended with their threads."""
        self.here.close()

    def attempt(self, job: Job, number: int, identity: str) -> Observation:
        """Attempt a job on some node; what no node can do is a harness error that says why.

        What has an obstacle, or must stay on this machine, is done here. Raises `StoppedError`.
        """
        needs = job.elsewhere
        if needs is None or job.obstacle is not None:
            return self.here.attempt(job, number, identity)
        order = self._order(job, needs, number, identity)
        lost: list[str] = []
        shunned: set[str] = set()
        while len(lost) < TRIES:
            fit = [node for node in self._fit(job, needs) if node.name not in shunned]
            if not fit:
                break
            chosen = needs.node or (random.choice(fit).name if shunned else None)
            try:
                answer = self._asked(order, self._options(job, needs, chosen, fit))
            except _LostError as error:
                lost.append(str(error))
                self._stop_or_wait(PAUSE_SECONDS)
                continue
            if answer.observation is not None:
                return self._kept(job, answer, answer.observation, lost)
            lost.append(f"node {answer.node[:8]}: {answer.unfit}")
            shunned.add(answer.node)
        return self.here.attempt(self._given_up(job, lost), number, identity)

    def _fit(self, job: Job, needs: Elsewhere) -> list[Node]:
        """Return the nodes on which a job could run at all."""
        gpu = job.cell.device != "cpu"
        return [
            node
            for node in self.cluster.nodes()
            if (node.gpus >= 1 or not gpu) and needs.node in (None, node.name)
        ]

    def _options(
        self, job: Job, needs: Elsewhere, chosen: str | None, fit: list[Node]
    ) -> dict[str, Any]:
        """Say what Ray has to keep free for a job, and where."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        need = HEADROOM * needs.need_bytes if needs.need_bytes else UNKNOWN_BYTES
        named = [node for node in fit if chosen in (None, node.name)]
        most = max((node.memory_bytes for node in named), default=0.0)
        place = NodeAffinitySchedulingStrategy(chosen, soft=False) if chosen else "SPREAD"
        return {
            "num_cpus": self.cluster.cpus,
            "num_gpus": 0 if job.cell.device == "cpu" else 1,
            "memory": int(min(need, most)),
            "max_retries": 0,
            "scheduling_strategy": place,
        }

    def _order(self, job: Job, needs: Elsewhere, number: int, identity: str) -> str:
        """Write down all that a node is told."""
        return NodeOrder(
            run_id=self.header.run_id,
            identity=identity,
            number=number,
            observer=self.header.observer.name,
            cell=job.cell,
            environment=self.environments[job.cell.environment],
            handle=needs.handle,
            sha256=needs.sha256,
            hints=dict(needs.hints),
            control=needs.control,
            architecture=job.architecture,
            facts=dict(job.facts),
            timeout_seconds=job.timeout_seconds,
            memory_bytes=job.memory_bytes,
            refresh=self._refresh,
            worker=None if self._worker is None else str(self._worker),
            sandbox=self._sandbox,
        ).model_dump_json()

    def _asked(self, order: str, options: dict[str, Any]) -> NodeAnswer:
        """Have one task made and wait for its answer; raises `_LostError` when none comes."""
        ray = self.cluster.ray
        task = self.cluster.task.options(**options).remote(order)
        try:
            while not ray.wait([task], timeout=POLL_SECONDS)[0]:
                if self._stop.rung:
                    raise StoppedError
            return NodeAnswer.model_validate_json(ray.get(task))
        except ray.exceptions.RayError as error:
            raise _LostError(_in_words(error)) from error
        except BaseException:
            ray.cancel(task, force=True)
            raise

    def _stop_or_wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._stop.rung:
                raise StoppedError
            time.sleep(POLL_SECONDS / 5)

    def _kept(
        self, job: Job, answer: NodeAnswer, seen: Observation, lost: list[str]
    ) -> Observation:
        """Keep a node's observation as one of this run, with its log beside it."""
        facts = dict(seen.facts)
        if lost:
            facts["lost"] = "; ".join(lost)
        if seen.log is not None:
            logs = self.settings.logs
            log = products.keep_log(logs, self.header.run_id, seen.id, answer.log)
            seen = seen.model_copy(update={"log": log})
        if self._on_event is not None:
            self._on_event(job.cell, {"event": "final", "outcome": str(seen.outcome)})
        return seen.model_copy(update={"facts": facts})

    def _given_up(self, job: Job, lost: list[str]) -> Job:
        """Say why no node made the attempt."""
        kind = "a GPU" if job.cell.device != "cpu" else "a processor"
        why = "; ".join(lost) or f"no node of the cluster has {kind}"
        message = f"given up after {len(lost)} of {TRIES} tries on the cluster: {why}"
        obstacle = Obstacle(Outcome.HARNESS_ERROR, Stage.RESOLVE, "caniload.NodesLost", message)
        return replace(job, obstacle=obstacle)


def _in_words(error: Exception) -> str:
    """Say what became of a task; Ray's own messages name addresses, which no record holds."""
    kind = type(error).__name__
    if kind in _LOSSES:
        return _LOSSES[kind]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = _ADDRESS.sub("<address>", Redactor().text(lines[-1])) if lines else ""
    return f"{kind}: {said}"[:300]


class _LostError(Exception):
    """Raised when a task ended without an answer: its node or its process is gone."""


def _task(order: str) -> str:
    """Do on a node what an order asks for; Ray finds it by its name."""
    import ray

    from caniload.runs.node import attempt

    return attempt(order, ray.get_runtime_context().get_node_id())
