"""torchvision's models, host side."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.smoke import artefact
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import arrays, places
from caniload.loaders.specs.torchscript import IMAGE
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that builds the model with its weights and shows it a picture."""
    made = arrays.in_torch(locator, IMAGE)
    path = locator.get("path")
    told = artefact.read_json(Path(path) / "torchvision.json") if path else {}
    weights = str(told.get("weights") or locator.get("locator") or "ResNet50_Weights.DEFAULT")
    builder = str(told.get("builder") or _builder(weights))
    if path:
        lines = [*places.place(locator).lines, "torch.hub.set_dir(path)  # its checkpoints"]
    else:
        lines = [f"path = {json.dumps(weights)}"]
    return places.code(
        [*made.imports, "import torch", "import torchvision"],
        made.functions or ("",),
        lines,
        f"weights = torchvision.models.get_weight({json.dumps(weights)})",
        f"model = torchvision.models.get_model({json.dumps(builder)}, weights=weights).eval()",
        made.lines,
        "with torch.no_grad():",
        f"    output = model({made.call})",
    )


def _builder(weights: str) -> str:
    """Return the builder that torchvision names weights after: `ResNet50_Weights` is resnet50's."""
    enum = weights.partition(".")[0]
    name = re.sub(r"_(Quantized)?Weights$", "", enum).lower()
    return f"quantized_{name}" if enum.endswith("_QuantizedWeights") else name


SPEC = LoaderSpec(
    name="torchvision",
    frameworks=("pytorch",),
    classes={"torchvision": ArtefactClass.DATA},
    packages={"pytorch": ("torchvision", "torch")},
    decisive={"pytorch": ("torchvision", "torch")},
    preload={"pytorch": ("torch", "torchvision")},
    exports={"pytorch": ("onnx", "torchscript", "pt2")},
    architectures="torchvision",
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of the weights that torchvision.models lists.",
)
