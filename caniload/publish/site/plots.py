"""Plots as inline SVG: every mark has its word beside it, none is told apart by colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from caniload.publish.embed.signs import SIGNS
from caniload.words import Verdict

if TYPE_CHECKING:
    from markupsafe import Markup

    from caniload.catalog.history import Series

STEP = 74
"""Width of one tested version, in pixels."""
_SIDE = 26
_HEIGHT = 62
_BARS = 96


def strip(series: Series, place: str) -> Markup:
    """Draw a series: a square a tested version, a dotted line where releases lie untested.

    `place` names the plot among others on its page.
    """
    from markupsafe import Markup

    marks = []
    x = 0
    for at, span in enumerate(series.spans):
        if at and (series.gaps[at - 1].releases is None or series.gaps[at - 1].releases):
            y = 6 + _SIDE // 2
            marks.append(
                Markup(
                    '<line class="untested" x1="{}" y1="{}" x2="{}" y2="{}">'
                    "<title>not tested between {} and {}</title></line>"
                ).format(
                    x - STEP + _SIDE + 8, y, x, y,
                    series.gaps[at - 1].after, series.gaps[at - 1].before,
                )
            )  # fmt: skip
        for point in span.points:
            marks.append(_mark(x + 4, point.version, point.result, len(point.observations)))
            x += STEP
    label = f"{series.package}: " + ", ".join(
        f"{point.version} {point.result}" for span in series.spans for point in span.points
    )
    return Markup(
        '<div class="scroll strip" tabindex="0" role="region" aria-label="{}: tested versions">'
        '<svg role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">{}</svg></div>'
    ).format(place, label, x + 4, _HEIGHT, x + 4, _HEIGHT, Markup("").join(marks))


def _mark(x: int, version: str, result: str, observations: int) -> Markup:
    from markupsafe import Markup

    sign = SIGNS[Verdict(result)] if result in tuple(Verdict) else SIGNS[Verdict.UNKNOWN]
    many = "1 observation" if observations == 1 else f"{observations} observations"
    return Markup(
        '<g><title>{}: {}, {}</title><rect x="{}" y="6" width="{}" height="{}" rx="5" fill="{}"/>'
        '<text class="mark" x="{}" y="24" text-anchor="middle">{}</text>'
        '<text class="version" x="{}" y="50">{}</text></g>'
    ).format(
        version, result, many, x, _SIDE, _SIDE, sign.colour, x + _SIDE // 2, sign.mark, x, version
    )  # fmt: skip


def bars(counts: Sequence[tuple[str, Mapping[str, int]]], label: str) -> Markup:
    """Draw stacked bars, one a day: how many observations passed, and how many did not."""
    from markupsafe import Markup

    most = max((sum(parts.values()) for _, parts in counts), default=0) or 1
    drawn = []
    for at, (name, parts) in enumerate(counts):
        x, y = at * STEP + 4, float(_BARS)
        told = ", ".join(f"{count:,} {word}" for word, count in parts.items())
        drawn.append(Markup("<g><title>{}: {}</title>").format(name, told))
        for word, count in parts.items():
            height = round(count / most * (_BARS - 8), 1)
            y -= height
            drawn.append(
                Markup('<rect class="bar bar-{}" x="{}" y="{}" width="40" height="{}"/>').format(
                    word.replace(" ", "-"), x, round(y, 1), height
                )
            )
        total = sum(parts.values())
        drawn.append(
            Markup('<text class="version" x="{}" y="{}">{}</text>').format(x, _BARS + 14, name[5:])
        )
        drawn.append(
            Markup('<text class="version" x="{}" y="{}">{:,}</text></g>').format(
                x, _BARS + 28, total
            )
        )
    width, height = max(len(counts) * STEP, STEP), _BARS + 34
    return Markup(
        '<div class="scroll strip" tabindex="0" role="region" aria-label="{}">'
        '<svg role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">{}</svg></div>'
    ).format(
        label, label, width, height, width, height, Markup("").join(drawn)
    )  # fmt: skip
