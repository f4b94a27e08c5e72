"""What the page draws: the matrix, the history of tracks and their timings, as plain numbers.

The page's template turns these into tables and inline SVG; nothing here knows HTML.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from caniload.catalog.comparison import AT_LEAST, SLOWER, NightCell, NightReport, limit
from caniload.catalog.tracks import Seen
from caniload.publish.night import said
from caniload.publish.night.said import Sign

ROWS, STRIPS, TIMINGS = 1000, 60, 40
"""How many rows of the matrix, tracks of the history and of the timings a page shows."""

WIDTH = 640.0
"""Width of a plot, in its own units."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the matrix; `changed` is the kind of change, if one is told of it."""

    sign: Sign
    title: str
    changed: str | None
    counts: bool
    tonight: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Models by places; `rows` are (name, fields), `hidden` how many rows were left out."""

    columns: tuple[tuple[str, str, str, str], ...]
    rows: tuple[tuple[str, tuple[Entry | None, ...]], ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One attempt of a strip: where it stands, from 0 to `WIDTH`, and what it was."""

    x: float
    sign: Sign
    title: str
    tonight: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """The attempts of one track over time; `moves` are where the versions changed."""

    name: str
    where: str
    marks: tuple[Mark, ...]
    moves: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class History:
    """Strips under one axis of time; `ticks` are (x, day)."""

    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Tonight's seconds of one track beside its own earlier ones, all on one axis."""

    name: str
    where: str
    now: float
    low: float
    high: float
    middle: float
    most: float | None
    slower: bool
    text: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Tracks by how much slower than usual they are; `ticks` are (x, seconds)."""

    timings: tuple[Timing, ...]
    ticks: tuple[tuple[float, str], ...]
    hidden: int


def matrix(report: NightReport) -> Matrix:
    """Return every model beside every place; rows with something to see stand first."""
    changed = {change.track: change.kind for change in reversed(report.comparison.changes)}
    columns = sorted({_column(cell) for cell in report.cells})
    rows: dict[tuple[str, str, str], dict[tuple[str, str, str, str], Entry]] = {}
    for cell in report.cells:
        track = cell.track
        what = (
            f"{track.artefact} to {track.export_format}" if track.export_format else track.artefact
        )
        day = f"{cell.seen.at:%Y-%m-%d %H:%M} UTC"
        title = f"{what}\n{track.where}\n{said.result(cell)}\n{day}"
        entry = Entry(
            said.sign(cell.seen.outcome),
            title,
            changed.get(track),
            cell.counts,
            cell.tonight,
        )
        fields = rows.setdefault((track.name, what, track.recipe_hash), {})
        fields[_column(cell)] = entry
    several = Counter(name for name, _, _ in rows)
    ordered = sorted(rows, key=lambda key: (_weight(rows[key].values()), key))
    shown = [
        (
            key[0] if several[key[0]] == 1 else key[1],
            tuple(rows[key].get(column) for column in columns),
        )
        for key in ordered[:ROWS]
    ]
    return Matrix(tuple(columns), tuple(shown), max(0, len(ordered) - ROWS))


def history(report: NightReport) -> History:
    """Return the tracks whose outcome ever moved, or is bad now, with what they did before."""
    told = {change.track for change in report.comparison.changes if change.kind != "new"}
    kept = [
        cell
        for cell in report.cells
        if cell.tonight
        and cell.history
        and (
            cell.track in told
            or not cell.seen.good
            or len({seen.outcome for seen in (*cell.history, cell.seen)}) > 1
        )
    ]
    kept.sort(key=lambda cell: (cell.track not in told, cell.seen.good, cell.track))
    shown = kept[:STRIPS]
    moments = [seen.at for cell in shown for seen in (*cell.history, cell.seen)]
    if not moments:
        return History((), (), 0)
    first, last = min(moments), max(moments)
    span = max((last - first).total_seconds(), 1.0)

    def x(moment: datetime) -> float:
        return round(8 + (WIDTH - 16) * (moment - first).total_seconds() / span, 2)

    strips = []
    for cell in shown:
        seen = (*cell.history, cell.seen)
        marks = tuple(Mark(x(s.at), said.sign(s.outcome), _told(s), s is cell.seen) for s in seen)
        moves = tuple(
            ((x(before.at) + x(after.at)) / 2, ", ".join(_versions(before, after)))
            for before, after in itertools.pairwise(seen)
            if before.decisive != after.decisive
        )
        strips.append(Strip(cell.track.name, cell.track.where, marks, moves))
    days = [first + (last - first) * part for part in (0.0, 0.5, 1.0)]
    ticks = tuple(dict.fromkeys((x(day), f"{day:%Y-%m-%d}") for day in days))
    return History(tuple(strips), ticks, len(kept) - len(shown))


def timings(report: NightReport) -> Timings:
    """Return the passes that have a history to be held against, most slowed first."""
    told = {change.track for change in report.comparison.of("slower")}
    found: list[tuple[float, NightCell, list[float], float]] = []
    for cell in report.cells:
        past = [
            _seconds(seen)
            for seen in cell.history
            if seen.good and (seen.machine, seen.worker) == (cell.seen.machine, cell.seen.worker)
        ]
        if cell.tonight and cell.seen.good and len(past) >= AT_LEAST:
            now = _seconds(cell.seen)
            found.append((now / max(statistics.median(past), 1e-6), cell, past, now))
    found.sort(key=lambda item: (item[1].track not in told, -item[0]))
    shown = found[:TIMINGS]
    if not shown:
        return Timings((), (), 0)
    values = [value for _, _, past, now in shown for value in (*past, now)]
    low = math.floor(math.log10(max(min(values), 1e-3)))
    high = max(math.ceil(math.log10(max(*values, 1e-3))), low + 1)

    def x(value: float) -> float:
        place = (math.log10(max(value, 1e-3)) - low) / (high - low)
        return round(8 + (WIDTH - 16) * min(max(place, 0.0), 1.0), 2)

    rows = []
    for ratio, cell, past, now in shown:
        most = limit(past, SLOWER)
        usual = statistics.median(past)
        text = f"{said.duration(now)}, usually {said.duration(usual)} ({ratio:.2f} times)"
        rows.append(
            Timing(
                cell.track.name,
                cell.track.where,
                x(now),
                x(min(past)),
                x(max(past)),
                x(usual),
                x(most) if most is not None else None,
                cell.track in told,
                text,
            )
        )
    ticks = tuple((x(10.0**power), f"{10.0**power:g} s") for power in range(low, high + 1))
    return Timings(tuple(rows), ticks, len(found) - len(shown))


def _column(cell: NightCell) -> tuple[str, str, str, str]:
    track = cell.track
    return (track.framework, track.environment, track.loader, track.device)


def _weight(entries: Iterable[Entry]) -> int:
    """Rank a row: what changed first, then what fails, then what passes."""
    ranks = [
        0 if entry.changed and entry.changed != "new" else 1 if entry.sign.tone != "good" else 2
        for entry in entries
    ]
    return min(ranks)


def _told(seen: Seen) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(seen.decisive.items()))
    said_of = said.sign(seen.outcome).word
    parts = [f"{seen.at:%Y-%m-%d %H:%M} UTC: {said_of}", versions, seen.reason]
    return "\n".join(part for part in parts if part)


def _versions(before: Seen, after: Seen) -> list[str]:
    names = sorted(set(before.decisive) | set(after.decisive))
    return [
        f"{name} {before.decisive.get(name, '-')} → {after.decisive.get(name, '-')}"
        for name in names
        if before.decisive.get(name) != after.decisive.get(name)
    ]


def _seconds(seen: Seen) -> float:
    return seen.wall_seconds if seen.seconds is None else seen.seconds
