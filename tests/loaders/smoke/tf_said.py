"""What the loaders on TensorFlow and Keras said of tiny files: each environment imports once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drive import RECIPE, Seen, drive_many, job

from caniload.loaders.specs import load_specs

LENGTH = {"options": {"function": "length"}}
LAYER2 = {"options": {"api": "KerasLayer", "keras": 2}}
LAYER3 = {"options": {"api": "KerasLayer", "keras": 3}}
AUTO = {**RECIPE, "name": "auto", "inputs": {"kind": "auto"}}
ENVIRONMENTS = {
    "tf-keras": ("tensorflow", ["tensorflow", "tf_keras", "tensorflow_hub"]),
    "tensorflow": ("tensorflow", ["tensorflow", "keras"]),
    "keras-jax": ("jax", ["jax", "keras"]),
    "keras-torch": ("pytorch", ["torch", "keras"]),
    "litert": ("litert", ["ai_edge_litert.interpreter"]),
}
CASES = ("works", "nan", "zero", "permuted")


@dataclass(frozen=True)
class Cell:
    """A loader in an environment, and its files by case, as a pattern of their names."""

    loader: str
    environment: str
    form: str
    files: str
    truncated: str

    @property
    def id(self) -> str:
        return f"{self.loader}-{self.environment}-{self.form}"


CELLS = (
    Cell("keras-file", "tf-keras", "h5", "keras2/{}.h5", "keras2/truncated.h5"),
    Cell("keras-file", "tensorflow", "keras", "keras3/{}.keras", "keras3/truncated.keras"),
    Cell("keras-file", "keras-torch", "h5", "keras3/{}.h5", "keras2/truncated.h5"),
    Cell("saved-model", "tf-keras", "saved-model", "keras2/{}-saved", "keras2/truncated-saved"),
    Cell("tensorflow-hub", "tf-keras", "saved-model", "keras2/{}-saved", "keras2/truncated-saved"),
    Cell("tf1-graph", "tensorflow", "tf1-graph", "graphs/{}.pb", "graphs/truncated.pb"),
    Cell("litert", "litert", "tflite", "keras2/{}.tflite", "keras2/truncated.tflite"),
    Cell("litert", "tensorflow", "tflite", "keras2/{}.tflite", "keras2/truncated.tflite"),
)

RANDOM = """
from .keras_file import Loader as Base


class Loader(Base):
    def load(self, job):
        model = super().load(job)
        return self.keras.library.models.clone_model(model)
