"""Programs of torch.export, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import arrays, places
from caniload.loaders.specs.torchscript import IMAGE
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the program and runs it on the inputs of the attempt."""
    made = arrays.in_torch(locator, IMAGE)
    return places.code(
        [*made.imports, "import torch"],
        made.functions or ("",),
        places.file(locator, "model.pt2").lines,
        "model = torch.export.load(path).module()",
        made.lines,
        "with torch.no_grad():",
        f"    output = model({made.call})",
    )


SPEC = LoaderSpec(
    name="torch-export",
    frameworks=("pytorch",),
    classes={"pt2": ArtefactClass.CODE},
    packages={"pytorch": ("torch",)},
    decisive={"pytorch": ("torch",)},
    preload={"pytorch": ("torch",)},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of .pt2 files that torch.export.save wrote.",
)
