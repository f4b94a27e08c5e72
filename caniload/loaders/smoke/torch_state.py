"""Keep what running a PyTorch module may change, and bring it back.

Buffers, and attributes that are no weights: recurrent models keep their state in either.
"""

from __future__ import annotations

from typing import Any

from . import torch_uses

RESETS = ("reset_states", "reset_state", "reset")
"""Methods by which recurrent models forget, called where they ask for nothing."""

_KEPT = (type(None), bool, int, float, str)


class State:
    """What a module held just after loading."""

    def __init__(self, module: Any) -> None:
        """Copy buffers and attributes; weights are not copied."""
        import torch

        self.scripted = isinstance(module, torch.jit.ScriptModule)
        self.buffers = {name: value.clone() for name, value in module.named_buffers()}
        self.attributes: dict[str, dict[str, Any]] = {}
        if self.scripted:
            for path, name in torch_uses.state_set(module):
                value = getattr(submodule(module, path), name)
                if _plain(value):
                    self.attributes.setdefault(path, {})[name] = _copy(value)
        else:
            for path, inner in module.named_modules():
                self.attributes[path] = {
                    name: _copy(value) for name, value in vars(inner).items() if _plain(value)
                }

    def restore(self, module: Any) -> None:
        """Bring a module back; its own method of forgetting is called first."""
        import torch

        with torch.no_grad():
            for method in RESETS:
                found = getattr(module, method, None)
                if callable(found) and _asks_nothing(found):
                    _forget(module, found, method)
                    break
            for path, attributes in self.attributes.items():
                inner = submodule(module, path)
                if not self.scripted:
                    for name in [each for each, now in vars(inner).items() if _plain(now)]:
                        if name not in attributes:
                            delattr(inner, name)
                for name, value in attributes.items():
                    setattr(inner, name, _copy(value))
            now = dict(module.named_buffers())
            for name, value in self.buffers.items():
                if name in now and now[name].shape == value.shape:
                    now[name].copy_(value)


def _forget(module: Any, method: Any, name: str) -> None:
    """Call a model's method of forgetting; raises `RuntimeError` where it touches weights."""
    before = [(value.data_ptr(), value._version) for value in module.parameters()]
    method()
    if before != [(value.data_ptr(), value._version) for value in module.parameters()]:
        raise RuntimeError(f"the model's method {name} changes its weights")


def _asks_nothing(method: Any) -> bool:
    """Tell whether a method can be called without arguments."""
    import inspect

    schema = getattr(method, "schema", None)
    if schema is not None:
        return all(item.has_default_value() for item in schema.arguments[1:])
    try:
        wanted = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(item.default is not item.empty or item.kind in kinds for item in wanted)


def _plain(value: Any) -> bool:
    """Tell whether a value can be copied and set again: tensors, numbers, and rows of them."""
    import torch

    if isinstance(value, torch.nn.Parameter):
        return False
    if isinstance(value, (list, tuple)):
        return all(_plain(item) for item in value)
    return isinstance(value, _KEPT) or torch.is_tensor(value)


def _copy(value: Any) -> Any:
    import torch

    if isinstance(value, (list, tuple)):
        items = [_copy(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value.detach().clone() if torch.is_tensor(value) else value


def submodule(module: Any, path: str) -> Any:
    """Return a module inside another; `get_submodule` does not serve scripted ones."""
    for part in filter(None, path.split(".")):
        module = getattr(module, part)
    return module
