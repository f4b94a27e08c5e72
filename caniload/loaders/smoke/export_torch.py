"""Export PyTorch modules: one call with named inputs and outputs, written in a format.

What is shared: the call as a module of its own whose inputs stand by position and whose outputs
have names, so that every format says the same.
"""

from __future__ import annotations

import importlib
import json
import keyword
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artefact, tree

WRITERS = {
    "onnx": "export_onnx",
    "torchscript": "export_torchscript",
    "pt2": "export_torch_export",
}
"""The module of this package that writes each format, by its function `write(named, job)`."""

BESIDE = "caniload.inputs.json"
"""The adapter that goes along with what is made, so that its readers ask the same."""


TRANSFORMER_OUTPUTS = (
    "last_hidden_state",
    "logits",
    "pooler_output",
    "image_embeds",
    "text_embeds",
)
"""Outputs of a transformers model that an export keeps, by their names."""

_CONFIGURATION = (
    "config.json",
    "modules.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)


@dataclass
class Call:
    """A module and what it is called with: tensors and scalars by name, in order.

    `by_position` calls it so, `options` are further keywords, as `return_dict`. `outputs` names
    those of the results that are kept, all where it is empty.
    """

    module: Any
    given: dict[str, Any]
    by_position: bool = False
    options: dict[str, Any] | None = None
    outputs: tuple[str, ...] = ()


@dataclass
class Named:
    """A module to export, its inputs by name, and the names of its outputs in order.

    The module gives a tuple, or with `as_dict` a dictionary.
    """

    module: Any
    inputs: dict[str, Any]
    outputs: list[str]
    as_dict: Any


def export(call: Call, job: dict[str, Any]) -> None:
    """Write the call's module to `job["export_to"]` in `job["export_format"]`.

    Raises `NotImplementedError` for a format that nothing here writes.
    """
    form = str(job["export_format"])
    if form not in WRITERS:
        raise NotImplementedError(f"nothing here exports to {form}")
    Path(job["export_to"]).mkdir(parents=True, exist_ok=True)
    module = importlib.import_module(f".{WRITERS[form]}", __package__)
    module.write(named(call), job)


def named(call: Call) -> Named:
    """Wrap a call: tensors become inputs by position, all else stays what it is."""
    import torch

    tensors = {name: value for name, value in call.given.items() if torch.is_tensor(value)}
    fixed = {name: value for name, value in call.given.items() if name not in tensors}
    names = list(tensors)

    def results(values: tuple[Any, ...]) -> dict[str, Any]:
        held = {**dict(zip(names, values)), **fixed}
        held = {name: held[name] for name in call.given}
        options = call.options or {}
        if call.by_position:
            result = call.module(*held.values(), **options)
        else:
            result = call.module(**held, **options)
        return dict(tree.leaves(result, torch.is_tensor))

    with torch.no_grad():
        found = results(tuple(tensors.values()))
    kept = [name for name in call.outputs if name in found] or list(found)

    def give(as_dict: bool) -> Any:
        def forward(values: tuple[Any, ...]) -> Any:
            flat = results(values)
            if as_dict:
                return {name: flat[name] for name in kept}
            return flat[kept[0]] if len(kept) == 1 else tuple(flat[name] for name in kept)

        return _module(call.module, [_identifier(name) for name in names], forward)

    inputs = dict(zip([_identifier(name) for name in names], tensors.values()))
    return Named(give(False), inputs, kept, lambda: give(True))


def _module(inner: Any, names: list[str], forward: Any) -> Any:
    """Return a module whose `forward` takes arguments of these names."""
    import torch

    scope: dict[str, Any] = {"call": forward}
    row = ", ".join(names)
    exec(f"def forward(self, {row}):\n    return call(({row},))", scope)  # names for the graph
    made = type("Named", (torch.nn.Module,), {"forward": scope["forward"]})()
    made.inner = inner
    made.training = False
    return made


def _identifier(name: str) -> str:
    """Return a name that Python takes for an argument."""
    made = "".join(each if each.isalnum() else "_" for each in name)
    return f"{made}_" if keyword.iskeyword(made) or made[:1].isdigit() else made


def of_transformer(model: Any, inputs: dict[str, Any], job: dict[str, Any]) -> Call:
    """Return the call of a transformers model on arrays by name; those it does not take drop."""
    import inspect

    import torch

    accepts = inspect.signature(model.forward).parameters
    given = {
        name: torch.from_numpy(value).to(job["device"])
        for name, value in inputs.items()
        if name in accepts
    }
    return Call(model, given, options={"return_dict": True}, outputs=TRANSFORMER_OUTPUTS)


def lay_configuration(job: dict[str, Any]) -> None:
    """Copy the configuration and tokenizer files, so that what is derived gets the same inputs."""
    home = artefact.transformer_dir(artefact.root(job))
    for name in _CONFIGURATION:
        if (home / name).is_file():
            shutil.copyfile(home / name, Path(job["export_to"]) / name)


def lay_inputs(adapter: dict[str, Any], job: dict[str, Any]) -> None:
    """Lay the adapter of the inputs beside an export."""
    known = {_identifier(name): spec for name, spec in adapter.items() if "value" not in spec}
    path = Path(job["export_to"]) / BESIDE
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
