"""keras.applications, host side; one loader on three backends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.smoke import artefact
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.loaders.specs.keras_hub import BACKENDS
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that builds the application with Keras's own weights and calls it."""
    path = locator.get("path")
    told = artefact.read_json(Path(path) / "application.json") if path else {}
    name = str(hints.get("application") or told.get("application") or "")
    if not name and locator.get("hub") == "keras":
        name = str(locator.get("locator"))
    name = name if name.isidentifier() else "InceptionV3"
    random = (locator.get("recipe") or {}).get("weights") == "random"
    top = ", include_top=False" if told.get("include_top") is False else ""
    home = ['os.environ["KERAS_HOME"] = path  # where models/ lies'] if path else []
    lines = places.place(locator).lines if path else (f'path = "{name}"',)
    return places.code(
        ["import hashlib", "import os", ""],
        f'os.environ["KERAS_BACKEND"] = "{BACKENDS[framework]}"  # before keras is imported',
        lines,
        home,
        ["import keras", "import numpy as np", ""],
        drawn.noise(locator),
        "weights = None" if random else 'weights = "imagenet"',
        f"model = keras.applications.{name}(weights=weights{top})",
        "inputs = noise(model.inputs[0].shape, 0)",
        "output = model.predict(inputs, verbose=0)",
    )


SPEC = LoaderSpec(
    name="keras-applications",
    frameworks=("tensorflow", "pytorch", "jax"),
    classes={"keras-applications": ArtefactClass.DATA},
    packages={
        "tensorflow": ("keras", "tensorflow", "h5py"),
        "pytorch": ("keras", "torch", "h5py"),
        "jax": ("keras", "jax", "h5py"),
    },
    decisive={
        "tensorflow": ("keras", "tensorflow"),
        "pytorch": ("keras", "torch"),
        "jax": ("keras", "jax"),
    },
    preload={
        "tensorflow": ("tensorflow", "keras"),
        "pytorch": ("torch", "keras"),
        "jax": ("jax", "keras"),
    },
    env={name: {"KERAS_BACKEND": backend} for name, backend in BACKENDS.items()},
    exports={"tensorflow": ("saved-model", "tflite")},
    snippet=snippet,
    snippet_output="output",
    architectures="keras",
    native_hint="Home of Keras's own image classifiers and their ImageNet weights.",
)
