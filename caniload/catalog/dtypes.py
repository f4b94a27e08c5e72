"""How many bytes a weight takes in each number format, by the format's own width.

Quantised weights bring scales and zero points besides, which are not counted here: what these
widths give is the least that the weights take.
"""

from __future__ import annotations

from caniload.errors import UnknownNameError

ITEM_BYTES: dict[str, float] = {
    "float64": 8,
    "float32": 4,
    "bfloat16": 2,
    "float16": 2,
    "float8": 1,
    "int8": 1,
    "int4": 0.5,
}
"""Bytes a value; two of four bits share a byte."""

ALIASES = {
    "fp64": "float64",
    "double": "float64",
    "fp32": "float32",
    "float": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "fp8": "float8",
    "q8": "int8",
    "q4": "int4",
}


def dtype(text: str) -> str:
    """Return the name of a number format, aliases and case aside; raises `UnknownNameError`."""
    word = text.casefold().strip()
    name = ALIASES.get(word, word)
    if name not in ITEM_BYTES:
        from difflib import get_close_matches

        near = tuple(get_close_matches(name, ITEM_BYTES, 2))
        raise UnknownNameError("dtype", text, near, f"known: {', '.join(ITEM_BYTES)}")
    return name


def weights_bytes(parameters: int, name: str) -> int:
    """Return the bytes that so many weights take in a number format, rounded up."""
    halves = parameters * round(ITEM_BYTES[name] * 2)
    return (halves + 1) // 2
