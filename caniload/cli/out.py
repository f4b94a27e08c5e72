"""The only printer: data to stdout, talk to stderr, in one of three formats.

`human` is text for a person, `json` one document with a stable shape, `quiet` the bare answer,
one to a line. Rich is imported by nobody here: an answer must come from a cold process.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

Format = Literal["human", "json", "quiet"]

SCHEMA_VERSION = 1
"""Of the JSON documents; a field may be added under one version, never removed or renamed."""


class Out:
    """Print for one command in the format that it was asked for."""

    def __init__(self, format: Format = "human") -> None:  # noqa: A002 - the option is so named
        """Keep the format."""
        self.format = format

    def show(
        self,
        kind: str,
        data: object,
        human: Callable[[], str],
        quiet: Callable[[], Iterable[str]] | None = None,
        beside: Iterable[str] = (),
    ) -> None:
        """Print one answer; only the rendering that the format needs is made.

        `kind` names the JSON document, `{"caniload": kind, "schema_version": 1, "data": …}`;
        `beside` names the fields of `data` that it repeats at its top.
        """
        if self.format == "json":
            self.write(document(kind, data, beside))
        elif self.format == "human":
            text = human()
            if text:
                self.write(text)
        elif quiet is not None:
            for line in quiet():
                self.write(line)

    def write(self, text: str) -> None:
        """Write data to stdout, whatever the format."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def talk(self, text: str) -> None:
        """Write a line for a person to stderr: progress, advice; nothing under `quiet`."""
        if self.format != "quiet":
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the printer

    def warn(self, text: str) -> None:
        """Write a line to stderr that even `quiet` shows."""
        print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the printer


def document(kind: str, data: object, beside: Iterable[str] = ()) -> str:
    """Return one JSON document; NaN and infinities become strings, times end in Z."""
    made = plain(data)
    body = {"caniload": kind, "schema_version": SCHEMA_VERSION, "data": made}
    body |= {name: made[name] for name in beside}
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Turn dataclasses, enums, paths, times and odd floats into what JSON can hold."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _odd(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    return str(value)


def _odd(value: float) -> str:
    """Name a float that JSON cannot hold."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def moment(value: datetime) -> str:
    """Write a moment in UTC, as `2026-11-21T08:15:00Z`; a naive one is taken as UTC."""
    from datetime import UTC

    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")


def terminal() -> bool:
    """Tell whether a person reads stdout."""
    return sys.stdout.isatty()


def width() -> int | None:
    """The columns that stdout has, or None where nobody looks and nothing is cut."""
    return shutil.get_terminal_size().columns if terminal() else None


def paint(text: str, colour: str) -> str:
    """Colour a text where stdout is a terminal that wants it (NO_COLOR is respected)."""
    if not terminal() or os.environ.get("NO_COLOR"):
        return text
    import typer

    return typer.style(text, fg=colour, bold=True)
