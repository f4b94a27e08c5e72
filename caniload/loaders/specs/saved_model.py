"""SavedModels through TensorFlow 2, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the folder and calls the signature that servers take."""
    name = hints.get("signature")
    wanted = f'"{name}"' if name else "next(iter(model.signatures))"
    return places.code(
        ["import hashlib", "", "import numpy as np", "import tensorflow as tf", ""],
        drawn.noise(locator),
        places.fetched(places.place(locator)),
        "model = tf.saved_model.load(path)",
        f"call = model.signatures[{wanted}]",
        "inputs = {",
        "    name: tf.constant(noise(spec.shape, index))",
        "    for index, (name, spec) in enumerate(call.structured_input_signature[1].items())",
        "}",
        "outputs = call(**inputs)",
        "output = outputs[sorted(outputs)[0]]",
    )


SPEC = LoaderSpec(
    name="saved-model",
    frameworks=("tensorflow",),
    classes={
        "saved-model": ArtefactClass.PROGRAM,
        "tf1-saved-model": ArtefactClass.PROGRAM,
    },
    packages={"tensorflow": ("tensorflow", "tf-keras")},
    decisive={"tensorflow": ("tensorflow", "tf-keras")},
    optional=("tf-keras",),
    preload={"tensorflow": ("tensorflow",)},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of SavedModel folders, as TensorFlow and TensorFlow Serving take them.",
)
