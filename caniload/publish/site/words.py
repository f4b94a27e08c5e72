"""How counts, sizes, days and places read on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from urllib.parse import quote, urlsplit

from caniload.words import FRAMEWORK_NAMES

_STEPS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_COUNTS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def count(number: int, noun: str = "", plural: str = "") -> str:
    """Write `1 model`, `5,491 sources`."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: float | None) -> str:
    """Write bytes in decimal units, as hubs and shops do: `436 MB`; `-` where unknown."""
    return _scaled(number, _STEPS, " B", " ")


def parameters(number: float | None) -> str:
    """Write a count of parameters as papers do: `110M`; `-` where unknown."""
    return _scaled(number, _COUNTS, "", "")


def _scaled(number: float | None, steps: Iterable[tuple[float, str]], rest: str, space: str) -> str:
    if number is None:
        return "-"
    for step, unit in steps:
        if number >= step:
            return f"{number / step:.3g}{space}{unit}"
    return f"{number:.0f}{rest}"


def seconds(number: float | None) -> str:
    """Write seconds with as many digits as are read: `0.42 s`, `16 s`; `-` where unknown."""
    if number is None:
        return "-"
    return f"{number:.2g} s" if number < 10 else f"{number:.0f} s"


def day(moment: datetime | date | str | None) -> str:
    """Write the day in UTC, YYYY-MM-DD; `never` where there is none."""
    if moment is None:
        return "never"
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date().isoformat()
    return str(moment)


def framework(name: str) -> str:
    """Name a framework as its makers do."""
    return FRAMEWORK_NAMES.get(name, name)


def listed(found: Iterable[object] | None) -> str:
    """Join with commas; `-` for nothing."""
    return ", ".join(str(each) for each in found or ()) or "-"


def pairs(found: Mapping[str, object] | None) -> str:
    """Write `torch 2.13.0, transformers 5.23.0`; `-` for nothing."""
    return ", ".join(f"{name} {value}" for name, value in sorted((found or {}).items())) or "-"


def web(text: object) -> str | None:
    """Return an address that a page may link to; None for anything but http and https."""
    made = str(text)
    try:
        parts = urlsplit(made)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return quote(made, safe="/:?#[]@!$&'()*+,;=%-._~")
