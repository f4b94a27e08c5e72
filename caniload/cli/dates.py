"""How times and amounts read on the screen."""

from __future__ import annotations

from datetime import UTC, date, datetime


def today() -> date:
    """The day in UTC, which is the day that evidence is dated by."""
    return datetime.now(UTC).date()


def day(value: datetime | None) -> str:
    """The day of a moment in UTC, `2026-11-21`."""
    if value is None:
        return "-"
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.date().isoformat()


def age(value: datetime, now: date | None = None) -> str:
    """How long ago a day was: `today`, `yesterday`, `12 days ago`."""
    days = ((now or today()) - date.fromisoformat(day(value))).days
    if days <= 0:
        return "today"
    return "yesterday" if days == 1 else f"{days} days ago"


def seconds(value: float | None) -> str:
    """A duration: `0.42 s`, `12 s`, `3 min 5 s`."""
    if value is None:
        return "-"
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def size(value: int | None) -> str:
    """An amount of bytes in decimal units: `90.9 MB`."""
    if value is None:
        return "-"
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def number(value: float | None) -> str:
    """A measured number in three digits: `1.13e-03`; `0` for nothing at all."""
    if value is None:
        return "-"
    return "0" if value == 0 else f"{value:.2e}"
