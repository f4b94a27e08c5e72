"""Evidence as real records in real segments, so that the store is tested on what runs write."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog import answers, questions
from caniload.catalog.store import open_store
from caniload.records import (
    Cell,
    Device,
    Environment,
    ExceptionFact,
    Fingerprint,
    Observation,
    Observer,
    OutputPrint,
    Recipe,
    RunHeader,
    Sandbox,
    Settlement,
)
from caniload.runs.journal import Segment
from caniload.settings import Settings

SOURCE = "hf:tiny/bert"
HANDLE = f"{SOURCE}@{'a' * 40}#safetensors"
BASE = tuple(1.0 + 0.01 * index for index in range(64))
START = datetime(2026, 11, 1, 12, tzinfo=UTC)

TINY = """
id: tiny-bert
name: TinyBERT
aliases: [tiny]
family: bert
tasks: [feature-extraction]
licence: Apache-2.0
about: A model of the tests.
native: {loader: transformers, framework: pytorch}
tolerances: {gguf: 0.05}
same_weights: [[hf:tiny/bert-a, hf:tiny/bert-b]]
sources:
  - handle: hf:tiny/bert
    claims:
      - {loader: flax-bert, framework: jax, page: tiny==1.0, says: A tag names jax.}
      - {loader: transformers, framework: pytorch, page: tiny==1.0, says: A tag names pytorch.}
  - handle: hf:tiny/bert-a
  - handle: hf:tiny/bert-b
"""
LONELY = """
id: lonely
name: Lonely
family: bert
tasks: [feature-extraction]
licence: Apache-2.0
about: A model that no loader is native to.
sources: [{handle: "hf:tiny/lonely"}]
"""
RULES = """
kinds:
  incompatible: {fault: model, means: does not go together}
  environment: {fault: environment, means: mend the environment}
  artifact: {fault: artefact, means: damaged files}
  policy: {fault: policy, means: somebody must say so}
  flaky-network: {fault: network, means: try again}
  gated: {fault: permission, means: needs an account}
  resources: {fault: resources, means: too big}
  harness: {fault: harness, means: ours}
rules:
"""
for _kind in ("incompatible", "environment", "artifact", "policy", "flaky-network", "gated",
              "resources", "harness"):  # fmt: skip
    RULES += f"""
- id: tests.{_kind}
  title: A failure of kind {_kind}
  kind: {_kind}
  cause: The test says so.
  fix: None is needed.
  since: always
  frameworks: [any]
  citations: [tests]
  match:
  - {{contains: [because {_kind}]}}
