"""Follow what a function of a repository would call, without running it.

A reader of Python that knows constants, tables, paths, the repository's own functions and
classes, and is content with `UNKNOWN` for everything else. Calls of anything outside the
repository are told to a listener.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from caniload.loaders.fetch import hub_objects as objects
from caniload.loaders.fetch import hub_values as values
from caniload.loaders.fetch.hub_values import (
    UNKNOWN,
    Class,
    Function,
    Instance,
    OneOf,
    Outside,
    Package,
)
from caniload.loaders.fetch.hubconf import Imported, Module, Sources, imports

MOST_STEPS, DEEPEST, MOST_TURNS = 60_000, 24, 128
"""Where following a program ends."""


class TooLong(Exception):  # noqa: N818
    """Raised when a program is too long to be followed."""


@dataclass
class Frame:
    """Hold the names of one function call and what it may return."""

    module: Module
    names: dict[str, Any]
    returns: list[Any] = field(default_factory=list)


Listener = Callable[[str, list[Any], dict[str, Any], str], Any]
"""(dotted path or bare name, arguments, keywords, place) -> value of the call."""


class Reader:
    """Follow calls through the modules of a repository.

    `doubt(start, end)` hears that the listener's calls between two marks, for which `mark()` is
    asked, are not certain to be made.
    """

    def __init__(
        self,
        sources: Sources,
        listener: Listener,
        mark: Callable[[], int],
        doubt: Callable[[int, int], None],
    ) -> None:
        """Keep whom to tell."""
        self.sources, self.listener, self.mark, self.doubt = sources, listener, mark, doubt
        self.steps = self.depth = 0
        self.globals: dict[tuple[str, str], Any] = {}
        self.classes: dict[int, Class] = {}
        self.members: dict[tuple[int, str], Any] = {}

    def name(self, module: Module, name: str) -> Any:
        """Return the value of a module's top-level name."""
        key = (module.name, name)
        if key not in self.globals:
            self.globals[key] = UNKNOWN
            found = self.sources.lookup(module, name)
            if found is None:
                value: Any = Outside(f"builtins.{name}")
            elif isinstance(found[1], Imported):
                value = self._imported(found[1])
            elif isinstance(found[1], ast.expr):
                value = self.value(found[1], Frame(found[0], {}))
            else:
                value = self.define(found[1], Frame(found[0], {}))
            self.globals[key] = value
        return self.globals[key]

    def _imported(self, imported: Imported) -> Any:
        if imported.name is None:
            there = self.sources.module(imported.module)
            inside = there is not None or (self.sources.root / imported.module).is_dir()
            return Package(there, imported.module) if inside else Outside(imported.module)  # type: ignore[arg-type]
        there = self.sources.module(imported.module)
        if there is not None:
            found = self.name(there, imported.name)
            return UNKNOWN if found == Outside(f"builtins.{imported.name}") else found
        whole = f"{imported.module}.{imported.name}"
        inner = self.sources.module(whole)
        return Package(inner, whole) if inner is not None else Outside(whole)

    def define(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, frame: Frame
    ) -> Any:
        """Return the function or class that a definition makes."""
        if not isinstance(node, ast.ClassDef):
            return Function(frame.module, node, around=frame.names)
        if id(node) not in self.classes:
            made = Class(frame.module, node)
            self.classes[id(node)] = made
            made.bases = tuple(self.value(base, frame) for base in node.bases)
        return self.classes[id(node)]

    def call(self, called: Any, arguments: list[Any], keywords: dict[str, Any], at: str) -> Any:
        """Return what a call gives."""
        if isinstance(called, Outside):
            plain = objects.outside(self, called.path, arguments, keywords, at)
            if plain is not NotImplemented:
                return plain
            return self.listener(called.path, arguments, keywords, at)
        if self.depth >= DEEPEST:
            return UNKNOWN
        self.depth += 1
        try:
            if isinstance(called, Function):
                return self._function(called, arguments, keywords)
            if isinstance(called, Class):
                return objects.made(self, called, arguments, keywords, at)
        finally:
            self.depth -= 1
        return UNKNOWN

    def _function(self, called: Function, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        names = dict(called.around)
        frame = Frame(called.module, names)
        keywords = {**called.keywords, **keywords}
        objects.bind(self, called, [*called.first, *arguments], keywords, names)
        if isinstance(called.node, ast.Lambda):
            return self.value(called.node.body, frame)
        ended = self.block(called.node.body, frame)
        if ended == "next":
            frame.returns.append(None)
        return values.merged(frame.returns) if frame.returns else UNKNOWN

    def block(self, body: list[ast.stmt], frame: Frame) -> str:
        """Follow statements; say how they end: next, return, raise or loop."""
        for position, statement in enumerate(body):
            self._step()
            if isinstance(statement, ast.If):
                test = values.truth(self.value(statement.test, frame))
                if test is None:
                    return self._either(statement, body[position + 1 :], frame)
                ended = self.block(statement.body if test else statement.orelse, frame)
            else:
                ended = self._statement(statement, frame)
            if ended != "next":
                return ended
        return "next"

    def _either(self, statement: ast.If, rest: list[ast.stmt], frame: Frame) -> str:
        """Follow both ways of a condition that is not known, then what comes after.

        Where one way leaves the function, what comes after belongs to the other alone.
        """
        start, before = self.mark(), dict(frame.names)
        first = self.block(statement.body, frame)
        if first != "next":
            middle, frame.names = self.mark(), before
            second = self.block([*statement.orelse, *rest], frame)
            self._alternatives(start, middle, first, second)
            return second if second != "raise" else first
        middle, after_first = self.mark(), frame.names
        frame.names = before
        second = self.block(statement.orelse, frame)
        if second == "next":
            self._alternatives(start, middle, first, second)
            _join(frame, after_first)
            return self.block(rest, frame)
        frame.names, left = after_first, self.mark()
        ended = self.block(rest, frame)
        if second == "raise":
            self.doubt(middle, left)
        elif left > middle and (middle > start or self.mark() > left):
            self.doubt(start, self.mark())
        return ended

    def _alternatives(self, start: int, middle: int, first: str, second: str) -> None:
        """Doubt the calls of both ways where both make some, and of a way that fails."""
        end = self.mark()
        if first == "raise":
            self.doubt(start, middle)
        elif second == "raise":
            self.doubt(middle, end)
        elif start < middle < end:
            self.doubt(start, end)

    def _statement(self, statement: ast.stmt, frame: Frame) -> str:
        """Follow a statement that is no condition."""
        match statement:
            case ast.Return():
                told = None if statement.value is None else self.value(statement.value, frame)
                frame.returns.append(told)
                return "return"
            case ast.Raise():
                return "raise"
            case ast.Break() | ast.Continue():
                return "loop"
            case ast.Assign():
                value = self.value(statement.value, frame)
                for target in statement.targets:
                    self._assign(target, value, frame)
            case ast.AnnAssign() if statement.value is not None:
                self._assign(statement.target, self.value(statement.value, frame), frame)
            case ast.AugAssign():
                left = self.value(statement.target, frame)
                value = values.binary(statement.op, left, self.value(statement.value, frame))
                self._assign(statement.target, value, frame)
            case ast.Expr():
                self.value(statement.value, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                frame.names[statement.name] = self.define(statement, frame)
            case ast.Import() | ast.ImportFrom():
                for name, imported in imports(statement, frame.module.package):
                    frame.names[name] = self._imported(imported)
            case ast.With() | ast.AsyncWith():
                for entered in statement.items:
                    self.value(entered.context_expr, frame)
                return self.block(statement.body, frame)
            case ast.Try():
                return self._try(statement, frame)
            case ast.For() | ast.AsyncFor():
                return self._for(statement, frame)
            case ast.While():
                self.value(statement.test, frame)
                ended = self.block(statement.body, frame)
                return ended if ended in ("return", "raise") else "next"
        return "next"

    def _try(self, statement: ast.Try, frame: Frame) -> str:
        """Follow the way without an exception; the handlers are alternatives to it."""
        ended = self.block(statement.body, frame)
        start = self.mark()
        for handler in statement.handlers:
            aside = Frame(frame.module, dict(frame.names))
            self.block(handler.body, frame if ended == "raise" else aside)
        self.doubt(start, self.mark())
        if ended == "next":
            ended = self.block(statement.orelse, frame)
        last = self.block(statement.finalbody, frame)
        return ended if last == "next" else last

    def _for(self, statement: ast.For | ast.AsyncFor, frame: Frame) -> str:
        over = self.value(statement.iter, frame)
        turns = list(over) if isinstance(over, list | tuple | dict) else [UNKNOWN]
        for turn in turns[:MOST_TURNS]:
            self._assign(statement.target, turn, frame)
            if self.block(statement.body, frame) in ("return", "raise"):
                return "return" if frame.returns else "next"
        return "next"

    def _assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            whole = isinstance(value, list | tuple) and len(value) == len(target.elts)
            for position, each in enumerate(target.elts):
                self._assign(each, value[position] if whole else UNKNOWN, frame)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, frame)
            if isinstance(owner, Instance):
                owner.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, frame), self.value(target.slice, frame)
            if isinstance(owner, dict) and isinstance(key, str | int):
                owner[key] = value

    def value(self, node: ast.expr, frame: Frame) -> Any:
        """Return what an expression gives."""
        self._step()
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                if node.id in frame.names:
                    return frame.names[node.id]
                if node.id == "__file__":
                    return UNKNOWN
                return self.name(frame.module, node.id)
            case ast.Attribute():
                return objects.attribute(self, self.value(node.value, frame), node.attr)
            case ast.Call():
                return self._called(node, frame)
            case ast.Subscript():
                owner = self.value(node.value, frame)
                if isinstance(node.slice, ast.Slice):
                    ends = (node.slice.lower, node.slice.upper, node.slice.step)
                    told = [None if end is None else self.value(end, frame) for end in ends]
                    return values.sliced(owner, told)
                key = self.value(node.slice, frame)
                if isinstance(owner, Class) and isinstance(key, str):
                    return objects.attribute(self, owner, key)
                return values.item(owner, key)
            case ast.BinOp():
                left, right = self.value(node.left, frame), self.value(node.right, frame)
                return values.binary(node.op, left, right)
            case ast.JoinedStr():
                parts = [self._part(part, frame) for part in node.values]
                return values.spread(
                    lambda *each: "".join(each) if values.known(list(each)) else UNKNOWN, *parts
                )
            case ast.Dict():
                return self._dict(node, frame)
            case ast.List() | ast.Tuple() | ast.Set():
                listed = [self.value(each, frame) for each in node.elts]
                return tuple(listed) if isinstance(node, ast.Tuple) else listed
            case ast.Compare() if len(node.ops) == 1:
                left = self.value(node.left, frame)
                return values.compared(node.ops[0], left, self.value(node.comparators[0], frame))
            case ast.BoolOp():
                return self._bool(node, frame)
            case ast.UnaryOp(op=ast.Not()):
                known = values.truth(self.value(node.operand, frame))
                return UNKNOWN if known is None else not known
            case ast.IfExp():
                return self._choice(node, frame)
            case ast.Lambda():
                return Function(frame.module, node, around=frame.names)
            case ast.NamedExpr():
                value = self.value(node.value, frame)
                self._assign(node.target, value, frame)
                return value
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, frame)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, frame)
        return UNKNOWN

    def _called(self, node: ast.Call, frame: Frame) -> Any:
        owner: Any = UNKNOWN
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value, frame)
            called = objects.attribute(self, owner, node.func.attr)
        else:
            called = self.value(node.func, frame)
        arguments: list[Any] = []
        for each in node.args:
            if isinstance(each, ast.Starred):
                more = self.value(each.value, frame)
                arguments += list(more) if isinstance(more, list | tuple) else []
            else:
                arguments.append(self.value(each, frame))
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, frame)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, dict):
                keywords |= {key: told for key, told in value.items() if isinstance(key, str)}
        at = f"{frame.module.file}:{node.lineno}"
        if isinstance(node.func, ast.Attribute) and (
            values.is_plain(owner) or isinstance(owner, OneOf)
        ):
            return objects.plain_method(owner, node.func.attr, arguments, keywords)
        if called is UNKNOWN and isinstance(node.func, ast.Attribute):
            return self.listener(node.func.attr, arguments, keywords, at)
        return self.call(called, arguments, keywords, at)

    def _part(self, node: ast.expr, frame: Frame) -> Any:
        """Return one part of an f-string."""
        if not isinstance(node, ast.FormattedValue):
            return self.value(node, frame)
        spec = "" if node.format_spec is None else self.value(node.format_spec, frame)
        value = self.value(node.value, frame)
        return values.formatted(value, node.conversion, spec) if spec is not UNKNOWN else UNKNOWN

    def _dict(self, node: ast.Dict, frame: Frame) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            told = self.value(value, frame)
            if key is None:
                made |= told if isinstance(told, dict) else {}
                continue
            name = self.value(key, frame)
            if isinstance(name, str | int | float | bool | None):
                made[name] = told
        return made

    def _bool(self, node: ast.BoolOp, frame: Frame) -> Any:
        every = isinstance(node.op, ast.And)
        value: Any = UNKNOWN
        unsure = False
        for each in node.values:
            value = self.value(each, frame)
            told = values.truth(value)
            if told is None:
                unsure = True
            elif told is not every:
                return value if not unsure or not every else False
        return UNKNOWN if unsure else value

    def _choice(self, node: ast.IfExp, frame: Frame) -> Any:
        test = values.truth(self.value(node.test, frame))
        if test is not None:
            return self.value(node.body if test else node.orelse, frame)
        start = self.mark()
        first = self.value(node.body, frame)
        middle = self.mark()
        second = self.value(node.orelse, frame)
        self._alternatives(start, middle, "next", "next")
        return values.merged((first, second))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame
    ) -> Any:
        inner = Frame(frame.module, dict(frame.names))
        over = self.value(node.generators[0].iter, frame)
        simple = len(node.generators) == 1 and not node.generators[0].ifs
        turns = list(over) if isinstance(over, list | tuple | dict) and simple else [UNKNOWN]
        pairs: list[tuple[Any, Any]] = []
        for turn in turns[:MOST_TURNS]:
            self._assign(node.generators[0].target, turn, inner)
            if isinstance(node, ast.DictComp):
                pairs.append((self.value(node.key, inner), self.value(node.value, inner)))
            else:
                pairs.append((None, self.value(node.elt, inner)))
        if isinstance(node, ast.DictComp):
            return {key: value for key, value in pairs if isinstance(key, str | int)}
        return [value for _, value in pairs] if turns != [UNKNOWN] else UNKNOWN

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooLong


def _join(frame: Frame, other: dict[str, Any]) -> None:
    """Let every name have the values of both ways."""
    here = frame.names
    frame.names = {
        name: values.merged((other.get(name, UNKNOWN), here.get(name, UNKNOWN)))
        if other.get(name, UNKNOWN) is not here.get(name, UNKNOWN)
        else here.get(name, UNKNOWN)
        for name in {**here, **other}
    }
