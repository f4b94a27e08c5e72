"""Flatten what a model returns into named tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def leaves(value: Any, is_tensor: Callable[[Any], bool], name: str = "") -> Iterator[tuple]:
    """Yield (name, tensor) of nested mappings and sequences; what is neither is passed over.

    A lone tensor is called `output`; items of a sequence are numbered, as in `hidden.0`.
    """
    if is_tensor(value):
        yield name or "output", value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, is_tensor, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            label = f"{name}.{index}" if name else f"output.{index}"
            yield from leaves(item, is_tensor, label)


def results(value: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the tensors that a transformers model answers with; its caches are state."""
    return {name: item for name, item in leaves(value, is_tensor) if not name.startswith("past_")}