"""


class Evidence:
    """Write observations into finished segments of a home, a day apart from run to run."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runs = 0

    def cell(self, **change: Any) -> Cell:
        versions = change.pop("versions", {"torch": "2.13.0", "transformers": "5.23.0"})
        facts: dict[str, Any] = {
            "model": "tiny-bert",
            "handle": HANDLE,
            "loader": "transformers",
            "framework": "pytorch",
            "environment": "pytorch",
            "environment_key": self.environment(versions).key,
            "device": "cpu",
            "recipe": Recipe(name="tokens"),
        }
        return Cell(**(facts | change))

    def environment(self, versions: dict[str, str], patches: tuple[str, ...] = ()) -> Environment:
        return Environment(
            name="pytorch",
            python="3.11.7",
            python_minor="3.11",
            platform="linux-x86_64",
            decisive=versions,
            lock=versions | {"numpy": "2.4.6"},
            patches=patches,
        )

    def observe(self, outcome: str = "passed", **change: Any) -> dict[str, Any]:
        """Describe an observation; cell fields and observation fields may be mixed.

        `settled` is how the run settled its cell, its own outcome where it is not said.
        """
        return {"outcome": outcome, **change}

    def run(
        self,
        *described: dict[str, Any],
        run_id: str | None = None,
        home: Path | None = None,
        command: str = "test",
    ) -> str:
        """Write a finished segment of the described observations and return its run's id."""
        self._runs += 1
        run_id = run_id or f"202611{self._runs:02d}T120000Z-{self._runs:06x}"
        settled = {n: one["settled"] for n, one in enumerate(described) if "settled" in one}
        made = [self._observation(run_id, n, dict(one)) for n, one in enumerate(described)]
        first = made[0].observer if made else self.observer()
        header = RunHeader(
            run_id=run_id,
            started_at=START,
            command=command,
            observer=first,
            cells=tuple({o.cell.id: o.cell for o in made}.values()),
        )
        root = self.settings.segments if home is None else home
        segment = Segment.create(root, header)
        for observation in made:
            segment.append(observation)
        for cell in header.cells:
            own = [o for o in made if o.cell.id == cell.id]
            segment.settle(
                Settlement(
                    run_id=run_id,
                    cell_id=cell.id,
                    observations=tuple(o.id for o in own),
                    outcome=settled.get(made.index(own[-1]), own[-1].outcome),
                    settled_at=own[-1].finished_at,
                )
            )
        segment.finish()
        return run_id

    def observer(self, name: str = "me", version: str = "0.1.0") -> Observer:
        return Observer(
            name=name, caniload_version=version, machine="test", cpu_count=2, memory_bytes=1
        )

    def _observation(self, run_id: str, number: int, one: dict[str, Any]) -> Observation:
        versions = one.pop("versions", {"torch": "2.13.0", "transformers": "5.23.0"})
        environment = self.environment(versions, one.pop("patches", ()))
        observer = self.observer(one.pop("observer", "me"), one.pop("caniload_version", "0.1.0"))
        rms = one.pop("off_by", 0.0)
        outputs = one.pop("outputs", None)
        dtype = one.pop("dtype", "float32")
        error = one.pop("error", None)
        one.pop("settled", None)
        in_cell = {name: one.pop(name) for name in list(one) if name in Cell.model_fields}
        cell = self.cell(versions=versions, **in_cell)
        outcome = one.pop("outcome")
        passed = outcome == "passed"
        pretrained = cell.recipe.weights == "pretrained"
        if passed and outputs is None and cell.kind == "attempt":
            outputs = {"last_hidden_state": tuple(x * (1 + rms) for x in BASE)}
        at = START + timedelta(days=self._runs, minutes=number)
        facts: dict[str, Any] = {
            "id": f"{run_id}-{number:04d}",
            "run_id": run_id,
            "cell": cell,
            "started_at": at,
            "finished_at": at + timedelta(seconds=2),
            "outcome": outcome,
            "stage": "check" if passed else "load",
            "evidence_level": ("pretrained" if pretrained else "architecture") if passed else None,
            "wall_seconds": 2.0,
            "exceptions": (ExceptionFact(type=error[0], message=error[1]),) if error else (),
            "message": f"{error[0]}: {error[1]}" if error else "",
            "environment": environment,
            "device": Device(kind=cell.device.partition(":")[0]),
            "sandbox": Sandbox(kind="none", network=False, memory="pss"),
            "observer": observer,
        }
        if outputs:
            facts["fingerprint"] = Fingerprint(
                recipe_hash=cell.recipe.hash,
                outputs=tuple(
                    OutputPrint(
                        name=name,
                        shape=(len(values),),
                        dtype=dtype,
                        mean=0.0,
                        rms=1.0,
                        samples=tuple(values),
                    )
                    for name, values in outputs.items()
                ),
            )
        return Observation(**(facts | one))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An authored catalogue of two models, with diagnosis rules of their own."""
    root = tmp_path / "data"
    (root / "models").mkdir(parents=True)
    (root / "models" / "tiny-bert.yaml").write_text(TINY)
    (root / "models" / "lonely.yaml").write_text(LONELY)
    for kind in ("datasets", "tools", "environments"):
        (root / kind).mkdir()
    (root / "environments" / "pytorch.yaml").write_text("name: pytorch\npython: '>=3.11'\n")
    (root / "failures.yaml").write_text(RULES)
    return root


@pytest.fixture
def home(settings: Settings, data: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a fresh home with the catalogue of the tests."""
    monkeypatch.setenv("CANILOAD_DATA", str(data))
    return dataclasses.replace(settings, data=data)


@pytest.fixture
def evidence(home: Settings) -> Evidence:
    """A writer of segments into this home."""
    return Evidence(home)


@pytest.fixture
def verdicts(home: Settings) -> Callable[..., tuple[answers.CellAnswer, ...]]:
    """Return a function that opens the store and gives the matrix."""

    def ask(model: str | None = None, **limits: Any) -> tuple[answers.CellAnswer, ...]:
        with open_store(home) as store:
            return questions.matrix(store, model, **limits)

    return ask
