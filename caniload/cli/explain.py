"""`caniload explain`: a diagnosis for a traceback that somebody has on the screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.errors import BadInputError, UnreadableFileError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.diagnosis import Diagnosis

EXAMPLES = (
    "python load.py 2>&1 | caniload explain",
    "caniload explain build.log",
    "caniload explain --format json < traceback.txt",
)
UNDIAGNOSED = 3
LIMIT_BYTES = 4_000_000
"""Of a longer text the end is read: that is where the exception stands."""


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A file that holds a traceback; stdin without one.")
    ] = None,
    form: Format = "human",
) -> int:
    """Diagnose a traceback: whose fault it is, why it happened, since when, and what to do.

    Exits 0 with a diagnosis and 3 without one: what no rule knows is undiagnosed, never guessed.
    """
    from caniload.catalog.diagnosis import load_rules
    from caniload.catalog.tracebacks import explain

    out = Out(form)
    text = _text(file, out)
    if not text.strip():
        raise BadInputError("there is no text to explain", "pipe a traceback in, or name a file")
    found = explain(load_rules(Settings.read().data / "failures.yaml"), text)
    out.show(
        "explain",
        _data(found),
        lambda: _human(found),
        lambda: [found.code if found else "none"],
        beside=("diagnosis", "kind", "fault"),
    )
    return 0 if found else UNDIAGNOSED


def _data(found: Diagnosis | None) -> dict[str, Any]:
    """Name the class, null where there is none, and all that is known of it."""
    from dataclasses import asdict

    known = asdict(found) if found else {"kind": None, "fault": None}
    return {"diagnosis": found.code if found else None, **known}


def _text(file: Path | None, out: Out) -> str:
    """Read the end of the file or of stdin."""
    if file is None:
        if sys.stdin.isatty():
            out.talk("paste a traceback and end with Ctrl-D")
        data = sys.stdin.buffer.read()
    else:
        try:
            data = file.read_bytes()
        except OSError as error:
            why = (error.strerror or "the system refused").lower()
            raise UnreadableFileError(str(file), why, "name a text file") from error
    return data[-LIMIT_BYTES:].decode("utf-8", errors="replace")


def _human(found: Diagnosis | None) -> str:
    """The diagnosis in lines, or that there is none."""
    if found is None:
        return "undiagnosed: no rule knows this failure"
    lines = [
        f"{found.title} ({found.code})",
        f"  fault   {found.fault}",
        f"  cause   {found.cause}",
    ]
    if found.since or found.until:
        bounds = [found.since and f"since {found.since}", found.until and f"until {found.until}"]
        lines.append(f"  when    {', '.join(bound for bound in bounds if bound)}")
    lines.append(f"  fix     {found.fix}")
    lines += [f"  see     {citation}" for citation in found.citations]
    return "\n".join(lines)
