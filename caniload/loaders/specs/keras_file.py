"""Keras files: `.keras` archives and HDF5, host side; one loader on three backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.loaders.specs.keras_hub import BACKENDS
from caniload.words import ArtefactClass

_WITHOUT_TRAINING = {"compile": False}


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the file and calls the model on noise."""
    options = (locator.get("recipe") or {}).get("options") or {}
    given = ", compile=False" if options.get("compile") is False else ""
    library = "tf_keras" if locator.get("library") == "tf_keras" else "keras"
    return places.code(
        ["import hashlib", "import os", ""],
        f'os.environ["KERAS_BACKEND"] = "{BACKENDS[framework]}"  # before keras is imported',
        [f"import {library} as keras", "import numpy as np", ""],
        drawn.noise(locator),
        places.place(locator, "model.keras").lines,
        f"model = keras.models.load_model(path{given})",
        "inputs = [noise(item.shape, index) for index, item in enumerate(model.inputs)]",
        "result = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)",
        'output = result if hasattr(result, "shape") else list(result)[0]',
    )


SPEC = LoaderSpec(
    name="keras-file",
    frameworks=("tensorflow", "pytorch", "jax"),
    classes={
        "keras": ArtefactClass.DATA,
        "h5": ArtefactClass.DATA,
        "h5-weights": ArtefactClass.DATA,
        "saved-model": ArtefactClass.PROGRAM,
    },
    packages={
        "tensorflow": ("keras", "tensorflow", "tf-keras", "h5py"),
        "pytorch": ("keras", "torch", "h5py"),
        "jax": ("keras", "jax", "h5py"),
    },
    decisive={
        "tensorflow": ("keras", "tensorflow", "tf-keras"),
        "pytorch": ("keras", "torch"),
        "jax": ("keras", "jax"),
    },
    optional=("tf-keras",),
    preload={
        "tensorflow": ("tensorflow", "keras"),
        "pytorch": ("torch", "keras"),
        "jax": ("jax", "keras"),
    },
    env={name: {"KERAS_BACKEND": backend} for name, backend in BACKENDS.items()},
    exports={"tensorflow": ("saved-model", "tflite")},
    snippet=snippet,
    snippet_output="output",
    second_recipes={"h5": (_WITHOUT_TRAINING,), "keras": (_WITHOUT_TRAINING,)},
    native_hint="Home of .keras archives and of whole models in HDF5.",
)
