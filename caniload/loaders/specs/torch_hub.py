"""PyTorch Hub repositories, host side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.smoke import artefact
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import arrays, places
from caniload.loaders.specs.torchscript import IMAGE
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that calls the entry point and runs what it returns."""
    made = arrays.in_torch(locator, IMAGE)
    path = locator.get("path")
    told = artefact.read_json(Path(path) / "torchhub.json") if path else {}
    owner, _, rest = str(locator.get("locator") or "owner/repository/entry").partition("/")
    name, _, entry = rest.partition("/")
    called = str(locator.get("call") or repr(str(told.get("entry") or entry or "entry")))
    if path:
        lines = [*places.place(locator).lines, "torch.hub.set_dir(path)  # its checkpoints"]
        load = f'torch.hub.load(path + "/repo", {called}, source="local")'
    else:
        commit = f":{locator['revision']}" if locator.get("revision") else ""
        lines = [f"path = {json.dumps(f'{owner}/{name}{commit}')}"]
        load = f"torch.hub.load(path, {called}, trust_repo=True, skip_validation=True)"
    return places.code(
        [*made.imports, "import torch"],
        made.functions or ("",),
        lines,
        f"model = {load}",
        "model = model if callable(model) else next(each for each in model if callable(each))",
        made.lines,
        "with torch.no_grad():",
        f"    output = model.eval()({made.call})",
    )


SPEC = LoaderSpec(
    name="torch-hub",
    frameworks=("pytorch",),
    classes={"torch-hub": ArtefactClass.CODE},
    packages={"pytorch": ("torch",)},
    decisive={"pytorch": ("torch",)},
    preload={"pytorch": ("torch",)},
    exports={"pytorch": ("onnx", "torchscript", "pt2")},
    snippet=snippet,
    snippet_output="output",
    native_hint="Home of repositories with a hubconf.py.",
)
