"""Hugging Face transformers, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import hf_modules, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the checkpoint's class and runs its base model on token ids."""
    place = places.place(locator)
    ids, mask = places.token_ids(locator)
    name = places.class_name(locator, hints, "AutoModel")
    if framework == "jax":
        name = name if name.startswith("Flax") else f"Flax{name}"
        return places.code(
            ["import numpy as np", f"from transformers import {name}", ""],
            place.lines,
            f"model = {name}.from_pretrained(path{place.options}{_conversion(locator)})",
            places.rows("input_ids", ids, "np.array(", ")"),
            places.mask_rows("attention_mask", mask, "np.array(", ")"),
            "result = model(input_ids=input_ids, attention_mask=attention_mask)",
            'output = result["last_hidden_state"]',
        )
    if framework == "tensorflow":
        name = name if name.startswith("TF") else f"TF{name}"
        base = "model" if name.endswith("Model") else "getattr(model, model.base_model_prefix)"
        return places.code(
            ["import tensorflow as tf", f"from transformers import {name}", ""],
            place.lines,
            f"model = {name}.from_pretrained(path{place.options}{_conversion(locator)})",
            places.rows("input_ids", ids, "tf.constant(", ")"),
            places.mask_rows("attention_mask", mask, "tf.constant(", ")"),
            f"output = {base}(input_ids, attention_mask=attention_mask).last_hidden_state",
        )
    return places.code(
        ["import torch", f"from transformers import {name}", ""],
        place.lines,
        f"model = {name}.from_pretrained(path{place.options}{_conversion(locator)}).eval()",
        places.rows("input_ids", ids, "torch.tensor(", ")"),
        places.mask_rows("attention_mask", mask, "torch.tensor(", ")"),
        "with torch.no_grad():",
        "    result = model.base_model(input_ids=input_ids, attention_mask=attention_mask)",
        "output = result.last_hidden_state",
    )


def _conversion(locator: Mapping[str, Any]) -> str:
    """Return the options of the recorded recipe by which another framework's weights are read."""
    options = (locator.get("recipe") or {}).get("options") or {}
    names = ("from_pt", "from_tf", "from_flax")
    return "".join(f", {name}=True" for name in names if options.get(name))


SPEC = LoaderSpec(
    name="transformers",
    frameworks=("pytorch", "tensorflow", "jax"),
    classes={
        "safetensors": ArtefactClass.DATA,
        "bin": ArtefactClass.DATA,
        "tf-h5": ArtefactClass.DATA,
        "flax": ArtefactClass.DATA,
    },
    packages={
        "pytorch": ("transformers", "torch"),
        "tensorflow": ("transformers", "tensorflow", "tf-keras"),
        "jax": ("transformers", "jax", "flax"),
    },
    decisive={
        "pytorch": ("transformers", "torch"),
        "tensorflow": ("transformers", "tensorflow", "tf-keras"),
        "jax": ("transformers", "jax", "flax"),
    },
    optional=("tf-keras",),
    preload={
        "pytorch": ("torch", "transformers", *hf_modules.PRELOAD["pytorch"]),
        "tensorflow": ("tensorflow", "transformers", *hf_modules.PRELOAD["tensorflow"]),
        "jax": ("jax", "flax", "transformers", *hf_modules.PRELOAD["jax"]),
    },
    warm_modules=hf_modules.of_checkpoint,
    exports={"pytorch": ("onnx", "torchscript", "pt2")},
    second_recipes={
        "tensorflow:safetensors": ({"from_pt": True},),
        "tensorflow:bin": ({"from_pt": True},),
        "jax:bin": ({"from_pt": True},),
        "pytorch:tf-h5": ({"from_tf": True},),
        "pytorch:flax": ({"from_flax": True},),
    },
    snippet=snippet,
    native_hint="Home of checkpoints with a config.json that names a transformers class.",
)
