"""Make a recipe's inputs from its seed alone: the same on every interpreter and runtime.

The generator is SHA-256 in counter mode, standard library only, so that the host can print the
very same ids in a snippet.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from dataclasses import dataclass
from typing import Any

LOWEST_ID = 1000
"""Ids below are kept out where the vocabulary allows: special and unused tokens live there."""

DEFAULT_TOKENS = {"kind": "tokens", "batch": 2, "length": 16}

TEXTS = (
    "Can I load this model, here?",
    "The cafe owner paid $12.50 for 3 kilograms of UNBELIEVABLY good oranges!",
    "Tokenizers disagree about don't, e-mail addresses and [brackets].",
)
"""The fixed texts of the preprocessing check: case, punctuation, digits, rare words."""

HARD_TEXTS = ("A na\u00efve caf\u00e9.", "\u4e1c\u4eac, \u6771\u4eac!")
"""Texts on which libraries are known to differ, recorded and not decisive: accents, ideographs.

KerasHub 0.32 makes [UNK] of an accented word where the checkpoint's tokenizer strips accents.
"""


@dataclass(frozen=True)
class TokenFacts:
    """What a tokenizer and a configuration say that inputs depend on."""

    vocab_size: int
    cls_id: int | None = None
    sep_id: int | None = None
    pad_id: int = 0
    max_length: int | None = None


def counter(seed: int, stream: str, index: int) -> int:
    """Return the number at one position of a stream: 256 bits that depend on nothing else."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{stream}:{index}".encode()).digest(), "big")


def token_rows(
    facts: TokenFacts, batch: int, length: int, seed: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Return token ids and attention mask, `batch` rows of `length`.

    Rows begin with [CLS] and end with [SEP] where the tokenizer has them. Row 0 is whole; of
    every later row the last quarter is padding.
    """
    low = LOWEST_ID if facts.vocab_size > 2 * LOWEST_ID else min(8, facts.vocab_size - 1)
    ids: list[list[int]] = []
    mask: list[list[int]] = []
    for row in range(batch):
        real = length if row == 0 else max(2, length - length // 4)
        values = [
            low + counter(seed, f"tokens.{row}", i) % (facts.vocab_size - low) for i in range(real)
        ]
        if facts.cls_id is not None:
            values[0] = facts.cls_id
        if facts.sep_id is not None:
            values[-1] = facts.sep_id
        ids.append(values + [facts.pad_id] * (length - real))
        mask.append([1] * real + [0] * (length - real))
    return ids, mask


def uniform(seed: int, stream: str, count: int) -> list[float]:
    """Return `count` numbers in [-1, 1), sixteen from each digest, exact in float32."""
    levels = array("H", _levels(seed, stream, count))
    if sys.byteorder == "little":
        levels.byteswap()
    return [level / 32768.0 - 1.0 for level in levels]


def _levels(seed: int, stream: str, count: int) -> bytes:
    """Return `count` big-endian levels of 16 bits: the digests of a stream, one after another."""
    head = hashlib.sha256(f"{seed}:{stream}:".encode())
    blocks = []
    for index in range(-(-count // 16)):
        digest = head.copy()
        digest.update(b"%d" % index)
        blocks.append(digest.digest())
    return b"".join(blocks)[: 2 * count]


def token_shape(recipe: dict[str, Any], facts: TokenFacts) -> tuple[int, int]:
    """Return batch and length of a token recipe, cut to what the model takes."""
    spec = recipe.get("inputs") or {}
    batch = int(spec.get("batch", DEFAULT_TOKENS["batch"]))
    length = int(spec.get("length", DEFAULT_TOKENS["length"]))
    if facts.max_length:
        length = min(length, facts.max_length)
    return batch, length


def kind(recipe: dict[str, Any], otherwise: str) -> str:
    """Return the kind of inputs that a recipe names; `auto` or none leaves it to the loader."""
    named = str((recipe.get("inputs") or {}).get("kind", "auto"))
    return otherwise if named == "auto" else named


def tokens(facts: TokenFacts, recipe: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return `input_ids` and `attention_mask` as int64 arrays."""
    import numpy

    batch, length = token_shape(recipe, facts)
    ids, mask = token_rows(facts, batch, length, seed)
    return {
        "input_ids": numpy.array(ids, dtype=numpy.int64),
        "attention_mask": numpy.array(mask, dtype=numpy.int64),
    }


def floats(shape: tuple[int, ...], name: str, seed: int) -> Any:
    """Return a float32 array of uniform numbers in [-1, 1)."""
    import numpy

    count = 1
    for extent in shape:
        count *= extent
    levels = numpy.frombuffer(_levels(seed, name, count), dtype=">u2")
    return (levels.astype(numpy.float32) / 32768 - 1).reshape(shape)


def pixels(config: dict[str, Any], recipe: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return `pixel_values`, float32 [batch, channels, height, width].

    They are the first stream of `signature`, drawn channels-last: other formats of the model,
    which know no configuration, are asked the same.
    """
    import numpy

    spec = recipe.get("inputs") or {}
    vision = config.get("vision_config")
    nested = vision if isinstance(vision, dict) else {}
    size = spec.get("size") or config.get("image_size") or nested.get("image_size") or 224
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    channels = int(config.get("num_channels") or nested.get("num_channels") or 3)
    last = floats((int(spec.get("batch", 1)), int(height), int(width), channels), "input.0", seed)
    return {"pixel_values": numpy.ascontiguousarray(numpy.moveaxis(last, -1, 1))}
