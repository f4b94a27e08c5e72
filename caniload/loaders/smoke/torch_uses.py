"""Find which weights each input of a PyTorch module meets first: they tell what it must be.

A TorchScript module says it in its graph. Of another module the graph is traced with torch.fx
where that works, else the order in which its layers were defined stands for it.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_NODES = 4000
"""Nodes looked at on the way from one input to its first weights."""

_LAYERS = {
    "Conv1d": "conv1d",
    "Conv2d": "conv2d",
    "Conv3d": "conv3d",
    "ConvTranspose1d": "deconv1d",
    "ConvTranspose2d": "deconv2d",
    "ConvTranspose3d": "deconv3d",
    "Linear": "linear",
    "NonDynamicallyQuantizableLinear": "linear",
    "Bilinear": "linear",
    "Embedding": "embedding",
    "EmbeddingBag": "embedding",
    "LSTM": "rnn",
    "GRU": "rnn",
    "RNN": "rnn",
    "LSTMCell": "linear",
    "GRUCell": "linear",
    "RNNCell": "linear",
    "MultiheadAttention": "attention",
    "LayerNorm": "layer_norm",
    "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "picture_norm",
    "BatchNorm3d": "clip_norm",
    "InstanceNorm2d": "picture_norm",
    "GroupNorm": "picture_norm",
}
"""Kinds of use by the class of a layer; scripted layers keep the class's name."""

_OPS = {
    "aten::conv1d": ("conv1d", 1),
    "aten::conv2d": ("conv2d", 1),
    "aten::conv3d": ("conv3d", 1),
    "aten::conv_transpose1d": ("deconv1d", 1),
    "aten::conv_transpose2d": ("deconv2d", 1),
    "aten::conv_transpose3d": ("deconv3d", 1),
    "aten::_convolution": ("conv", 1),
    "aten::linear": ("linear", 1),
    "aten::matmul": ("matmul", 1),
    "aten::mm": ("matmul", 1),
    "aten::addmm": ("matmul", 2),
    "aten::embedding": ("embedding", 0),
    "aten::embedding_bag": ("embedding", 0),
    "aten::lstm": ("rnn", 2),
    "aten::gru": ("rnn", 2),
    "aten::rnn_tanh": ("rnn", 2),
    "aten::layer_norm": ("layer_norm", 2),
    "aten::batch_norm": ("any_norm", 1),
    "aten::group_norm": ("picture_norm", 2),
    "aten::stft": ("stft", 0),
}
"""Kinds of use by operator, and where among its inputs the weight stands."""

_MEASURES = ("aten::size", "aten::dim", "aten::len", "prim::dtype", "prim::device")
"""What only asks a tensor of itself."""


@dataclass(frozen=True)
class Use:
    """The first weights that an input meets: what is done with them, their shape, the groups."""

    kind: str
    shape: tuple[int, ...]
    groups: int = 1


def of_graph(module: Any) -> dict[str, Use]:
    """Return the first use of each input of a TorchScript module, by the input's name."""
    graph = module.inlined_graph
    values = list(graph.inputs())[1:]
    names = [argument.name for argument in module.forward.schema.arguments[1:]]
    found, flows = {}, _flows(graph)
    for name, value in zip(names, values):
        use = _first_use(module, value, flows)
        if use is not None:
            found[name] = use
    return found


def state_set(module: Any) -> set[tuple[str, str]]:
    """Return (path of the submodule, attribute) for all that running a TorchScript module sets."""
    found: set[tuple[str, str]] = set()
    if not module._c._has_method("forward"):
        return found
    for node in _nodes(module.inlined_graph):
        if node.kind() == "prim::SetAttr":
            path = _path(next(iter(node.inputs())))
            if path is not None:
                found.add((".".join(path), node.s("name")))
    return found


