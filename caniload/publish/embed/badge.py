"""Badges: an SVG of our own, and the JSON that a shields-style endpoint serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from caniload.publish.embed.asking import Found
from caniload.publish.embed.signs import LABEL, SIGNS, STALE
from caniload.publish.embed.templating import template
from caniload.words import FRAMEWORK_NAMES, Verdict

_NARROW = "fijlrtI.,:;!'|()[] -/·"
_WIDE = "mwMWTQOGND@%✓✕≈"


@dataclass(frozen=True, slots=True)
class Badge:
    """Hold what a badge says; `says` is the whole sentence, with day and run."""

    label: str
    message: str
    colour: str
    says: str


def badge(found: Found, now: date | None = None, max_age_days: int | None = None) -> Badge:
    """Return what a badge says; older than so many days on the day `now` it is grey and dated."""
    message = _message(found)
    best = found.best
    day = best.day if best else None
    says = f"{found.model.name} {message}"
    if best is None or day is None:
        return Badge(found.model.name, message, SIGNS[found.verdict].colour, says)
    colour = SIGNS[found.verdict].colour
    if now is not None and max_age_days is not None and (now - day).days > max_age_days:
        colour, message = STALE, f"{message}, as of {day}"
    versions = ", ".join(f"{name} {version}" for name, version in best.versions.items())
    says += f", measured {day} with {versions} (run {best.run})"
    return Badge(found.model.name, message, colour, says)


def svg(made: Badge) -> str:
    """Return the badge as an SVG document that needs no font and no script."""
    left, right = _width(made.label) + 14, _width(made.message) + 14
    return template("badge.svg.j2").render(
        badge=made, left=left, right=right, width=left + right, label=LABEL
    )


def endpoint(made: Badge) -> str:
    """Return the JSON of https://shields.io/badges/endpoint-badge."""
    facts = {
        "schemaVersion": 1,
        "label": made.label,
        "message": made.message,
        "color": made.colour.removeprefix("#"),
    }
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _message(found: Found) -> str:
    """Say the verdict and where it was found: `works on PyTorch 2.13 · CPU`."""
    best = found.best
    asked = found.ask.framework
    where = FRAMEWORK_NAMES.get(asked, asked) if asked else ""
    if best is None or (best.verdict is Verdict.UNKNOWN and best.measured is None):
        return f"not measured on {where}" if where else "not measured"
    if best.verdict is Verdict.CLAIMED:
        return f"claimed for {best.framework_name}, not measured"
    version = ".".join((best.framework_version or "").split(".")[:2])
    named = f"{best.framework_name} {version}".strip()
    device = f" · {best.device.upper()}" if best.device else ""
    return f"{best.verdict} on {named}{device}"


def _width(text: str) -> int:
    """Estimate the width of a text at 11 px; `textLength` makes the renderer keep to it."""
    widths = (4.0 if c in _NARROW else 9.2 if c in _WIDE or ord(c) > 0x2E80 else 6.7 for c in text)
    return round(sum(widths))