"""
"""A plug-in that loses the weights after loading: what the check of weights is there for."""

EXTRA: dict[str, tuple[tuple[str, str, str, str, dict[str, Any]], ...]] = {
    "tf-keras": (
        ("compiled", "keras-file", "h5", "keras2/compiled.h5", {}),
        ("keras2-archive", "keras-file", "keras", "keras2/works.keras", {}),
        ("keras3-file", "keras-file", "h5", "keras3/works.h5", {}),
        ("stateful", "keras-file", "h5", "keras2/stateful.h5", {}),
        ("embedding", "keras-file", "h5", "keras2/embedding.h5", {}),
        ("open", "keras-file", "h5", "keras2/open.h5", {}),
        ("several", "keras-file", "h5", "keras2/several.h5", {}),
        ("texts", "keras-file", "keras", "keras2/texts.keras", {}),
        ("lambda.h5", "keras-file", "h5", "keras2/lambda.h5", {}),
        ("lambda.keras", "keras-file", "keras", "keras2/lambda.keras", {}),
        ("lambda-allowed", "keras-file", "h5", "keras2/lambda.h5", {"allow_code": True}),
        ("wrong-h5", "keras-file", "h5", "keras2/wrong.h5", {}),
        ("bz2", "keras-file", "h5-weights", "packed.h5.bz2", {}),
        ("gz", "keras-file", "h5-weights", "packed.h5.gz", {}),
        ("whole-gz", "keras-file", "h5", "whole.h5.gz", {}),
        ("misnamed", "keras-file", "h5", "misnamed.bin", {}),
        ("texts-saved", "saved-model", "saved-model", "keras2/texts-saved", {}),
        ("layer2", "tensorflow-hub", "saved-model", "keras2/works-saved", LAYER2),
        ("layer3", "tensorflow-hub", "saved-model", "keras2/works-saved", LAYER3),
        ("layer2-plain", "tensorflow-hub", "saved-model", "graphs/plain", LAYER2),
    ),
    "tensorflow": (
        ("keras2-saved", "saved-model", "saved-model", "keras2/compiled-saved", {}),
        ("keras2-h5", "keras-file", "h5", "keras2/works.h5", {}),
        ("depthwise", "keras-file", "h5", "keras2/depthwise.h5", {}),
        ("uncompiled", "keras-file", "h5", "keras2/compiled.h5", {"options": {"compile": False}}),
        ("stateful", "keras-file", "h5", "keras3/stateful.h5", {}),
        ("embedding", "keras-file", "h5", "keras3/embedding.h5", {}),
        ("open", "keras-file", "h5", "keras3/open.h5", {}),
        ("several", "keras-file", "h5", "keras3/several.h5", {}),
        ("texts", "keras-file", "keras", "keras3/texts.keras", {}),
        ("lambda.h5", "keras-file", "h5", "keras3/lambda.h5", {}),
        ("lambda.keras", "keras-file", "keras", "keras3/lambda.keras", {}),
        ("lambda-allowed", "keras-file", "keras", "keras3/lambda.keras", {"allow_code": True}),
        ("wrong-h5", "keras-file", "h5", "keras3/wrong.h5", {}),
        ("alone", "keras-file", "h5-weights", "keras3/alone.weights.h5", {}),
        ("application", "keras-applications", "keras-applications", "keras3/application", {}),
        (
            "application-random",
            "keras-applications",
            "keras-applications",
            "keras3/application",
            {"weights": "random"},
        ),
        ("plain", "saved-model", "saved-model", "graphs/plain", {}),
        ("one", "saved-model", "saved-model", "graphs/one", {}),
        ("two", "saved-model", "saved-model", "graphs/two", {}),
        ("two-chosen", "saved-model", "saved-model", "graphs/two", LENGTH),
        ("counts", "saved-model", "saved-model", "graphs/counts", {}),
        ("untraced", "saved-model", "saved-model", "graphs/untraced", {}),
        ("strings", "saved-model", "saved-model", "graphs/strings", {}),
        ("evil", "saved-model", "saved-model", "graphs/evil", {}),
        ("tf1-as-tf2", "saved-model", "tf1-saved-model", "graphs/tf1-saved", {}),
        ("tf1-saved", "tf1-graph", "tf1-saved-model", "graphs/tf1-saved", {}),
        ("sound", "tf1-graph", "tf1-graph", "graphs/sound.pb", {}),
        ("photo", "tf1-graph", "tf1-graph", "graphs/photo.pb", {}),
        ("writes", "tf1-graph", "tf1-graph", "graphs/writes.pb", {}),
        ("flex", "litert", "tflite", "graphs/flex.tflite", {}),
    ),
    "keras-jax": (  # few: JAX compiles every operation of every fork anew
        ("works", "keras-file", "keras", "keras3/works.keras", {}),
        ("texts", "keras-file", "keras", "keras3/texts.keras", {}),
    ),
    "keras-torch": (
        ("several", "keras-file", "h5", "keras3/several.h5", {}),
        ("application", "keras-applications", "keras-applications", "keras3/application", {}),
    ),
    "litert": (
        ("small", "litert", "tflite", "graphs/small.tflite", {}),
        ("int8-1", "litert", "tflite", "graphs/int8-1.tflite", {}),
        ("int8-255", "litert", "tflite", "graphs/int8-255.tflite", {}),
        ("flex", "litert", "tflite", "graphs/flex.tflite", {}),
    ),
}  # fmt: skip
"""Files beside the contract's: name, loader, format, path, and what the recipe changes."""


def jobs(environment: str, home: Path) -> dict[str, dict[str, Any]]:
    """Return every job of an environment by name."""
    framework = ENVIRONMENTS[environment][0]
    made: dict[str, dict[str, Any]] = {}
    for cell in CELLS:
        if cell.environment != environment:
            continue
        for case in (*CASES, "truncated"):
            name = cell.truncated if case == "truncated" else cell.files.format(case)
            made[f"{cell.id}.{case}"] = job(
                home / name, cell.loader, framework, cell.form, recipe=AUTO
            )
        works = made[f"{cell.id}.works"]
        made[f"{cell.id}.cuda"] = {**works, "device": "cuda"}
        files = [{**file, "sha256": "0" * 64} for file in works["artefact"]["files"]]
        made[f"{cell.id}.swapped"] = {**works, "artefact": {**works["artefact"], "files": files}}
        if cell.loader == "keras-file":
            plugin = home / "loses_weights.py"
            plugin.write_text(RANDOM)
            made[f"{cell.id}.swapped"] = {**works, "smoke_file": str(plugin)}
    for name, loader, form, path, changes in EXTRA[environment]:
        made[name] = job(home / path, loader, framework, form, recipe={**AUTO, **changes})
    return made


def snippets(environment: str, home: Path) -> dict[str, str]:
    """Return the snippet of each cell for its working file."""
    framework = ENVIRONMENTS[environment][0]
    made = {}
    for cell in CELLS:
        if cell.environment == environment:
            library = "tf_keras" if environment == "tf-keras" else "keras"
            locator = {"path": str(home / cell.files.format("works")), "library": library}
            made[cell.id] = load_specs()[cell.loader].snippet(locator, framework, {})
    if environment == "tensorflow":
        spec = load_specs()["tf1-graph"]
        made["sound"] = spec.snippet({"path": str(home / "graphs/sound.pb")}, framework, {})
    return made


def say(
    environment: str, home: Path, scratch: Path, python: Callable[[str], Path]
) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
    """Run an environment's jobs and snippets, each in a fork of one process."""
    framework, preload = ENVIRONMENTS[environment]
    env = dict(load_specs()["keras-file"].env.get(framework, {}))
    if environment == "tf-keras":
        env["TF_USE_LEGACY_KERAS"] = "1"
    works, texts = jobs(environment, home), snippets(environment, home)
    return drive_many(python(environment), preload, works, texts, scratch, env)
