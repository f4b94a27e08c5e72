"""TensorFlow Hub's library, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the module, by its address on the hub if it has one, and calls it."""
    lines = places.fetched(places.place(locator))
    if locator.get("hub") == "tfhub" and not locator.get("path"):
        version = f"/{locator['revision']}" if locator.get("revision") else ""
        lines = (f'path = "https://tfhub.dev/{locator["locator"]}{version}"',)
    options = (locator.get("recipe") or {}).get("options") or {}
    call: list[str] = [
        "model = hub.load(path)",
        'if callable(model):  # else a signature, as "serving_default"',
        "    traces = model.__call__.concrete_functions",
        "    spec = tf.nest.flatten(traces[0].structured_input_signature)[0]",
        "    result = model(tf.constant(noise(spec.shape, 0)))",
        "else:",
        "    call = next(iter(model.signatures.values()))",
        "    specs = call.structured_input_signature[1]",
        "    values = [noise(spec.shape, index) for index, spec in enumerate(specs.values())]",
        "    result = call(**{name: tf.constant(value) for name, value in zip(specs, values)})",
    ]
    keras = "tf_keras" if options.get("keras", 2) == 2 else "keras"
    if options.get("api") == "KerasLayer":
        call = [
            "module = hub.load(path)",
            "spec = tf.nest.flatten(module.__call__.concrete_functions[0]"
            ".structured_input_signature)[0]",
            f"model = {keras}.Sequential([hub.KerasLayer(path)])",
            "result = model(tf.constant(noise(spec.shape, 0)))",
        ]
    library = [f"import {keras}"] if options.get("api") == "KerasLayer" else []
    return places.code(
        ["import hashlib", "", "import numpy as np", "import tensorflow as tf"],
        ["import tensorflow_hub as hub", *library, ""],
        drawn.noise(locator),
        lines,
        call,
        "output = result[sorted(result)[0]] if isinstance(result, dict) else result",
    )


SPEC = LoaderSpec(
    name="tensorflow-hub",
    frameworks=("tensorflow",),
    classes={
        "saved-model": ArtefactClass.PROGRAM,
        "tf1-saved-model": ArtefactClass.PROGRAM,
    },
    packages={"tensorflow": ("tensorflow-hub", "tensorflow", "tf-keras", "setuptools<82")},
    decisive={"tensorflow": ("tensorflow-hub", "tensorflow", "tf-keras")},
    preload={"tensorflow": ("tensorflow", "tensorflow_hub")},
    snippet=snippet,
    snippet_output="output",
    second_recipes={
        "saved-model": (
            {"api": "KerasLayer", "keras": 2},
            {"api": "KerasLayer", "keras": 3},
        )
    },
    native_hint="Home of TensorFlow Hub's modules; KerasLayer is a layer of Keras 2 alone.",
)
