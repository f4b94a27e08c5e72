"""Values that `hub_calls` knows without running anything, and the operations on them."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from caniload.loaders.fetch.hubconf import Module

HUB_DIR = "\0hub"
"""Stands for what `torch.hub.get_dir()` returns."""

_LONGEST = 10_000
"""Texts and lists above this are not followed."""


_WIDE = re.compile(r"%[-+ #0]*(\*|\d{4})|%[^a-zA-Z%]*\.(\*|\d{4})|\{[^}]*(\{|:[^}]*\d{4})")
"""A place in a template whose width could fill the memory."""


class _Unknown:
    """What only running the code could tell."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class OneOf:
    """Hold the values that a name may have, where only running the code could choose."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Outside:
    """Name something that is not in the repository: `torch.hub.load_state_dict_from_url`."""

    path: str


@dataclass(frozen=True)
class Package:
    """Hold a module of the repository."""

    module: Module = field(hash=False, compare=False)
    name: str = ""


@dataclass(eq=False)
class Function:
    """Hold a function of the repository, with what is bound already."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    first: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=dict)
    """The names of an enclosing function."""


@dataclass(eq=False)
class Class:
    """Hold a class of the repository."""

    module: Module
    node: ast.ClassDef
    bases: tuple[Any, ...] = ()


@dataclass(eq=False)
class Instance:
    """Hold an object of a class of the repository, with the attributes that are known."""

    kind: Class
    attributes: dict[str, Any]


def is_plain(value: Any) -> bool:
    """Tell whether a value is a Python constant or a container."""
    return value is None or isinstance(value, str | int | float | bytes | tuple | list | dict | set)


def known(value: Any) -> bool:
    """Tell whether a value, and all inside it, is known."""
    if isinstance(value, list | tuple | set):
        return len(value) < _LONGEST and all(known(each) for each in value)
    if isinstance(value, dict):
        return len(value) < _LONGEST and all(known(each) for each in value.values())
    return is_plain(value)


def truth(value: Any) -> bool | None:
    """Return whether a value is true, None where that is not known."""
    if isinstance(value, Function | Class | Package | Instance):
        return True
    return bool(value) if is_plain(value) else None


def merged(values: Iterable[Any]) -> Any:
    """Return the one value that several ways lead to, or what it may be."""
    flat: list[Any] = []
    for value in values:
        for each in value.values if isinstance(value, OneOf) else (value,):
            if not any(each is other or _same(each, other) for other in flat):
                flat.append(each)
    if len(flat) == 1:
        return flat[0]
    return OneOf(tuple(flat[:64])) if flat else UNKNOWN


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and is_plain(left) and bool(left == right)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Mod: operator.mod,
    ast.Sub: operator.sub,
    ast.BitOr: operator.or_,
}


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """Return left op right for texts, numbers and containers of a sensible size."""
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        return spread(lambda a, b: binary(op, a, b), left, right)
    call = _BINARY.get(type(op))
    if call is None or not known(left) or not known(right):
        return UNKNOWN
    if isinstance(op, ast.Mod) and (not isinstance(left, str) or _WIDE.search(left)):
        return UNKNOWN
    return guarded(lambda: call(left, right))


def spread(call: Callable[..., Any], *arguments: Any) -> Any:
    """Apply a function to each of the values that arguments may have."""
    ways: list[tuple[Any, ...]] = [()]
    for argument in arguments:
        each = argument.values if isinstance(argument, OneOf) else (argument,)
        ways = [(*way, value) for way in ways for value in each][:64]
    return merged(call(*way) for way in ways)


def guarded(call: Callable[[], Any]) -> Any:
    """Return what an operation on known values gives, UNKNOWN where it fails or is too large."""
    try:
        value = call()
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return UNKNOWN
    return UNKNOWN if isinstance(value, str) and len(value) > _LONGEST else value


_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def compared(op: ast.cmpop, left: Any, right: Any) -> Any:
    """Return the outcome of a comparison, UNKNOWN where it is not certain."""
    if isinstance(op, ast.Is | ast.IsNot):
        if left is UNKNOWN or right is UNKNOWN or isinstance(left, OneOf | Outside):
            same = left == right if isinstance(left, Outside) else None
        elif left is None or right is None or isinstance(left, bool):
            same = left is right
        else:
            same = left is right or _same(left, right) or (None if is_plain(left) else False)
        return UNKNOWN if same is None else same == isinstance(op, ast.Is)
    call = _COMPARE.get(type(op))
    keys = list(right) if isinstance(right, dict) else right
    if call is None or not known(left) or not known(keys):
        return UNKNOWN
    return guarded(lambda: call(left, keys))


_METHODS: dict[type, tuple[str, ...]] = {
    str: ("format", "join", "lower", "upper", "replace", "split", "rsplit", "strip", "lstrip",
          "rstrip", "startswith", "endswith", "title", "removeprefix", "removesuffix",
          "partition", "rpartition"),
    dict: ("get", "keys", "values", "items"),
    list: ("index", "copy"),
}  # fmt: skip


def method(value: Any, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Call a method of a text, a list or a dictionary that changes nothing."""
    if isinstance(value, OneOf):
        return spread(lambda each: method(each, name, arguments, keywords), value)
    if isinstance(value, dict) and name == "get" and arguments and not known(arguments[0]):
        return merged(value.values())
    if not any(isinstance(value, kind) and name in names for kind, names in _METHODS.items()):
        return UNKNOWN
    if not known(arguments) or not known(keywords):
        if isinstance(value, str) and name == "format":
            return spread(
                lambda *each: method(value, name, list(each), {}) if known(each) else UNKNOWN,
                *arguments,
            )
        return UNKNOWN
    if isinstance(value, str) and name == "format" and _WIDE.search(value):
        return UNKNOWN
    result = guarded(lambda: getattr(value, name)(*arguments, **keywords))
    return list(result) if name in ("keys", "values", "items") else result


def item(value: Any, key: Any) -> Any:
    """Return an element; what it may be where the key is not known."""
    if isinstance(value, OneOf) or isinstance(key, OneOf):
        return spread(item, value, key)
    if isinstance(value, dict | list | tuple | str) and known(key):
        return guarded(lambda: value[key])
    if isinstance(value, dict | list | tuple):
        return merged(value.values() if isinstance(value, dict) else value)
    return UNKNOWN


def sliced(value: Any, ends: list[Any]) -> Any:
    """Return a part of a text or a list."""
    if isinstance(value, OneOf):
        return spread(lambda each: sliced(each, ends), value)
    if isinstance(value, str | list | tuple) and known(ends):
        return guarded(lambda: value[slice(*ends)])
    return UNKNOWN


def formatted(value: Any, conversion: int, spec: str) -> Any:
    """Return one part of an f-string."""
    if isinstance(value, OneOf):
        return spread(lambda each: formatted(each, conversion, spec), value)
    if not isinstance(value, str | int | float | None) or len(spec) > 4:
        return UNKNOWN
    plain = repr(value) if conversion == ord("r") else value
    return guarded(lambda: format(plain, spec))


def joined(parts: list[Any]) -> Any:
    """Join parts of a path as `os.path.join` does, where all are known."""
    if any(isinstance(part, OneOf) for part in parts):
        return spread(lambda *each: joined(list(each)), *parts)
    if not all(isinstance(part, str) for part in parts) or not parts:
        return UNKNOWN
    path = ""
    for part in parts:
        path = part if part.startswith("/") else f"{path.rstrip('/')}/{part}" if path else part
    return path
