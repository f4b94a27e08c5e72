"""Say what a PyTorch module takes: an adapter for its inputs, or several to try in order.

An adapter has the form of an entry's `hints.inputs`: per input a kind and a shape. Shapes come
from the first weights that an input meets (`torch_uses`); the sizes that weights leave open are
tried, the usual ones first.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import signature, torch_uses
from .failure import NeedsInputs
from .torch_uses import Use

Adapter = dict[str, dict[str, Any]]

PICTURES = (224, 32, 28, 64, 96, 128, 256, 299, 112, 48, 160, 192, 384, (240, 320), 512)
SAMPLES = (16000, 512, 1024, 4000, 8000, 32000, 16, 64, 256)
FRAMES = (100, 16, 3000, 64)
LENGTHS = (16, 8, 32, 64, 128, 10, 20, 256, 512)
AUDIO_CHANNELS = 2
"""Up to so many channels a one-dimensional convolution is given samples, beyond features."""

MAX_TRIES = 48
"""Adapters tried for one model at most."""

_SCALARS = {"int": "int64", "float": "float32", "bool": "bool", "number": "float32"}
_OWN_FAULT = re.compile(
    r"return_complex|out of memory|not implemented for '(Half|BFloat16|Float8\w*)'|"
    r"Could not run '|No such operator|Unknown builtin op|not currently implemented|"
    r"CUDA error|No module named"
)
"""Messages that no other input would change: the model's or the machine's own."""


@dataclass(frozen=True)
class Argument:
    """One argument of a module's `forward`: `type` is "tensor", "int", "float", "bool", "other"."""

    name: str
    type: str
    required: bool = True
    variadic: bool = False

    @property
    def declared(self) -> signature.Declared:
        """The argument as inputs are made for it; a tensor's shape is an adapter's to say."""
        if self.type in _SCALARS:
            return signature.Declared(self.name, (), _SCALARS[self.type])
        return signature.Declared(self.name, None, "float32")


def arguments(module: Any) -> list[Argument]:
    """Return what `forward` takes, in order: by TorchScript's schema, else by its signature."""
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        if not module._c._has_method("forward"):
            names = ", ".join(sorted(module._c._method_names()))
            raise NeedsInputs(f"the program has no forward to call; its methods: {names}")
        return [
            Argument(item.name, _type(str(item.type)), not item.has_default_value())
            for item in module.forward.schema.arguments[1:]
        ]
    return [
        Argument(
            name,
            _annotated(item.annotation),
            item.default is item.empty,
            item.kind is item.VAR_POSITIONAL,
        )
        for name, item in inspect.signature(module.forward).parameters.items()
        if item.kind is not item.VAR_KEYWORD
    ]


def _type(text: str) -> str:
    """Say what a TorchScript type takes; an optional one counts as what it may be."""
    inner = re.sub(r"^Optional\[(.*)\]$", r"\1", text).rstrip("?")
    if inner == "Tensor":
        return "tensor"
    return inner if inner in _SCALARS else "other"


def _annotated(annotation: Any) -> str:
    """Say what an annotation takes: a scalar where it says so, else a tensor."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name if name in _SCALARS else "tensor"


def adapters(module: Any, given: Adapter) -> Iterator[Adapter]:
    """Yield adapters for the required inputs of a module, what is `given` kept as it is.

    Yields none where no weights say what an input must be.
    """
    import torch

    wanted = [item for item in arguments(module) if item.required or item.name in given]
    open_ = [item.name for item in wanted if item.name not in given and item.type == "tensor"]
    if not open_:
        yield dict(given)
        return
    scripted = isinstance(module, torch.jit.ScriptModule)
    uses = torch_uses.of_graph(module) if scripted else torch_uses.of_module(module)
    choices = {name: list(shapes(uses[name])) for name in open_ if name in uses}
    if not choices:
        first = next(torch_uses.layers(module), None)
        if first is None:
            return
        choices = {open_[0]: list(shapes(first))}
    leader = next(iter(choices.values()))
    lists = [choices.get(name) or [_beside(name, spec) for spec in leader] for name in open_]
    for picked in itertools.islice(_together(lists), MAX_TRIES):
        yield {**dict(zip(open_, picked)), **given}


def _together(lists: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield one of each list, those of like positions first."""
    places = itertools.product(*(range(len(each)) for each in lists))
    for at in sorted(places, key=lambda at: (max(at) - min(at), sum(at))):
        yield tuple(each[index] for each, index in zip(lists, at))