def _nodes(block: Any) -> Iterator[Any]:
    """Yield a graph's nodes, those inside conditions and loops too."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _flows(graph: Any) -> dict[str, list[Any]]:
    """Return where values go besides operators: into loops, out of conditions and loops."""
    found: dict[str, list[Any]] = {}
    for node in _nodes(graph):
        outputs = list(node.outputs())
        skip = 1 if node.kind() == "prim::Loop" else 0
        for block in node.blocks():
            for source, target in zip(list(block.outputs())[skip:], outputs):
                found.setdefault(source.debugName(), []).append(target)
            if skip:
                for source, target in zip(list(node.inputs())[2:], list(block.inputs())[1:]):
                    found.setdefault(source.debugName(), []).append(target)
    return found


def _first_use(module: Any, value: Any, flows: dict[str, list[Any]]) -> Use | None:
    """Follow a value, breadth first, to the first operator with weights of the module."""
    queue, seen = deque([value]), {value.debugName()}
    while queue and len(seen) < MAX_NODES:
        now = queue.popleft()
        onward = list(flows.get(now.debugName(), ()))
        for use in now.uses():
            found = _weighted(module, use.user, use.offset)
            if found is not None:
                return found
            if use.user.kind() not in _MEASURES:
                onward += list(use.user.outputs())
        for item in onward:
            if item.debugName() not in seen:
                seen.add(item.debugName())
                queue.append(item)
    return None


def _weighted(module: Any, node: Any, offset: int) -> Use | None:
    """Return what a node does with weights, if it is an operator that has them."""
    kind, at = _OPS.get(node.kind(), (None, 0))
    if kind is None:
        return None
    if kind == "stft":
        return Use("stft", ())
    inputs = list(node.inputs())
    if at == offset:
        return None
    weight = _tensor(module, inputs[at])
    if weight is None:
        return None
    shape = tuple(int(extent) for extent in weight.shape)
    groups = 1
    if "conv" in kind:
        if kind == "conv":
            turned = bool(inputs[6].toIValue()) if node.kind() == "aten::_convolution" else False
            kind = f"{'deconv' if turned else 'conv'}{len(shape) - 2}d"
        last = inputs[8] if node.kind() == "aten::_convolution" else inputs[-1]
        value = last.toIValue()
        groups = value if isinstance(value, int) and not kind.startswith("deconv") else 1
    return Use(kind, shape, groups)


def _tensor(module: Any, value: Any) -> Any:
    """Return the tensor that a value of a graph stands for: an attribute, a constant, or None."""
    node = value.node()
    if node.kind() == "prim::Constant":
        held = value.toIValue()
        return held if hasattr(held, "shape") else None
    if node.kind() == "prim::ListConstruct":
        first = next(iter(node.inputs()), None)
        return None if first is None else _tensor(module, first)
    if node.kind() in ("aten::t", "aten::transpose", "aten::detach", "aten::to"):
        held = _tensor(module, next(iter(node.inputs())))
        return held.t() if held is not None and node.kind() == "aten::t" else held
    path = _path(value)
    if not path:
        return None
    held = module
    for name in path:
        held = getattr(held, name, None)
    if isinstance(held, (list, tuple)) and held:
        held = held[0]
    return held if hasattr(held, "shape") else None


def _path(value: Any) -> list[str] | None:
    """Return the attributes on the way from the module itself to a value, None for another."""
    names: list[str] = []
    node = value.node()
    while node.kind() == "prim::GetAttr":
        names.append(node.s("name"))
        value = next(iter(node.inputs()))
        node = value.node()
    return names[::-1] if node.kind() == "prim::Param" else None


def of_module(module: Any) -> dict[str, Use]:
    """Return the first use of each input of a module in Python, as far as it can be known."""
    found = _traced(module)
    required = [
        name
        for name, item in inspect.signature(module.forward).parameters.items()
        if item.default is item.empty and item.kind is not item.VAR_KEYWORD
    ]
    first = next(layers(module), None)
    if first is not None and required and not found:
        found[required[0]] = first
    return found


def layers(module: Any) -> Iterator[Use]:
    """Yield a module's layers that have weights, in the order in which they were defined."""
    for _, layer in module.named_modules():
        use = of_layer(layer)
        if use is not None:
            yield use


def of_layer(layer: Any) -> Use | None:
    """Return what a layer does with what it is given, None where its class says nothing."""
    name = getattr(layer, "original_name", type(layer).__name__)
    kinds = [name, *(base.__name__ for base in type(layer).__mro__)]
    kind = next((_LAYERS[each] for each in kinds if each in _LAYERS), None)
    if kind is None:
        return None
    for weight in ("weight", "weight_ih_l0", "weight_ih", "in_proj_weight"):
        held = getattr(layer, weight, None)
        if held is not None and hasattr(held, "shape"):
            groups = getattr(layer, "groups", 1) if kind.startswith("conv") else 1
            return Use(kind, tuple(int(extent) for extent in held.shape), int(groups))
    return None


def _traced(module: Any) -> dict[str, Use]:
    """Follow inputs through the graph that torch.fx makes of a module; {} where it makes none."""
    import torch

    try:
        graph = torch.fx.Tracer().trace(module)
    except Exception:  # noqa: BLE001 (tracing runs foreign code with stand-ins: it may raise anything)
        return {}
    table = dict(module.named_modules())
    found = {}
    for start in graph.nodes:
        if start.op != "placeholder":
            continue
        queue, seen = deque([start]), {start}
        while queue and len(seen) < MAX_NODES and start.target not in found:
            for user in queue.popleft().users:
                if user in seen:
                    continue
                seen.add(user)
                use = of_layer(table[user.target]) if user.op == "call_module" else None
                if use is not None:
                    found[str(start.target)] = use
                    break
                queue.append(user)
    return found
