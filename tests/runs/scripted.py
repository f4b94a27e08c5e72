"""Jobs whose workers do what a script of `scripted_worker` says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caniload.records import Cell, Environment, FetchedArtefact, Recipe, utcnow
from caniload.runs.job import Job
from caniload.words import ArtefactClass

WORKER = Path(__file__).parent / "scripted_worker"
PYTHON = Path(sys.executable)
ENVIRONMENT = Environment(
    name="here",
    python="3.11.7",
    python_minor="3.11",
    platform="linux-x86_64",
    decisive={"torch": "2.13.0"},
    lock={"torch": "2.13.0", "numpy": "2.4.6"},
)


@dataclass(frozen=True)
class ScriptedSpec:
    """A loader's host side, as far as the parent knows it."""

    kind: ArtefactClass = ArtefactClass.DATA
    name: str = "transformers"
    env: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"pytorch": {"A_B": "1"}})
    preload: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"pytorch": ("json",)})
    smoke_file: Path | None = None
    warm_modules: None = None

    def artefact_class(self, artefact_format: str | None, /) -> ArtefactClass:
        return self.kind


def make_job(script: str = "pass_", root: Path | None = None, /, **changes: Any) -> Job:
    """A job whose worker runs one script; `arguments` are the script's own."""
    arguments = changes.pop("arguments", {})
    label = changes.pop("label", script)
    kind = changes.pop("kind", ArtefactClass.DATA)
    allow_code = changes.pop("allow_code", False)
    export_format = changes.pop("export_format", None)
    handle = changes.pop("handle", f"file:scripted/{label}@1#safetensors")
    recipe = Recipe(allow_code=allow_code)
    cell = Cell(
        model="scripted",
        handle=handle,
        loader="transformers",
        framework="pytorch",
        environment="here",
        environment_key=ENVIRONMENT.key,
        device="cpu",
        recipe=recipe,
        kind="export" if export_format else "attempt",
        export_format=export_format,
    )
    artefact = None
    if root is not None:
        names = sorted(path.name for path in root.iterdir())
        artefact = FetchedArtefact(
            handle=handle,
            root=str(root),
            format="safetensors",
            files=tuple({"path": n, "size_bytes": 1, "sha256": "0" * 64} for n in names),
            resolved_by="a test",
            resolved_at=utcnow(),
        )
    fields: dict[str, Any] = {
        "cell": cell,
        "interpreter": PYTHON,
        "environment": ENVIRONMENT,
        "artefact": artefact,
        "spec": ScriptedSpec(kind),
        "timeout_seconds": 60.0,
        "hints": {"script": script, "arguments": arguments},
    }
    return Job(**(fields | changes))
