"""A night as one HTML page that needs nothing beside it: no script, no font, no picture."""

from __future__ import annotations

from importlib import resources

from caniload.catalog.comparison import NightReport
from caniload.publish.night import plots, said


def write(report: NightReport) -> str:
    """Return the page. Every text in it is escaped, whatever a model is called."""
    import jinja2
    from markupsafe import Markup

    folder = resources.files("caniload.publish.night") / "templates"
    page = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).from_string((folder / "night.html.j2").read_text(encoding="utf-8"))
    shown = dict.fromkeys(said.sign(cell.seen.outcome) for cell in report.cells)
    return page.render(
        report=report,
        style=Markup((folder / "night.css").read_text(encoding="utf-8")),
        said=said,
        signs=sorted(shown, key=lambda sign: (sign.tone, sign.word)),
        kinds=said.by_kind(report.comparison.changes),
        matrix=plots.matrix(report),
        history=plots.history(report),
        timings=plots.timings(report),
        width=plots.WIDTH,
        took=said.duration((report.finished - report.started).total_seconds()),
    )
