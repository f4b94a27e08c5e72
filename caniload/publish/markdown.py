"""Tables of recorded evidence, as Markdown lines: dated, with run ids, never a bare claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

HEAD = ("loader", "framework", "versions", "device", "result", "measured", "run")
UNMEASURED = "No cell of this table has been measured."


@dataclass(frozen=True, slots=True)
class Row:
    """One cell as a table shows it; `measured` and `run_id` are None where nothing ran."""

    loader: str
    framework: str
    versions: str
    device: str
    result: str
    measured: datetime | None
    run_id: str | None

    @property
    def day(self) -> date | None:
        """The day in UTC on which the cell was measured."""
        if self.measured is None:
            return None
        moment = self.measured
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return aware.astimezone(UTC).date()


def matrix(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table, one row a cell; without a measured cell the first says so."""
    lines: list[str] = []
    if not any(row.measured for row in rows):
        lines += [UNMEASURED]
        if not rows:
            return lines
        lines += [""]
    lines.append("| " + " | ".join(HEAD) + " |")
    lines.append("|" + " --- |" * len(HEAD))
    for row in rows:
        day = row.day.isoformat() if row.day else "never"
        run = f"`{row.run_id}`" if row.run_id else "-"
        cells = (row.loader, row.framework, row.versions, row.device, row.result, day, run)
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    return lines


def architectures(rows: Sequence[Row]) -> list[str]:
    """Return how many architectures of a sweep run, and a line for each that does not.

    A row's `loader` is the architecture's name; one that runs has an empty result.
    """
    if not rows:
        return [UNMEASURED]
    days = sorted(row.day.isoformat() for row in rows if row.day)
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    where = sorted({f"{row.framework}: {row.versions}, {row.device}" for row in rows})
    runs = ", ".join(f"`{run}`" for run in sorted({row.run_id or "-" for row in rows}))
    good = sum(1 for row in rows if not row.result)
    lines = [
        f"{good} of {len(rows)} attempted architectures run with random weights "
        f"({'; '.join(where)}; measured {when}; runs {runs}). That is evidence for the "
        "architecture, never for weights."
    ]
    if good < len(rows):
        lines += ["", "| architecture | result |", "| --- | --- |"]
        lines += [f"| {escape(row.loader)} | {escape(row.result)} |" for row in rows if row.result]
    return lines


def escape(text: str) -> str:
    """Keep a text inside its cell: no line breaks, bars and comment openers made harmless."""
    flat = " ".join(text.split()) or "-"
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def stale(rows: Sequence[Row], now: date, max_age_days: int) -> list[Row]:
    """Return the measured rows that are older than so many days on the day `now`."""
    return [row for row in rows if row.day is not None and (now - row.day).days > max_age_days]
