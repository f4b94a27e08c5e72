"""Export a PyTorch model to ONNX with torch.onnx (dynamo)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from . import artefact, tree

OUTPUTS = ("last_hidden_state", "logits", "pooler_output", "image_embeds", "text_embeds")
"""Outputs that an export keeps, by the names that transformers gives them."""

SINGLE_FILE_BYTES = 1_500_000_000
"""Weights beyond go into a file beside the graph: protobuf ends at 2 GB."""

_BESIDE = (
    "config.json",
    "modules.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)


def export(model: Any, inputs: dict[str, Any], job: dict[str, Any]) -> None:
    """Write `model.onnx` with named inputs and outputs into `job["export_to"]`.

    Batch and length stay dynamic unless the recipe's options say `static_shapes`. The
    configuration and tokenizer files go along, so that what is derived gets the same inputs.
    """
    import inspect

    import torch

    accepts = inspect.signature(model.forward).parameters
    given = {
        name: torch.from_numpy(value).to(job["device"])
        for name, value in inputs.items()
        if name in accepts
    }
    with torch.no_grad():
        found = dict(tree.leaves(model(**given, return_dict=True), torch.is_tensor))
    names = [name for name in OUTPUTS if name in found] or sorted(found)

    class Named(torch.nn.Module):
        """Give inputs by position and outputs in the order of `names`."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            result = self.model(**dict(zip(given, values)), return_dict=True)
            flat = dict(tree.leaves(result, torch.is_tensor))
            return tuple(flat[name] for name in names)

    target = Path(job["export_to"])
    target.mkdir(parents=True, exist_ok=True)
    size = sum(value.numel() * value.element_size() for value in model.parameters())
    static = bool(job["recipe"].get("options", {}).get("static_shapes"))
    torch.onnx.export(
        Named().eval(),
        tuple(given.values()),
        str(target / "model.onnx"),
        dynamo=True,
        input_names=list(given),
        output_names=names,
        dynamic_shapes=None if static else (tuple(_dynamic(name) for name in given),),
        external_data=size > SINGLE_FILE_BYTES,
        verbose=False,
    )
    home = artefact.transformer_dir(artefact.root(job))
    for name in _BESIDE:
        if (home / name).is_file():
            shutil.copyfile(home / name, target / name)


def _dynamic(name: str) -> dict[int, str]:
    """Name the axes of an input that may vary."""
    return {0: "batch"} if name == "pixel_values" else {0: "batch", 1: "length"}
