"""TensorFlow 1 graphs in a session, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that imports a frozen graph and runs its last tensor."""
    return places.code(
        ["import hashlib", "import io", "import wave", ""],
        ["import numpy as np", "import tensorflow.compat.v1 as tf", ""],
        drawn.noise(locator),
        drawn.wav(locator),
        places.place(locator, "graph.pb").lines,
        "stored = tf.GraphDef()",
        'stored.ParseFromString(open(path, "rb").read())',
        "with tf.Graph().as_default() as graph:",
        '    tf.import_graph_def(stored, name="")',
        "    operations = graph.get_operations()",
        '    given = [op.outputs[0] for op in operations if op.type == "Placeholder"]',
        "    feed = {",
        "        tensor: wav(index) if tensor.dtype == tf.string else noise(tensor.shape, index)",
        "        for index, tensor in enumerate(given)",
        "    }",
        "    last = [op.outputs[0] for op in operations if op.outputs"
        " and not op.outputs[0].consumers()]",
        "    output = tf.Session().run(last[-1], feed)",
    )


SPEC = LoaderSpec(
    name="tf1-graph",
    frameworks=("tensorflow",),
    classes={
        "tf1-graph": ArtefactClass.PROGRAM,
        "tf1-saved-model": ArtefactClass.PROGRAM,
    },
    packages={"tensorflow": ("tensorflow",)},
    decisive={"tensorflow": ("tensorflow",)},
    preload={"tensorflow": ("tensorflow",)},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of frozen graphs and of SavedModels that TensorFlow 1 wrote.",
)
