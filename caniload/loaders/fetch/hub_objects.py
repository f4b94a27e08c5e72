"""Functions, classes and objects of a repository, as `hub_calls` follows them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from caniload.loaders.fetch import hub_values as values
from caniload.loaders.fetch.hub_values import (
    HUB_DIR,
    UNKNOWN,
    Class,
    Function,
    Instance,
    OneOf,
    Outside,
    Package,
)

if TYPE_CHECKING:
    from caniload.loaders.fetch.hub_calls import Reader

_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef)


def attribute(reader: Reader, owner: Any, name: str) -> Any:
    """Return an attribute of a module, a class or an object."""
    if isinstance(owner, OneOf):
        return values.spread(lambda each: attribute(reader, each, name), owner)
    if isinstance(owner, Outside):
        return Outside(f"{owner.path}.{name}")
    if isinstance(owner, Package):
        inner = reader.sources.module(f"{owner.name}.{name}")
        if owner.module is not None and reader.sources.lookup(owner.module, name) is not None:
            return reader.name(owner.module, name)
        return Package(inner, f"{owner.name}.{name}") if inner is not None else UNKNOWN
    if isinstance(owner, Instance):
        if name in owner.attributes:
            return owner.attributes[name]
        return _of_class(reader, owner.kind, name, owner)
    if isinstance(owner, Class):
        return owner.node.name if name == "__name__" else _of_class(reader, owner, name, None)
    return UNKNOWN


def _of_class(reader: Reader, kind: Class, name: str, self: Instance | None) -> Any:
    """Return what a class, or a base of it, defines under a name."""
    for each in lineage(kind):
        for statement in reversed(each.node.body):
            if isinstance(statement, _DEFINES) and statement.name == name:
                return _method(reader, Function(each.module, statement), kind, self)
            value = _assigned(statement, name)
            if value is not None:
                return _member(reader, each, name, value)
    return UNKNOWN


def lineage(kind: Class) -> list[Class]:
    """Return a class and its bases inside the repository, the nearest first."""
    found: list[Class] = []
    open_ = [kind]
    while open_ and len(found) < 32:
        each = open_.pop(0)
        if each not in found:
            found.append(each)
            open_ += [base for base in each.bases if isinstance(base, Class)]
    return found


def is_enum(kind: Class) -> bool:
    """Tell whether a class is an enumeration."""
    return any(
        isinstance(base, Outside) and base.path.endswith("Enum")
        for each in lineage(kind)
        for base in each.bases
    )


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    if isinstance(statement, ast.Assign):
        named = any(isinstance(each, ast.Name) and each.id == name for each in statement.targets)
        return statement.value if named else None
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.value if statement.target.id == name else None
    return None


def _member(reader: Reader, kind: Class, name: str, node: ast.expr) -> Any:
    """Return a class's own attribute; in an enumeration its member."""
    from caniload.loaders.fetch.hub_calls import Frame

    key = (id(kind.node), name)
    if key not in reader.members:
        reader.members[key] = UNKNOWN
        own = {
            target.id
            for each in kind.node.body
            for target in (each.targets if isinstance(each, ast.Assign) else ())
            if isinstance(target, ast.Name)
        }
        near = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in own - {name}:
                near[inner.id] = _of_class(reader, kind, inner.id, None)
        value = reader.value(node, Frame(kind.module, near))
        if is_enum(kind) and not (isinstance(value, Instance) and value.kind is kind):
            told = {"name": name, "value": value, "_name_": name, "_value_": value}
            value = Instance(kind, told)
        reader.members[key] = value
    return reader.members[key]


def _method(reader: Reader, function: Function, kind: Class, self: Instance | None) -> Any:
    """Bind a method to its class or object; a property is read."""
    node = function.node
    marks = {ast.unparse(each).rpartition(".")[2] for each in getattr(node, "decorator_list", ())}
    if "staticmethod" in marks:
        return function
    function.first = (kind if "classmethod" in marks else self,)
    if "classmethod" not in marks and self is None:
        function.first = ()
    if marks & {"property", "cached_property"} and self is not None:
        return reader.call(function, [], {}, "")
    return function


