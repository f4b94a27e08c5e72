"""KerasHub, host side; one loader on three backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import places
from caniload.words import ArtefactClass

BACKENDS = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}
"""Value of KERAS_BACKEND by framework."""


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that converts the Hugging Face directory to a backbone and runs it."""
    ids, mask = places.token_ids(locator)
    return places.code(
        "import os",
        "",
        f'os.environ["KERAS_BACKEND"] = "{BACKENDS[framework]}"  # before keras is imported',
        ["import keras_hub", "import numpy as np", ""],
        places.fetched(places.place(locator)),
        "model = keras_hub.models.Backbone.from_preset(path)",
        places.rows("token_ids", ids, "np.array(", ")"),
        places.mask_rows("padding_mask", mask, "np.array(", ")"),
        "result = model.predict(",
        '    {"token_ids": token_ids, "segment_ids": token_ids * 0, "padding_mask": padding_mask},',
        "    verbose=0,",
        ")",
        'output = result["sequence_output"] if isinstance(result, dict) else result',
    )


_FRAMEWORK = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}

SPEC = LoaderSpec(
    name="keras-hub",
    frameworks=("tensorflow", "pytorch", "jax"),
    classes={"safetensors": ArtefactClass.DATA, "keras-preset": ArtefactClass.DATA},
    packages={
        name: ("keras-hub", "keras", package, "tensorflow-text", "safetensors")
        for name, package in _FRAMEWORK.items()
    },
    decisive={name: ("keras-hub", "keras", package) for name, package in _FRAMEWORK.items()},
    preload=dict.fromkeys(_FRAMEWORK, ("keras_hub",)),
    env={name: {"KERAS_BACKEND": backend} for name, backend in BACKENDS.items()},
    snippet=snippet,
    native_hint="Home of Keras presets; converts some Hugging Face checkpoints at load.",
)