def _beside(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return what an input is given that meets no weights: shaped as the one beside it."""
    lower = name.lower()
    if "mask" in lower:
        return {"kind": "ones", "shape": spec["shape"]}
    if "len" in lower:
        return {"value": [spec["shape"][-1]], "dtype": "int64"}
    return dict(spec)


def shapes(use: Use) -> Iterator[dict[str, Any]]:
    """Yield what an input may be that meets these weights first, the likeliest first."""
    kind, shape = use.kind, use.shape
    wide = shape[1] * use.groups if len(shape) > 1 else (shape[0] if shape else 1)
    if kind.startswith("deconv"):
        wide = shape[0]
    if kind in ("conv2d", "picture_norm"):
        yield from (_noise("image", 1, wide, *_sides(size)) for size in PICTURES)
    elif kind == "conv1d":
        if wide <= AUDIO_CHANNELS:
            yield _noise("audio", 1, wide, SAMPLES[0])
            if wide == 1:
                yield from (_noise("audio", 1, count) for count in SAMPLES)
            yield from (_noise("audio", 1, wide, count) for count in SAMPLES[1:])
        else:
            yield from (_noise("noise", 1, wide, count) for count in FRAMES)
            yield _noise("noise", 1, FRAMES[0], wide)
    elif kind in ("conv3d", "clip_norm"):
        for frames, size in ((8, 112), (16, 112), (8, 224), (16, 32), (32, 32)):
            yield _noise("image", 1, wide, frames, size, size)
    elif kind == "deconv1d":
        yield from (_noise("noise", 1, wide, count) for count in (16, 1, 100))
    elif kind == "deconv2d":
        yield from (_noise("noise", 1, wide, size, size) for size in (1, 7, 8, 16, 4))
    elif kind == "deconv3d":
        yield from (_noise("noise", 1, wide, size, size, size) for size in (4, 1, 8))
    elif kind == "embedding":
        for length in LENGTHS:
            yield _tokens(shape[0], 1, length)
        yield _tokens(shape[0], LENGTHS[0])
        yield _tokens(shape[0], 1)
    elif kind in ("rnn", "attention"):
        yield _noise("noise", 1, LENGTHS[0], shape[-1])
        yield _noise("noise", LENGTHS[0], 1, shape[-1])
        yield _noise("noise", LENGTHS[0], shape[-1])
    elif kind == "linear":
        yield _noise("noise", 1, shape[-1])
        yield _noise("noise", 1, LENGTHS[0], shape[-1])
        yield from _unrolled(shape[-1])
        yield _noise("noise", shape[-1])
    elif kind == "matmul":
        for inner in dict.fromkeys((shape[0], shape[-1])):
            yield _noise("noise", 1, inner)
            yield _noise("noise", 1, LENGTHS[0], inner)
    elif kind == "layer_norm":
        yield _noise("noise", 1, LENGTHS[0], *shape)
        yield _noise("noise", 1, *shape)
    elif kind == "batch_norm":
        yield _noise("noise", 1, wide)
        yield from (_noise("noise", 1, wide, count) for count in FRAMES)
    elif kind == "any_norm":
        yield from (_noise("image", 1, wide, *_sides(size)) for size in PICTURES[:4])
        yield _noise("noise", 1, wide)
        yield _noise("noise", 1, wide, FRAMES[0])
    elif kind == "stft":
        yield from (_noise("audio", 1, count) for count in (16000, 4000, 512, 1024, 32000))
        yield _noise("audio", SAMPLES[0])


def _sides(size: Any) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _unrolled(wide: int) -> Iterator[dict[str, Any]]:
    """Yield the square pictures of so many values, for models that unroll them."""
    for channels in (1, 3):
        side = int((wide // channels) ** 0.5)
        if side > 3 and channels * side * side == wide:
            yield _noise("image", 1, channels, side, side)


def _noise(kind: str, *shape: int) -> dict[str, Any]:
    return {"kind": kind, "shape": list(shape)}


def _tokens(count: int, *shape: int) -> dict[str, Any]:
    low = 1 if count > 2 else 0
    return {"kind": "tokens", "shape": list(shape), "low": low, "high": count, "dtype": "int64"}


def own_fault(error: BaseException) -> bool:
    """Tell whether an error is one that no other input would change."""
    return isinstance(error, (MemoryError, ImportError)) or bool(_OWN_FAULT.search(str(error)))
