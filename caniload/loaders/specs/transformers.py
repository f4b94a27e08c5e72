"""Hugging Face transformers, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the checkpoint's class and runs its base model on token ids."""
    place = places.place(locator)
    ids, mask = places.token_ids(locator)
    name = places.class_name(locator, hints, "AutoModel")
    if framework == "tensorflow":
        name = name if name.startswith("TF") else f"TF{name}"
        base = "model" if name.endswith("Model") else "getattr(model, model.base_model_prefix)"
        return places.code(
            ["import tensorflow as tf", f"from transformers import {name}", ""],
            place.lines,
            f"model = {name}.from_pretrained(path{place.options})",
            places.rows("input_ids", ids, "tf.constant(", ")"),
            places.mask_rows("attention_mask", mask, "tf.constant(", ")"),
            f"output = {base}(input_ids, attention_mask=attention_mask).last_hidden_state",
        )
    return places.code(
        ["import torch", f"from transformers import {name}", ""],
        place.lines,
        f"model = {name}.from_pretrained(path{place.options}).eval()",
        places.rows("input_ids", ids, "torch.tensor(", ")"),
        places.mask_rows("attention_mask", mask, "torch.tensor(", ")"),
        "with torch.no_grad():",
        "    result = model.base_model(input_ids=input_ids, attention_mask=attention_mask)",
        "output = result.last_hidden_state",
    )


SPEC = LoaderSpec(
    name="transformers",
    frameworks=("pytorch", "tensorflow"),
    classes={"safetensors": ArtefactClass.DATA, "bin": ArtefactClass.DATA},
    packages={
        "pytorch": ("transformers", "torch"),
        "tensorflow": ("transformers", "tensorflow", "tf-keras"),
    },
    decisive={
        "pytorch": ("transformers", "torch"),
        "tensorflow": ("transformers", "tensorflow"),
    },
    preload={
        "pytorch": ("torch", "transformers"),
        "tensorflow": ("tensorflow", "transformers"),
    },
    exports={"pytorch": ("onnx",)},
    snippet=snippet,
    native_hint="Home of checkpoints with a config.json that names a transformers class.",
)
