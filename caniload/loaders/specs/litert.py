"""LiteRT (TensorFlow Lite), host side: its own interpreter, or the one in TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import drawn, places
from caniload.words import ArtefactClass

_IMPORT = {
    "litert": "from ai_edge_litert.interpreter import Interpreter",
    "tensorflow": "from tensorflow.lite import Interpreter",
}


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that runs the file once and reads its first output as numbers."""
    take = "import tensorflow as tf" if framework == "tensorflow" else _IMPORT["litert"]
    made = "tf.lite.Interpreter" if framework == "tensorflow" else "Interpreter"
    return places.code(
        ["import hashlib", "", "import numpy as np", take, ""],
        drawn.noise(locator),
        places.place(locator, "model.tflite").lines,
        f"model = {made}(model_path=path)",
        "model.allocate_tensors()",
        "for index, item in enumerate(model.get_input_details()):",
        '    signed = [int(n) for n in item["shape_signature"]] or [int(n) for n in item["shape"]]',
        "    value = noise([n if n > 0 else None for n in signed], index)",
        '    step, zero = item["quantization"]',
        "    if step:",
        '        held = np.iinfo(item["dtype"])',
        "        if step > 1 / 8:  # a picture of the range that the file itself takes",
        "            low, high = (held.min - zero) * step, (held.max - zero) * step",
        "            value = (value + 1) * ((high - low) / 2) + low",
        "        value = np.clip(np.round(value / step) + zero, held.min, held.max)",
        '    model.resize_tensor_input(item["index"], value.shape)',
        "    model.allocate_tensors()",
        '    model.set_tensor(item["index"], value.astype(item["dtype"]))',
        "model.invoke()",
        "item = model.get_output_details()[0]",
        'output = model.get_tensor(item["index"])',
        'step, zero = item["quantization"]',
        'output = (output.astype("float32") - zero) * step if step else output',
    )


SPEC = LoaderSpec(
    name="litert",
    frameworks=("litert", "tensorflow"),
    classes={"tflite": ArtefactClass.DATA},
    packages={"litert": ("ai-edge-litert",), "tensorflow": ("tensorflow",)},
    decisive={"litert": ("ai-edge-litert",), "tensorflow": ("tensorflow",)},
    preload={
        "litert": ("ai_edge_litert.interpreter",),
        "tensorflow": ("tensorflow",),
    },
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of .tflite files; flex ops need an interpreter of TensorFlow before 2.20.",
)
