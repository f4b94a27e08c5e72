"""KerasHub: every preset with its Kaggle handle and the parameters that the package states.

Tasks are those of the task classes that take the preset's backbone, where the backbone's own
weights suffice for them. The heads of text classifiers and masked language models are not part
of a backbone; those presets give features. A classifier of pictures is claimed only for a preset
that is named after ImageNet's 1,000 classes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from .lines import emit, source

SCHEME = "kaggle://"

TASKS = {
    "AudioToText": "automatic-speech-recognition",
    "DepthEstimator": "depth-estimation",
    "ImageSegmenter": "image-segmentation",
    "ImageToImage": "image-to-image",
    "ObjectDetector": "object-detection",
    "Seq2SeqLM": "text2text-generation",
    "CausalLM": "text-generation",
    "TextClassifier": "feature-extraction",
    "TextEmbedder": "feature-extraction",
    "MaskedLM": "feature-extraction",
    "TextToImage": "text-to-image",
    "ImageClassifier": "image-feature-extraction",
}
"""What a task class's nearest ancestor, in this order, does with a backbone's own weights."""

ONES = {
    "BLIP2CausalLM": "image-text-to-text",
    "BLIP2Seq2SeqLM": "image-text-to-text",
    "PaliGemmaCausalLM": "image-text-to-text",
    "PARSeqCausalLM": "image-to-text",
    "SAMImageSegmenter": "mask-generation",
    "SAM3PromptableConceptImageSegmenter": "mask-generation",
}
"""Classes whose documentation says that they take pictures, or prompts."""


def main() -> None:
    """Emit one line a preset."""
    emit("keras-hub", "keras-hub", _presets())


def _presets() -> Iterator[dict[str, Any]]:
    os.environ["KERAS_BACKEND"] = "jax"
    from keras_hub.src.utils import preset_utils

    import keras_hub

    classes = preset_utils.list_subclasses(keras_hub.models.Task)
    for owner, presets in preset_utils.BUILTIN_PRESETS_FOR_BACKBONE.items():
        taking = [each for each in classes if owner in (each, getattr(each, "backbone_cls", None))]
        for name, preset in presets.items():
            handle = preset["kaggle_handle"]
            if not handle.startswith(SCHEME):
                raise ValueError(f"{name} does not lie on Kaggle: {handle}")
            parts = handle[len(SCHEME) :].split("/")
            version = int(parts.pop()) if len(parts) == 5 else None
            yield source(
                f"kaggle:{'/'.join(parts)}",
                name,
                architecture=preset["metadata"]["path"],
                tasks=_tasks(name, taking),
                frameworks=["jax", "pytorch", "tensorflow"],
                loaders=["keras-hub"],
                formats=["keras-preset"],
                parameters=preset["metadata"]["params"],
                facts={"kaggle_version": version, "class": owner.__name__},
            )


def _tasks(name: str, classes: list[type]) -> list[str]:
    found = {_task(each) for each in classes}
    if "image-feature-extraction" in found and re.search(r"_(imagenet|in1k)\Z", name):
        found.add("image-classification")
    return sorted(task for task in found if task)


def _task(class_: type) -> Any:
    if class_.__name__ in ONES:
        return ONES[class_.__name__]
    names = [each.__name__ for each in class_.__mro__]
    return next((task for name, task in TASKS.items() if name in names), None)
