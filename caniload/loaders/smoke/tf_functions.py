"""Find what can be called in a SavedModel that TensorFlow loaded: a signature, or a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import tensorflow_side
from .failure import LoadsOnly, NeedsInputs
from .signature import Declared

DEFAULTS = ("serving_default", "default")
"""Signatures that are taken first: TensorFlow Serving's name, and TF1 Hub's."""


@dataclass
class Entry:
    """Hold one thing to call: its name, what it takes, and how it is called by input name.

    `variables` are those that it captures, `results` the number of tensors that it gives.
    """

    name: str
    declared: list[Declared]
    call: Callable[[dict[str, Any]], Any]
    variables: list[Any] = field(default_factory=list)
    results: int = 1


def entry(loaded: Any, options: dict[str, Any], call_first: bool = False) -> Entry:
    """Return what to call: the option `signature` or `function`, else what the model offers.

    A signature comes before functions, as servers take it; with `call_first` the object itself
    comes first if it can be called, as TensorFlow Hub's users do. Raises `LoadsOnly` where the
    model has neither, and `NeedsInputs` where several functions are there and none is named.
    """
    signatures = dict(getattr(loaded, "signatures", {}) or {})
    functions = _functions(loaded)
    if options.get("signature"):
        name = str(options["signature"])
        if name not in signatures:
            raise ValueError(f"no signature is named {name}; there are {sorted(signatures)}")
        return of_signature(name, signatures[name])
    if options.get("function"):
        name = str(options["function"])
        if name not in functions:
            raise ValueError(f"no function is named {name}; there are {sorted(functions)}")
        return of_function(name, functions[name])
    if call_first and "__call__" in functions:
        return of_function("__call__", functions["__call__"])
    chosen = [name for name in DEFAULTS if name in signatures] or _only(signatures)
    if chosen:
        return of_signature(chosen[0], signatures[chosen[0]])
    if "__call__" in functions:
        return of_function("__call__", functions["__call__"])
    if len(functions) == 1:
        name, function = next(iter(functions.items()))
        return of_function(name, function)
    if functions or signatures:
        names = ", ".join(sorted({*functions, *signatures}))
        raise NeedsInputs(f"which of {names} is to be called? give --option function=NAME")
    raise LoadsOnly("the SavedModel holds no signature and no traced function: nothing to run")


def _only(signatures: dict[str, Any]) -> list[str]:
    """Return the one signature there is; an initialiser's is none that anyone calls."""
    names = [name for name in signatures if not name.startswith("__saved_model_")]
    return names if len(names) == 1 else []


def _functions(loaded: Any) -> dict[str, Any]:
    """Return the traced functions among an object's public attributes, and `__call__`."""
    found: dict[str, Any] = {}
    for name in [*vars(loaded), *vars(type(loaded))]:
        if name.startswith("_") and name != "__call__":
            continue
        try:
            value = getattr(loaded, name)
        except Exception:  # noqa: BLE001 (a property of a stranger's object)
            continue
        if getattr(value, "concrete_functions", None):
            found[name] = value
    for wrapper in ("call_and_return_all_conditional_losses",):  # Keras 2's twin of __call__
        if "__call__" in found:
            found.pop(wrapper, None)
    return found


def of_signature(name: str, function: Any) -> Entry:
    """Return a signature as an entry: tensors by name in, a dictionary out."""
    specs = dict(function.structured_input_signature[1])

    def call(values: dict[str, Any]) -> Any:
        given = {key: tensorflow_side.tensor(values[key], specs[key].dtype) for key in specs}
        return function(**given)

    declared = [_declared(key, spec) for key, spec in specs.items()]
    results = len(function.structured_outputs)
    return Entry(name, declared, call, list(function.variables), results)


def of_function(name: str, function: Any) -> Entry:
    """Return a restored function as an entry, in the trace that inference takes.

    Of several traces the one without a true flag (`training=True`) is taken, and among these
    the one that leaves most extents open.
    """
    import tensorflow

    flatten, pack = tensorflow.nest.flatten, tensorflow.nest.pack_sequence_as

    def rank(trace: Any) -> tuple[bool, int]:
        leaves = flatten(trace.structured_input_signature)
        open_ones = [extent for spec in leaves for extent in _extents(spec)]
        return any(leaf is True for leaf in leaves), -sum(e is None for e in open_ones)

    trace = min(function.concrete_functions, key=rank)
    shape = trace.structured_input_signature
    leaves = flatten(shape)
    specs: dict[str, Any] = {}
    keys: list[str | None] = []
    for index, leaf in enumerate(leaves):
        if not isinstance(leaf, tensorflow.TypeSpec):
            keys.append(None)
            continue
        key = str(getattr(leaf, "name", None) or f"input_{index}")
        key = key if key not in specs else f"{key}_{index}"
        specs[key] = leaf
        keys.append(key)

    def call(values: dict[str, Any]) -> Any:
        given = [
            leaf if key is None else tensorflow_side.tensor(values[key], leaf.dtype)
            for key, leaf in zip(keys, leaves)
        ]
        args, kwargs = pack(shape, given)
        return function(*args, **kwargs)

    declared = [_declared(key, spec) for key, spec in specs.items()]
    results = len(flatten(trace.structured_outputs))
    return Entry(name, declared, call, list(trace.variables), results)


def _extents(spec: Any) -> list[Any]:
    shape = getattr(spec, "shape", None)
    return [] if shape is None or shape.rank is None else shape.as_list()


def _declared(name: str, spec: Any) -> Declared:
    """Return what a specification declares; raises `NeedsInputs` for ragged and sparse ones."""
    import tensorflow

    if not isinstance(spec, tensorflow.TensorSpec):
        raise NeedsInputs(f"{name} takes a {type(spec).__name__}, which no recipe makes yet")
    return tensorflow_side.declared(name, spec)
