"""Files of torch.save, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads what was saved: mostly weights, which need their model's code."""
    return places.code(
        ["import torch", ""],
        places.file(locator, "model.pth").lines,
        'output = torch.load(path, map_location="cpu")',
        "# a state dict: build its model, then model.load_state_dict(output)",
    )


SPEC = LoaderSpec(
    name="torch-file",
    frameworks=("pytorch",),
    classes={"pt": ArtefactClass.DATA, "torchscript": ArtefactClass.PROGRAM},
    packages={"pytorch": ("torch",)},
    decisive={"pytorch": ("torch",)},
    preload={"pytorch": ("torch",)},
    second_recipes={"pt": ({"map_location": "cpu"},)},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of .pt and .pth files that torch.save wrote, most of them weights alone.",
)
