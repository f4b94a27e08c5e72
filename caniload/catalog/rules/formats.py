"""Formats are the words that handles say after `#`, and a hub's own where it has but one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.handles import HUBS

_READ = """
safetensors bin pt torchscript pt2 onnx h5 h5-weights keras saved-model tf1-saved-model tf1-graph
tflite keras-preset torch-hub torchvision timm keras-applications garden flax tf-h5
"""
READ = frozenset(_READ.split())
"""The words of what loaders read."""

CLAIMED = frozenset({"tfjs", "checkpoint", "npz", "openvino", "gguf"})
"""The words of what is published and no loader reads: such a source is claimed and no more."""

_ONE = {
    "torchhub": "torch-hub",
    "torchvision": "torchvision",
    "keras": "keras-applications",
    "garden": "garden",
    "onnx": "onnx",
}
"""Hubs that serve one format, which is the loader's own layout."""

_MEANT = {
    "hub": "saved-model",
    "keras-hub": "keras-preset",
    "msgpack": "flax",
    "pth": "pt",
    "lite": "tflite",
    "litert": "tflite",
    "pb": "saved-model",
    "savedmodel": "saved-model",
    "pytorch": "bin",
    "torch-export": "pt2",
}
"""What people write, to what they mean."""


def check(view: View) -> Iterator[Problem]:
    """Find words that are no format, formats of another hub's, and words that stand twice."""
    for file, field, _, source in view.sources():
        hub = source.parsed.hub
        if hub not in HUBS:
            continue  # a plug-in's formats are its own
        for index, word in enumerate(source.formats):
            here = f"{field}.formats[{index}]"
            if word in source.formats[:index]:
                yield Problem(file, here, f"{word!r} stands twice", "take one out")
            elif hub in _ONE and word != _ONE[hub]:
                yield Problem(
                    file, here, f"{hub} serves no format {word!r}", f"write {_ONE[hub]}"
                )  # fmt: skip
            elif hub == "hf" and word == "h5":
                yield Problem(
                    file, here, "an .h5 file of Hugging Face holds a model's weights alone",
                    "write tf-h5",
                )  # fmt: skip
            elif word not in READ | CLAIMED:
                yield Problem(file, here, f"{word!r} is no format", f"write {_suggest(word)}")


def _suggest(word: str) -> str:
    known = sorted(READ | CLAIMED)
    if word.lower() in _MEANT:
        return _MEANT[word.lower()]
    close = difflib.get_close_matches(word, known, n=1)
    return close[0] if close else f"one of {', '.join(known)}"
