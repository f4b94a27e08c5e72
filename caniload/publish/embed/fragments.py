"""Embeds as HTML fragments: every one with run, versions and day; ages are counted in the page.

A fragment works in any page. `assets` are the style and the script that count ages and grey what
is too old; without them it still reads.
"""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from caniload.publish.embed.answers import Cell
from caniload.publish.embed.asking import Found
from caniload.publish.embed.badge import badge, svg
from caniload.publish.embed.signs import SIGNS
from caniload.publish.embed.templating import template
from caniload.publish.markdown import HEAD, UNMEASURED
from caniload.words import Verdict

STYLE = "caniload.css"
AGES = "caniload-ages.js"
COMPONENT = "can-i-load.js"


def static() -> Path:
    """The folder with the style, the script that counts ages, and the web component."""
    return Path(str(resources.files("caniload.publish.embed") / "static"))


def fragment(
    found: Found, *, text: str = "", now: date | None = None, max_age_days: int | None = None
) -> str:
    """Return one embed as HTML; `text` is the sentence that a verdict stands behind.

    With `max_age_days` the page itself shows what has become too old since it was built.
    """
    return html(found, Markup.escape(text), now, max_age_days)


def html(found: Found, text: Markup, now: date | None, max_age_days: int | None) -> str:
    """Return one embed whose text is HTML already."""
    several = len({cell.source for cell in found.cells}) > 1
    return (
        template(f"{found.ask.kind}.html.j2")
        .render(
            found=found,
            text=text,
            max_age=max_age_days,
            head=HEAD,
            unmeasured=UNMEASURED,
            several=several,
            sign=SIGNS,
            says=sentence(found),
            versions=versions,
            detail=detail,
            loads=found.verdict in (Verdict.WORKS, Verdict.DIFFERS, Verdict.FLAKY),
            picture=Markup(svg(badge(found, now, max_age_days)))
            if found.ask.kind == "badge"
            else "",
        )
        .strip()
    )


def sentence(found: Found) -> str:
    """Say by what, in what and how well or why an answer came out; its verdict stands before it."""
    best = found.best
    if best is None:
        return f"nothing is known of {found.model.name} there"
    more = detail(best)
    if best.measured is None:
        return f"{found.model.name} in {best.framework_name}: {more or best.result}"
    place = " ".join(word for word in (best.framework_name, best.framework_version) if word)
    device = f", {best.device}" if best.device else ""
    named = f"{found.model.name} with {best.loader_name} in {place}{device}"
    return f"{named}: {more}" if more else named


def detail(cell: Cell) -> str:
    """Return what a result says beyond its verdict: a distance, a reason, or nothing."""
    return cell.result.removeprefix(str(cell.verdict)).lstrip(",: ")


def versions(cell: Cell) -> str:
    """List the decisive packages with their versions."""
    return ", ".join(f"{name} {version}" for name, version in cell.versions.items())


def plain_rows(found: Found) -> list[tuple[str, ...]]:
    """Return a matrix's rows as texts under `HEAD`, for what is not HTML."""
    several = len({cell.source for cell in found.cells}) > 1
    return [
        (
            cell.loader_name + (f", {cell.artefact}" if several else ""),
            cell.framework_name,
            versions(cell) or "-",
            cell.device or "-",
            cell.result,
            cell.day.isoformat() if cell.day else "never",
            cell.run or "-",
        )
        for cell in found.cells
    ]