def made(
    reader: Reader, kind: Class, arguments: list[Any], keywords: dict[str, Any], at: str
) -> Any:
    """Return an object of a class: its `__init__` is followed, else its fields are filled in."""
    instance = Instance(kind, {})
    if is_enum(kind):
        return UNKNOWN
    start = _of_class(reader, kind, "__init__", instance)
    if isinstance(start, Function):
        reader.call(start, arguments, keywords, at)
        return instance
    fields = [
        statement.target.id
        for each in reversed(lineage(kind))
        for statement in each.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
    instance.attributes |= dict(zip(fields, arguments, strict=False))
    instance.attributes |= keywords
    return instance


def bind(
    reader: Reader,
    function: Function,
    arguments: list[Any],
    keywords: dict[str, Any],
    names: dict[str, Any],
) -> None:
    """Give a function's parameters their values: arguments, keywords, defaults, else UNKNOWN."""
    from caniload.loaders.fetch.hub_calls import Frame

    spec = function.node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    outside = Frame(function.module, dict(function.around))
    defaults = dict(zip(reversed(positional), reversed(spec.defaults), strict=False))
    defaults |= {
        each.arg: default
        for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        if default is not None
    }
    given = dict(zip(positional, arguments, strict=False))
    left = dict(keywords)
    for name in [*positional, *(each.arg for each in spec.kwonlyargs)]:
        if name in given:
            names[name] = given[name]
        elif name in left:
            names[name] = left.pop(name)
        else:
            names[name] = reader.value(defaults[name], outside) if name in defaults else UNKNOWN
    if spec.vararg is not None:
        names[spec.vararg.arg] = tuple(arguments[len(positional) :])
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = left


def plain_method(owner: Any, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Call a method of a plain value; those that change a dictionary change it."""
    if isinstance(owner, dict) and arguments and isinstance(arguments[0], str):
        if name == "pop":
            return owner.pop(arguments[0], arguments[1] if len(arguments) > 1 else UNKNOWN)
        if name == "setdefault":
            return owner.setdefault(arguments[0], arguments[1] if len(arguments) > 1 else None)
    if isinstance(owner, dict) and name == "update":
        for more in (*arguments, keywords):
            owner |= more if isinstance(more, dict) else {}
        return None
    if isinstance(owner, list) and name in ("append", "extend") and arguments:
        more = arguments[0]
        owner += [more] if name == "append" else more if isinstance(more, list | tuple) else []
        return None
    return values.method(owner, name, arguments, keywords)


_TYPES = {"str": str, "int": int, "bool": bool, "float": float, "dict": dict, "list": list,
          "tuple": tuple}  # fmt: skip


def outside(
    reader: Reader, path: str, arguments: list[Any], keywords: dict[str, Any], at: str
) -> Any:
    """Return what a known function outside the repository gives, else `NotImplemented`."""
    first = arguments[0] if arguments else UNKNOWN
    match path:
        case "os.path.join" | "posixpath.join":
            return values.joined(arguments)
        case "os.path.basename" | "posixpath.basename" | "ntpath.basename":
            return first.rpartition("/")[2] if isinstance(first, str) else UNKNOWN
        case "os.path.expanduser" | "os.fspath" | "builtins.sorted":
            return first
        case "torch.hub.get_dir":
            return HUB_DIR
        case "functools.partial" if isinstance(first, Function):
            return Function(first.module, first.node, (*first.first, *arguments[1:]),
                            {**first.keywords, **keywords}, first.around)  # fmt: skip
        case "builtins.getattr" if len(arguments) > 1 and isinstance(arguments[1], str):
            return attribute(reader, first, arguments[1])
        case "builtins.isinstance" if len(arguments) == 2:
            return _isinstance(first, arguments[1])
        case "builtins.type" if values.is_plain(first):
            return Outside(f"builtins.{type(first).__name__}")
        case "builtins.dict" if not arguments:
            return dict(keywords)
        case "builtins.str" if isinstance(first, str | int | float):
            return str(first)
        case "builtins.list" | "builtins.tuple" if isinstance(first, list | tuple | dict):
            return list(first)
    return NotImplemented


def _isinstance(value: Any, kind: Any) -> Any:
    if isinstance(kind, tuple):
        told = [_isinstance(value, each) for each in kind]
        return True if True in told else UNKNOWN if UNKNOWN in told else False
    if isinstance(value, Instance) and isinstance(kind, Class):
        return kind in lineage(value.kind)
    if isinstance(kind, Outside) and values.is_plain(value):
        wanted = _TYPES.get(kind.path.removeprefix("builtins."))
        return UNKNOWN if wanted is None else isinstance(value, wanted)
    return False if values.is_plain(value) and isinstance(kind, Class) else UNKNOWN
