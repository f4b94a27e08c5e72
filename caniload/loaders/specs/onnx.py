"""ONNX through ONNX Runtime, host side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that runs the graph on the CPU provider."""
    path = locator.get("path")
    if path and Path(path).is_dir():
        found = next(iter(sorted(Path(path).glob("**/*.onnx"))), Path(path) / "model.onnx")
        place = places.place({"path": found})
    elif path or locator.get("hub") in ("file", "url"):
        place = places.place(locator, "model.onnx")
    else:
        place = places.Place(('path = "model.onnx"  # the exported or downloaded file',))
    ids, mask = places.token_ids(locator)
    return places.code(
        ["import numpy as np", "import onnxruntime", ""],
        place.lines,
        'session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])',
        places.rows("input_ids", ids, "np.array(", ")"),
        places.mask_rows("attention_mask", mask, "np.array(", ")"),
        'feeds = {"input_ids": input_ids, "attention_mask": attention_mask}',
        "wanted = [item.name for item in session.get_inputs()]",
        "feeds = {name: feeds[name] for name in wanted}",
        'output = session.run(["last_hidden_state"], feeds)[0]',
    )


SPEC = LoaderSpec(
    name="onnx",
    frameworks=("onnxruntime",),
    classes={"onnx": ArtefactClass.DATA},
    packages={"onnxruntime": ("onnxruntime",)},
    decisive={"onnxruntime": ("onnxruntime",)},
    preload={"onnxruntime": ("onnxruntime",)},
    snippet=snippet,
    native_hint="Home of .onnx files, published or exported.",
)
