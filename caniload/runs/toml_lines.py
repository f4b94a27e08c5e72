"""Find the line on which something stands in a TOML file; `tomllib` does not keep it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Where = tuple[str | int, ...]
"""A place in a document, as ("models", 2, "task")."""

_TOKEN = re.compile(
    r"""[ \t\r]+|\#[^\n]*                                       # nothing
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[\n\[\]{}=,.])
    |(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Lines:
    """Hold the line, counted from 1, of every table, key and item of an array."""

    known: dict[Where, int] = field(default_factory=dict)

    def find(self, where: Sequence[str | int]) -> int | None:
        """Return the line of a place, or of the nearest one around it; None if none is known."""
        place = tuple(where)
        while place and place not in self.known:
            place = place[:-1]
        return self.known.get(place)


def lines(text: str) -> Lines:
    """Read where things stand in a document that `tomllib` has accepted."""
    return _Reader(text).read()


class _Reader:
    """Walk over the tokens of a valid document."""

    def __init__(self, text: str) -> None:
        """Cut the text into tokens, each with its line."""
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            if match.lastgroup is not None:
                self._tokens.append((match.lastgroup, match[0], line))
            line += match[0].count("\n")
        self._tokens.append(("mark", "\n", line))
        self._at = 0
        self._found: dict[Where, int] = {}
        self._arrays: dict[Where, int] = {}

    def read(self) -> Lines:
        """Read the document: headers, and the pairs below them."""
        table: Where = ()
        while self._at < len(self._tokens):
            line = self._tokens[self._at][2]
            if self._take("\n"):
                continue
            if not self._take("["):
                self._pair(table)
                continue
            array = self._take("[")
            table = self._inside(self._key("]"), array=array)
            if array:
                self._take("]")
                self._found.setdefault(table[:-1], line)
            self._found.setdefault(table, line)
        return Lines(self._found)

    def _inside(self, key: tuple[str, ...], *, array: bool) -> Where:
        """Return the place that a header opens: in an array of tables, its newest table."""
        place: Where = ()
        for index, part in enumerate(key):
            place = (*place, part)
            if array and index == len(key) - 1:
                self._arrays[place] = self._arrays.get(place, -1) + 1
            if place in self._arrays:
                place = (*place, self._arrays[place])
        return place

    def _take(self, mark: str) -> bool:
        """Step over a mark if it is the next token."""
        if self._at < len(self._tokens) and self._tokens[self._at][:2] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _key(self, end: str) -> tuple[str, ...]:
        """Read a dotted key and the mark that ends it."""
        parts: list[str] = []
        while not self._take(end):
            kind, text, _ = self._tokens[self._at]
            if kind != "mark":
                parts.append(text[1:-1] if kind == "string" else text)
            self._at += 1
        return tuple(parts)

    def _pair(self, table: Where) -> None:
        """Read one `key = value`."""
        line = self._tokens[self._at][2]
        place = (*table, *self._key("="))
        self._found.setdefault(place, line)
        self._value(place)

    def _value(self, place: Where) -> None:
        """Read a value; what an array or a table in one line holds has places of its own."""
        if self._take("["):
            index = 0
            while not self._take("]"):
                if self._take(",") or self._take("\n"):
                    continue
                self._found[(*place, index)] = self._tokens[self._at][2]
                self._value((*place, index))
                index += 1
        elif self._take("{"):
            while not self._take("}"):
                if not self._take(",") and not self._take("\n"):
                    self._pair(place)
        else:
            while self._tokens[self._at][1] not in (",", "]", "}", "\n"):
                self._at += 1
