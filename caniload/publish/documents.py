"""Rewrite the tables inside Markdown files, or say which of them drifted or went stale."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from caniload.errors import UnreadableFileError
from caniload.publish.markdown import Row, architectures, matrix, stale
from caniload.publish.markers import Place, find

Source = Callable[[Place], Sequence[Row]]
"""Gives the rows of one place from the evidence; raises its `Place.error` on a bad option."""


@dataclass(frozen=True, slots=True)
class Document:
    """Hold one file as it is and as the evidence says it should be.

    `rows` has one entry a place; `drifted` are the places whose lines are not what they give.
    """

    path: Path
    before: str
    after: str
    places: tuple[Place, ...]
    rows: tuple[tuple[Row, ...], ...]
    drifted: tuple[Place, ...]

    def stale(self, now: date, max_age_days: int) -> list[tuple[Place, Row | None]]:
        """Each row that is too old, and each place without a measured row (as None)."""
        out: list[tuple[Place, Row | None]] = []
        for place, rows in zip(self.places, self.rows, strict=True):
            if not any(row.measured for row in rows):
                out.append((place, None))
            out.extend((place, row) for row in stale(rows, now, max_age_days))
        return out


def read(path: Path, source: Source) -> Document:
    """Read a file and make its tables anew; raise `UnreadableFileError` or `MarkerError`."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(str(path), "it is not UTF-8 text") from error
    except OSError as error:
        why = (error.strerror or "the system refused").lower()
        raise UnreadableFileError(str(path), why, "name a Markdown file") from error
    lines = text.split("\n")
    places = find(str(path), lines)
    rows = [tuple(source(place)) for place in places]
    fresh = list(lines)
    drifted: list[Place] = []
    for place, cells in reversed(list(zip(places, rows, strict=True))):
        body = _body(place, cells, "\r" if lines[place.begin].endswith("\r") else "")
        if lines[place.begin + 1 : place.end] != body:
            drifted.insert(0, place)
        fresh[place.begin + 1 : place.end] = body
    return Document(path, text, "\n".join(fresh), tuple(places), tuple(rows), tuple(drifted))


def write(document: Document) -> bool:
    """Replace the file by its new text, whole or not at all; tell whether anything changed."""
    if document.before == document.after:
        return False
    target = document.path.resolve()
    mode = target.stat().st_mode
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(document.after)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode & 0o7777)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def _body(place: Place, rows: Sequence[Row], end: str) -> list[str]:
    """The lines between two markers: a blank one around the table, as Markdown wants it."""
    table = architectures(rows) if place.kind == "architectures" else matrix(rows)
    return [line + end for line in ("", *table, "")]
