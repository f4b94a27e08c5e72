"""Write ONNX with torch.onnx (dynamo)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .export_torch import Named

SINGLE_FILE_BYTES = 1_500_000_000
"""Weights beyond go into a file beside the graph: protobuf ends at 2 GB."""

_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


def write(named: Named, job: dict[str, Any]) -> None:
    """Write `model.onnx` with named inputs and outputs.

    The batch and length of token inputs, and the batch of `pixel_values`, stay dynamic unless
    the recipe's options say `static_shapes`; of others the shape is the one that was run.
    """
    import torch

    size = sum(value.numel() * value.element_size() for value in named.module.parameters())
    static = bool(job["recipe"].get("options", {}).get("static_shapes"))
    axes = [_dynamic(name) for name in named.inputs]
    torch.onnx.export(
        named.module,
        tuple(named.inputs.values()),
        str(Path(job["export_to"]) / "model.onnx"),
        dynamo=True,
        input_names=list(named.inputs),
        output_names=named.outputs,
        dynamic_shapes=None if static or not any(axes) else tuple(axes),
        external_data=size > SINGLE_FILE_BYTES,
        verbose=False,
    )


def _dynamic(name: str) -> dict[int, str] | None:
    """Name the axes of an input that may vary."""
    if name in _TOKENS:
        return {0: "batch", 1: "length"}
    return {0: "batch"} if name == "pixel_values" else None
