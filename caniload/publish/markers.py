"""Find the places in a Markdown file where generated tables stand.

A place begins with ``<!-- caniload:begin KIND key=value … -->`` and ends with
``<!-- caniload:end -->``, each alone on its line. Markers inside fenced code are text, so that
a page can explain them.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from caniload.errors import BadInputError

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ANY = re.compile(r"<!--\s*caniload\b")
_BEGIN = re.compile(r"\s*<!--\s*caniload:begin\s+(?P<kind>[a-z][a-z-]*)(?P<rest>.*?)-->\s*\Z")
_END = re.compile(r"\s*<!--\s*caniload:end\s*-->\s*\Z")
_HOW = "write <!-- caniload:begin matrix model=NAME --> and <!-- caniload:end -->, each on a line"


class MarkerError(BadInputError):
    """Raised when a marker in a Markdown file cannot be read; names file and line."""

    def __init__(self, file: str, line: int, why: str, hint: str = _HOW) -> None:
        """Keep the file, the line counted from one, and the cause."""
        super().__init__(f"{file}:{line}: {why}", hint)
        self.file = file
        self.line = line


@dataclass(frozen=True, slots=True)
class Place:
    """Say where one table stands: its lines lie between `begin` and `end`, counted from zero."""

    file: str
    begin: int
    end: int
    kind: str
    options: dict[str, str]

    def error(self, why: str, hint: str = _HOW) -> MarkerError:
        """Return the error that names this place's first line."""
        return MarkerError(self.file, self.begin + 1, why, hint)


def find(file: str, lines: list[str]) -> list[Place]:
    """Return the places in a file's lines, in order; raise `MarkerError` on a malformed one."""
    places: list[Place] = []
    opened: tuple[int, str, dict[str, str]] | None = None
    fence = ""
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if opened is None and mark:
            ticks = mark.group(1)
            if not fence:
                fence = ticks
            elif ticks.startswith(fence) and not line.strip().strip(ticks[0]):
                fence = ""
            continue
        if fence or not _ANY.search(line):
            continue
        begin = _BEGIN.match(line)
        if begin and opened is None:
            opened = (at, begin["kind"], _options(file, at, begin["rest"]))
        elif begin:
            assert opened is not None
            raise MarkerError(file, at + 1, f"a table begins inside that of line {opened[0] + 1}")
        elif _END.match(line) and opened is not None:
            places.append(Place(file, opened[0], at, opened[1], opened[2]))
            opened = None
        elif _END.match(line):
            raise MarkerError(file, at + 1, "a table ends that never began")
        else:
            raise MarkerError(file, at + 1, f"not a marker: {line.strip()[:80]}")
    if opened is not None:
        raise MarkerError(file, opened[0] + 1, "the table that begins here never ends")
    return places


def _options(file: str, at: int, text: str) -> dict[str, str]:
    """Read `key=value` pairs; values with spaces stand in quotes."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise MarkerError(file, at + 1, f"a quote is not closed in {text.strip()!r}") from error
    options: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise MarkerError(file, at + 1, f"{word!r} is not key=value")
        if key in options:
            raise MarkerError(file, at + 1, f"{key!r} is given twice")
        options[key] = value
    return options
