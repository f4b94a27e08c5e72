"""A command whose plain text options are read without pydantic.

Typer reads every value through a pydantic adapter, whose import costs 0.1 s of a process that
takes 0.25 s. Text, whole numbers, choices and lists of text need no adapter. Should Typer change
how it reads values, this changes nothing but the time: each case that it does not know, and each
value that is wrong, goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

from typer.core import TyperCommand, TyperGroup


class LightCommand(TyperCommand):
    """Read text as text; give it to `Typer.command(cls=…)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the command, then lighten its parameters."""
        super().__init__(*args, **kwargs)
        _lighten(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the --help option, lightened too."""
        option = super().get_help_option(ctx)
        _lighten([option])
        return option


class LightGroup(TyperGroup):
    """Read text as text in a group's own options; give it to `Typer(cls=…)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the group, then lighten its parameters."""
        super().__init__(*args, **kwargs)
        _lighten(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the --help option, lightened too."""
        option = super().get_help_option(ctx)
        _lighten([option])
        return option


def _lighten(params: Iterable[Any]) -> None:
    """Put a reader before each parameter's adapter."""
    for param in params:
        usual = getattr(param, "get_runtime_param", None)
        described = getattr(param, "type_descriptor", None)
        if usual is not None and described is not None:
            reader = _Reader(described, usual)
            param.get_runtime_param = lambda reader=reader: reader


class _Reader:
    """Stand for a parameter's adapter, and call it where text alone does not do."""

    def __init__(self, described: Any, usual: Callable[[], Any]) -> None:
        self._text = described.annotation is str
        self._whole = described.annotation is int and not described.is_ranged
        self._texts = described.is_list and get_args(described.annotation) == (str,)
        self._choices = described.choices if not described.is_list else None
        self._usual = usual

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as its annotation says."""
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        if self._text and isinstance(value, str):
            return value
        if self._whole and type(value) is int:
            return value
        if self._whole and isinstance(value, str) and value.isdecimal():
            return int(value)
        if self._choices is not None and isinstance(value, str) and value in self._choices:
            return value
        if self._texts and many and isinstance(value, list | tuple):
            return list(value)
        return self._usual().coerce(value, param=param, ctx=ctx)
