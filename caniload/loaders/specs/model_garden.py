"""TensorFlow's Model Garden, host side: architectures by experiment, without weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.smoke import artefact
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that builds an experiment's model with random weights and calls it."""
    path = locator.get("path")
    told: dict[str, Any] = {}
    if path:
        where = Path(path)
        told = artefact.read_json(where / "experiment.json" if where.is_dir() else where)
    name = str(told.get("experiment") or "")
    if not name and locator.get("hub") == "garden":
        name = str(locator.get("locator"))
    name = name or "resnet_imagenet"
    module = str(told.get("module") or "")
    registers = "from official.common import registry_imports  # registers experiments and tasks"
    if module and not module.startswith(("official.vision.", "official.nlp.")):
        registers = f"import {module}  # registers the experiment; import its tasks, too"
    return places.code(
        ["import hashlib", "import os", ""],
        'os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before tensorflow is imported',
        ["import numpy as np", registers, "from official.core import exp_factory, task_factory"],
        ["import tf_keras", ""],
        drawn.noise(locator),
        f"tf_keras.utils.set_random_seed({drawn.seed(locator)})",
        places.place({"hub": "file", "locator": name}).lines,
        "model = task_factory.get_task(exp_factory.get_exp_config(path).task).build_model()",
        "result = model(noise(model.inputs[0].shape, 0), training=False)",
        "output = result[sorted(result)[0]] if isinstance(result, dict) else result",
    )


SPEC = LoaderSpec(
    name="model-garden",
    frameworks=("tensorflow",),
    classes={"garden": ArtefactClass.DATA},
    packages={"tensorflow": ("tf-models-official", "tensorflow", "tf-keras")},
    decisive={"tensorflow": ("tf-models-official", "tensorflow", "tf-keras")},
    preload={"tensorflow": ("tensorflow", "tf_keras", "official.core.exp_factory")},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of TensorFlow's reference architectures; no weights come with them.",
)
