"""Make inputs for what a model declares: names, shapes and dtypes, and an adapter where needed.

Free values come from streams by position ("input.0", "input.1", …), never by name, and pictures
are drawn channels-last and turned to the declared layout: so the formats of one model, which
name and lay out their inputs differently, are all asked the same.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import artefact, inputs
from .failure import NeedsInputs

BATCH, LENGTH, SIZE, SAMPLES, FRAMES, RATE = 1, 16, 224, 16000, 8, 16000
"""What stands for an unknown batch, tokens or steps, pixels, audio samples, frames, hertz."""

CHANNELS = (1, 3, 4)
"""Extents that mark the axis of a picture's channels."""

MAX_VALUES = 1 << 27
"""Inputs of more values than this are not made."""

TEXTS = ("Can I load this model, here?", "Tokenizers disagree about e-mail addresses.")

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_STATES = ("state", "hidden", "cache", "h0", "c0", "hx", "past")
_RATES = ("sr", "rate", "sample_rate", "sampling_rate")
_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


@dataclass(frozen=True)
class Declared:
    """One input as a model declares it: None for an extent that may vary, or for all of them.

    `dtype` is numpy's name, or "string". `kind` is what the graph does with a string or a
    number where it tells: "wav", "jpeg", "png", "state".
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    kind: str | None = None


def make(declared: Sequence[Declared], job: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a numpy array (or Python scalar) for each declared input, by name.

    The adapter `hints["inputs"]` decides first; token inputs follow the artefact's tokenizer;
    the rest goes by dtype and shape. Raises `NeedsInputs` where nothing fits.
    """
    adapter = (job.get("hints") or {}).get("inputs") or {}
    names = [item.name for item in declared]
    unknown = sorted(set(adapter) - set(names))
    if unknown and declared:
        raise NeedsInputs(f"the adapter gives {unknown[0]!r}; the model takes {names}")
    tokens = _tokens(declared, job, seed)
    made: dict[str, Any] = {}
    free = 0
    for item in declared:
        if item.name in adapter:
            made[item.name], drawn = _adapted(adapter[item.name], item, f"input.{free}", seed)
        elif item.name in tokens:
            made[item.name], drawn = tokens[item.name], False
        else:
            made[item.name], drawn = _guessed(item, f"input.{free}", seed)
        free += int(drawn)
    return made


def channels_first(declared: Sequence[Declared], job: dict[str, Any]) -> bool:
    """Tell whether the pictures or clips among the inputs are declared channels-first."""
    adapter = (job.get("hints") or {}).get("inputs") or {}
    shapes = [adapter.get(item.name, {}).get("shape") or item.shape for item in declared]
    return any(layout(tuple(shape)) in ("NCHW", "NCDHW") for shape in shapes if shape)


def layout(shape: tuple[int | None, ...]) -> str | None:
    """Return the layout of a picture (4 axes) or clip (5 axes) by where its channels stand."""
    if len(shape) not in (4, 5):
        return None
    first, last = shape[1] in CHANNELS, shape[-1] in CHANNELS
    if first == last:
        return None
    names = ("NCHW", "NHWC") if len(shape) == 4 else ("NCDHW", "NDHWC")
    return names[0] if first else names[1]


