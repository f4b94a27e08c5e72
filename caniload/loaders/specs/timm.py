"""timm's models, host side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import arrays, places
from caniload.loaders.specs.torchscript import IMAGE
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that builds the model with its weights and shows it a picture."""
    made = arrays.in_torch(locator, IMAGE)
    name = locator.get("repo_id") or locator.get("locator") or "path/to/model"
    if locator.get("path") or locator.get("hub") == "file":
        path = f"local-dir:{locator.get('path') or name}"
    elif locator.get("repo_id") or locator.get("hub") == "hf":
        revision = f"@{locator['revision']}" if locator.get("revision") else ""
        path = f"hf-hub:{name}{revision}"
    else:
        path = str(name)
    return places.code(
        [*made.imports, "import timm", "import torch"],
        made.functions or ("",),
        f"path = {json.dumps(path, ensure_ascii=False)}",
        "model = timm.create_model(path, pretrained=True).eval()",
        made.lines,
        "with torch.no_grad():",
        f"    output = model({made.call})",
    )


SPEC = LoaderSpec(
    name="timm",
    frameworks=("pytorch",),
    classes={
        "safetensors": ArtefactClass.DATA,
        "bin": ArtefactClass.DATA,
        "pt": ArtefactClass.DATA,
    },
    packages={"pytorch": ("timm", "torch")},
    decisive={"pytorch": ("timm", "torch")},
    preload={"pytorch": ("torch", "timm")},
    exports={"pytorch": ("onnx", "torchscript", "pt2")},
    architectures="timm",
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of checkpoints whose config.json names an architecture of timm's.",
)
