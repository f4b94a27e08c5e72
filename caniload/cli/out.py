"""The only printer: data to stdout, talk to stderr, in one of three formats.

`human` is text for a person, `json` one document with a stable shape, `quiet` the bare answer,
one to a line. Rich is imported by nobody here: an answer must come from a cold process.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from caniload.publish.json_form import document as document
from caniload.publish.json_form import moment as moment
from caniload.publish.json_form import plain as plain

Format = Literal["human", "json", "quiet"]


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
        also: Mapping[str, object] | None = None,
    ) -> None:
        """Print one answer; only the rendering that the format needs is made.

        `kind` names the JSON document, `{"caniload": kind, "schema_version": 1, "data": …}`;
        `beside` names the fields of `data` that it repeats at its top, `also` is what stands
        there beside them.
        """
        if self.format == "json":
            self.write(document(kind, data, beside, also))
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