def _tokens(declared: Sequence[Declared], job: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return token inputs by the names that transformers gives them, where there is a tokenizer."""
    import numpy

    wanted = {item.name: item for item in declared if item.name in _TOKENS}
    facts = artefact.token_facts(artefact.folder(job))
    if "input_ids" not in wanted or facts is None:
        return {}
    made = inputs.tokens(facts, job["recipe"], seed)
    shape = made["input_ids"].shape
    made["token_type_ids"] = numpy.zeros(shape, dtype="int64")
    made["position_ids"] = numpy.broadcast_to(numpy.arange(shape[1]), shape).copy()
    return {name: made[name].astype(item.dtype) for name, item in wanted.items()}


def _adapted(spec: dict[str, Any], item: Declared, stream: str, seed: int) -> tuple[Any, bool]:
    """Make one input as an adapter says; returns it and whether it drew from its stream."""
    import numpy

    kind = str(spec.get("kind", "value" if "value" in spec else "noise"))
    dtype = str(spec.get("dtype") or item.dtype)
    if kind == "value":
        value = spec["value"]
        return (numpy.array(value, dtype=spec["dtype"]) if "dtype" in spec else value), False
    shape = _filled(tuple(spec.get("shape") or item.shape or ()), dtype)
    stream = str(spec.get("stream", stream))
    if kind == "zeros":
        return numpy.zeros(shape, dtype=dtype), False
    if kind == "ones":
        return numpy.ones(shape, dtype=dtype), False
    if kind == "wav":
        rate = int(spec.get("rate", RATE))
        return _wav(float(spec.get("seconds", 1.0)), rate, stream, seed), True
    if kind == "text":
        return _texts(shape, seed), True
    if kind == "tokens":
        low, high = int(spec.get("low", 1)), int(spec.get("high", 100))
        return _integers(shape, dtype, stream, seed, low, high), True
    if kind in ("noise", "audio", "image"):
        left = int(spec.get("pad_left", 0))
        return _noise(shape, dtype, stream, seed, left, spec.get("range")), True
    raise NeedsInputs(f"the adapter's kind {kind!r} for {item.name} is not known")


def _guessed(item: Declared, stream: str, seed: int) -> tuple[Any, bool]:
    """Make one input by its dtype, shape and name; returns it and whether it drew."""
    import numpy

    name = item.name.lower().rpartition(":")[0] or item.name.lower()
    if item.kind == "wav":
        return _wav(1.0, RATE, stream, seed), True
    if item.kind in ("jpeg", "png"):
        raise NeedsInputs(f"{item.name} takes the bytes of a {item.kind} file; give --inputs")
    if item.shape is None:
        raise NeedsInputs(f"nothing says what shape {item.name} has; give --inputs")
    if item.kind == "state" or any(mark in name for mark in _STATES):
        extents = [now if now and now > 0 else BATCH for now in item.shape]
        return numpy.zeros(extents, dtype=item.dtype), False
    shape = _filled(item.shape, item.dtype)
    if item.dtype == "string":
        return _texts(shape, seed), True
    if item.dtype in _FLOATS:
        return _noise(shape, item.dtype, stream, seed), True
    if item.dtype == "bool":
        return numpy.ones(shape, dtype=bool), False
    if item.dtype in ("complex64", "complex128"):
        return _noise(shape, "float64", stream, seed).astype(item.dtype), True
    if any(name == mark or name.endswith(f"_{mark}") for mark in _RATES):
        return numpy.full(shape, RATE, dtype=item.dtype), False
    if "mask" in name:
        return numpy.ones(shape, dtype=item.dtype), False
    if "type_id" in name or "segment" in name:
        return numpy.zeros(shape, dtype=item.dtype), False
    if "position" in name and shape:
        steps = numpy.arange(shape[-1], dtype=item.dtype)
        return numpy.broadcast_to(steps, shape).copy(), False
    if item.dtype == "uint8" or (item.dtype == "int8" and len(shape) == 4):
        low = 0 if item.dtype == "uint8" else -128
        picture = (_noise(shape, "float32", stream, seed) + 1) * 127.5 + low
        return picture.round().clip(low, low + 255).astype(item.dtype), True
    low, high = (1, 100) if "id" in name or "token" in name or "word" in name else (0, 2)
    return _integers(shape, item.dtype, stream, seed, low, high), True


def _filled(shape: tuple[int | None, ...], dtype: str) -> tuple[int, ...]:
    """Give every extent that may vary a size, by what the rank and the dtype speak for."""
    known = [extent if isinstance(extent, int) and extent > 0 else None for extent in shape]
    where = layout(tuple(known))
    inner = {
        1: [SAMPLES if dtype in _FLOATS else BATCH],
        2: [BATCH, SAMPLES if dtype in _FLOATS else LENGTH],
        3: [BATCH, LENGTH, LENGTH],
        4: [BATCH, SIZE, SIZE, 3] if where != "NCHW" else [BATCH, 3, SIZE, SIZE],
        5: [BATCH, FRAMES, SIZE, SIZE, 3] if where != "NCDHW" else [BATCH, 3, FRAMES, SIZE, SIZE],
    }.get(len(known), [BATCH] * len(known))
    filled = tuple(now if now is not None else then for now, then in zip(known, inner))
    count = 1
    for extent in filled:
        count *= extent
    if count > MAX_VALUES:
        raise NeedsInputs(f"an input of shape {list(filled)} is too large to make; give --inputs")
    return filled


def _noise(
    shape: tuple[int, ...],
    dtype: str,
    stream: str,
    seed: int,
    left: int = 0,
    reach: Any = None,
) -> Any:
    """Return uniform numbers in [-1, 1), or in `reach`; pictures are drawn channels-last.

    The first `left` positions of the last axis are zero and draw nothing.
    """
    import numpy

    where = layout(shape)
    drawn = (*shape[:-1], shape[-1] - left) if shape else shape
    if where in ("NCHW", "NCDHW"):
        last = (shape[0], *shape[2:], shape[1])
        values = numpy.moveaxis(inputs.floats(last, stream, seed), -1, 1)
    else:
        values = inputs.floats(drawn, stream, seed)
    if reach is not None:
        low, high = (float(bound) for bound in reach)
        values = (values + 1) * ((high - low) / 2) + low
    if left:
        values = numpy.concatenate([numpy.zeros((*shape[:-1], left)), values], axis=-1)
    return numpy.ascontiguousarray(values.astype("float32" if dtype == "bfloat16" else dtype))


def _integers(
    shape: tuple[int, ...], dtype: str, stream: str, seed: int, low: int, high: int
) -> Any:
    """Return integers in [low, high)."""
    import numpy

    count = int(numpy.prod(shape, dtype=numpy.int64))
    drawn = [low + inputs.counter(seed, stream, i) % (high - low) for i in range(count)]
    return numpy.array(drawn, dtype="int64").reshape(shape).astype(dtype)


def _texts(shape: tuple[int, ...], seed: int) -> Any:
    """Return texts, another one for another seed."""
    import numpy

    count = int(numpy.prod(shape, dtype=numpy.int64))
    texts = [f"{TEXTS[(seed + i) % len(TEXTS)]} {seed + i}" for i in range(count)]
    return numpy.array(texts, dtype=object).reshape(shape)


def _wav(seconds: float, rate: int, stream: str, seed: int) -> bytes:
    """Return a RIFF file of 16-bit mono noise."""
    count = int(seconds * rate)
    levels = inputs.uniform(seed, stream, count)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        frames = (int(level * 16384).to_bytes(2, "little", signed=True) for level in levels)
        file.writeframes(b"".join(frames))
    return out.getvalue()
