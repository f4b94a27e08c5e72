"""TorchScript, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import arrays, places
from caniload.words import ArtefactClass

IMAGE = {"x": {"kind": "image", "shape": [1, 3, 224, 224]}}
"""What a snippet shows where no attempt has said what the model takes."""


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the program and runs it on the inputs of the attempt."""
    made = arrays.in_torch(locator, IMAGE)
    return places.code(
        [*made.imports, "import torch"],
        made.functions or ("",),
        places.file(locator, "model.pt").lines,
        'model = torch.jit.load(path, map_location="cpu").eval()',
        made.lines,
        "with torch.no_grad():",
        f"    output = model({made.call})",
    )


SPEC = LoaderSpec(
    name="torchscript",
    frameworks=("pytorch",),
    classes={"torchscript": ArtefactClass.PROGRAM},
    packages={"pytorch": ("torch",)},
    decisive={"pytorch": ("torch",)},
    preload={"pytorch": ("torch",)},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of files that torch.jit.save wrote.",
)
