"""Real artefacts, and what every loader said of them; each environment imports once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny
from drive import Seen, drive_many, job

from caniload.loaders.specs import load_specs


@dataclass(frozen=True)
class Cell:
    """A loader in a framework, and the environment that has it."""

    loader: str
    framework: str
    environment: str

    @property
    def id(self) -> str:
        return f"{self.loader}-{self.framework}"


CELLS = (
    Cell("transformers", "pytorch", "pytorch"),
    Cell("sentence-transformers", "pytorch", "pytorch"),
    Cell("keras-hub", "tensorflow", "tensorflow"),
    Cell("keras-hub", "pytorch", "keras-torch"),
    Cell("keras-hub", "jax", "keras-jax"),
    Cell("onnx", "onnxruntime", "onnxruntime"),
)

PRELOAD = {
    "pytorch": ["torch", "transformers", "sentence_transformers"],
    "tensorflow": ["tensorflow", "keras_hub"],
    "keras-torch": ["torch", "keras_hub"],
    "keras-jax": ["jax", "keras_hub"],
    "onnxruntime": ["onnxruntime"],
}


@pytest.fixture(scope="session")
def artefacts(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Tiny files that the libraries wrote, and spoilt copies of them, by case."""
    out = tmp_path_factory.mktemp("tiny")
    tiny.write(framework_python("pytorch"), out)
    works = out / "works"
    raw = tiny.tensor_bytes((works / "model.safetensors").read_bytes(), tiny.EMBEDDINGS)
    other = (out / "other" / "model.safetensors").read_bytes()
    changes: dict[str, Callable[[bytes], bytes]] = {
        "truncated": tiny.truncated,
        "permuted": tiny.changed(raw, tiny.reversed_values),
        "wrong": lambda _: other,
        "unrelated": tiny.unrelated,
        "nan": tiny.changed(raw, tiny.nan_values),
        "zeroed": tiny.zeroed,
    }
    made = {name: tiny.spoil(works, out / name, change) for name, change in changes.items()}
    swapped = tiny.spoil(works, out / "swapped", lambda data: data)
    lines = (swapped / "vocab.txt").read_text().splitlines()
    a, b = lines.index("a"), lines.index("b")
    lines[a], lines[b] = lines[b], lines[a]
    (swapped / "vocab.txt").write_text("\n".join(lines) + "\n")
    return {"works": works, "swapped": swapped, "pixels": out / "pixels.onnx", **made}


@pytest.fixture(scope="session")
def said(
    framework_python: Callable[[str], Path],
    artefacts: dict[str, Path],
    minilm_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[dict[str, Seen], dict[str, dict[str, Any]]]]:
    """Return, for an environment, what its loaders said of every case and snippet."""
    done: dict[str, tuple[dict[str, Seen], dict[str, dict[str, Any]]]] = {}
    exports = tmp_path_factory.mktemp("exports")

    def ask(environment: str) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
        if environment in done:
            return done[environment]
        works: dict[str, dict[str, Any]] = {}
        snippets: dict[str, str] = {}
        env: dict[str, str] = {}
        for cell in CELLS:
            if cell.environment != environment:
                continue
            spec = load_specs()[cell.loader]
            env.update(spec.env.get(cell.framework, {}))
            found = artefacts
            real = minilm_dir
            if cell.loader == "onnx":
                ask("pytorch")
                found, real = exported(exports, artefacts), exports / "minilm"
            form = "onnx" if cell.loader == "onnx" else "safetensors"
            make = partial(job, loader=cell.loader, framework=cell.framework, format_=form)
            for case, root in found.items():
                if case != "pixels" and (case != "swapped" or cell.environment == "tensorflow"):
                    works[f"{cell.id}.{case}"] = make(root)
            works[f"{cell.id}.cuda"] = make(found["works"], device="cuda")
            works[f"{cell.id}.minilm"] = make(real)
            for name, check in DISABLED:
                owner, _, _ = name.partition(".")
                if owner == cell.id:
                    works[f"{name}-without-{check}"] = {**works[name], "disable_checks": [check]}
            snippets[cell.id] = spec.snippet({"path": str(real)}, cell.framework, {})
        if environment == "pytorch":
            random = {**job(minilm_dir, "transformers", "pytorch")["recipe"], "weights": "random"}
            works["random"] = job(artefacts["works"], "transformers", "pytorch", recipe=random)
            for name, root in (("works", artefacts["works"]), ("minilm", minilm_dir)):
                works[f"export.{name}"] = job(
                    root,
                    "transformers",
                    "pytorch",
                    action="export",
                    export_format="onnx",
                    export_to=str(exports / name),
                )
            works["export.unrelated"] = job(
                artefacts["unrelated"],
                "transformers",
                "pytorch",
                action="export",
                export_format="onnx",
                export_to=str(exports / "unrelated"),
            )
        python = framework_python(environment)
        scratch = tmp_path_factory.mktemp(environment)
        done[environment] = drive_many(python, PRELOAD[environment], works, snippets, scratch, env)
        return done[environment]

    return ask


DISABLED = (
    ("transformers-pytorch.unrelated", "weights"),
    ("onnx-onnxruntime.cuda", "device"),
    ("transformers-pytorch.nan", "output"),
    ("transformers-pytorch.permuted", "fingerprint"),
    ("keras-hub-tensorflow.swapped", "preprocessing"),
)
"""A job that one check alone catches, and that check: the job runs again without it."""


def exported(exports: Path, artefacts: dict[str, Path]) -> dict[str, Path]:
    """The same cases for ONNX: the export, and copies spoilt in the same tensor."""
    works = exports / "works"
    raw = tiny.tensor_bytes(
        (artefacts["works"] / "model.safetensors").read_bytes(), tiny.EMBEDDINGS
    )
    changes: dict[str, Callable[[bytes], bytes]] = {
        "truncated": tiny.truncated,
        "permuted": tiny.changed(raw, tiny.reversed_values),
        "nan": tiny.changed(raw, tiny.nan_values),
    }
    made = {name: tiny.spoil(works, exports / name, change) for name, change in changes.items()}
    return {"works": works, "wrong": artefacts["pixels"], **made}
