"""`caniload history`: since when and until when a model loads, as browser tables say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.dates import day
from caniload.cli.options import Format, Framework, Loader
from caniload.cli.out import Out, paint, width
from caniload.cli.tables import table
from caniload.publish import ranges
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.history import Gap, History, Point, Seen, Series, Span

EXAMPLES = (
    "caniload history minilm",
    "caniload history minilm --loader transformers --framework tensorflow",
    "caniload history minilm --package transformers --format json",
)

_COLOURS = {"works": "green", "differs": "yellow", "flaky": "yellow", "fails": "red"}
_SHOWN = 10


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model by name, or a handle.")],
    loader: Loader = None,
    framework: Framework = None,
    package: Annotated[
        str | None, typer.Option("--package", "-p", help="Along the versions of this package only.")
    ] = None,
    form: Format = "human",
) -> int:
    """Show what was observed over versions and over time, gaps included."""
    from caniload.catalog.history import history
    from caniload.catalog.store import open_store

    out = Out(form)
    with open_store(Settings.read()) as store:
        found = history(store, model, loader=loader, framework=framework, package=package)
    out.show("history", found, lambda: human(found), lambda: quiet(found))
    return 0 if found.observations else 3


def human(found: History) -> str:
    """Return each series as ranges, then what nothing moved beside, then what turned."""
    if not found.observations or found.first_at is None:
        return f"{found.name}: nothing was measured; `caniload run {found.model}` attempts it"
    head = (
        f"{found.name}: {found.observations} observations from {day(found.first_at)}"
        f" to {day(found.last_at)}"
    )
    several = len({each.handle for each in (*found.series, *found.still)}) > 1
    parts = [head, *(_series(each, several) for each in found.series)]
    if not found.series:
        what = found.package or "a decisive package"
        parts.append(f"in no two observations {what} alone had another version")
    parts += [_still(found.still, several), _turned(found.turned)]
    return "\n\n".join(part for part in parts if part)


def quiet(found: History) -> list[str]:
    """Return one range a line: loader, framework, package, first, last, result."""
    return [
        f"{each.loader} {each.framework} {each.package} {span.first} {span.last} {span.result}"
        for each in found.series
        for span in each.spans
    ]


def _series(series: Series, several: bool) -> str:
    """Return one series: its sentence, then a row a range and a row a gap."""
    rows = []
    for at, span in enumerate(series.spans):
        if at:
            rows.append(_gap_row(series.gaps[at - 1]))
        rows.append(_span_row(span))
    lines = table(("versions", "result", "tested", "measured", "why"), rows, width()).splitlines()
    for at, row in enumerate(rows, 1):
        colour = _COLOURS.get(row[1])
        if colour is not None:
            lines[at] = lines[at].replace(f"  {row[1]}", f"  {paint(row[1], colour)}", 1)
    beside = ", ".join(f"{name} {version}" for name, version in sorted(series.beside.items()))
    place = f"Python {series.python_minor}, {series.platform}"
    head = f"{ranges.who(series)}: {ranges.sentence(series)}"
    second = f"beside {beside}; {place}" if beside else place
    if several:
        second = f"{series.handle}; {second}"
    return "\n".join([head, f"  {second}", *(f"  {line}" for line in lines)])


def _span_row(span: Span) -> tuple[str, str, str, str, str]:
    """Return a range as a row."""
    versions = _marked(span.points[0])
    if span.first != span.last:
        versions += f" to {_marked(span.points[-1])}"
    first = min(each.first_at for each in span.points)
    last = max(each.last_at for each in span.points)
    when = day(first) if day(first) == day(last) else f"{day(first)} to {day(last)}"
    code = f" ({ranges.code(span)})" if ranges.code(span) else ""
    tested = ranges.tested(span) if span.first != span.last else "1"
    if span.untested is None:
        tested += ", others between are not known"
    return versions, span.result, tested, when, f"{span.title}{code}" if span.title else ""


def _gap_row(gap: Gap) -> tuple[str, str, str, str, str]:
    """Return what lies between two ranges as a row."""
    if gap.releases is None:
        return "…", "not tested", "", "", f"between {gap.after} and {gap.before}"
    if not gap.releases:
        return "…", "no gap", "", "", "no release lies between"
    named = ", ".join(gap.releases) if len(gap.releases) <= 4 else f"{len(gap.releases)} releases"
    return "…", "not tested", "", "", named


def _marked(point: Point) -> str:
    return f"{point.version} (pre-release)" if point.prerelease else point.version


def _still(still: Sequence[Series], several: bool) -> str:
    """Return what was measured with one set of versions alone."""
    if not still:
        return ""
    rows = []
    for each in still:
        span = each.spans[0]
        versions = ", ".join(f"{n} {v}" for n, v in sorted(each.beside.items()))
        what = (each.handle,) if several else ()
        why = span.title
        rows.append(
            (*what, ranges.who(each), span.result, versions, day(span.points[-1].last_at), why)
        )
    head = ("loaded by", "result", "versions", "measured", "why")
    text = table(("what", *head) if several else head, rows, width())
    return "measured with one set of versions alone\n" + "\n".join(
        f"  {line}" for line in text.splitlines()
    )


def _turned(turned: Sequence[tuple[Seen, Seen]]) -> str:
    """Return what ended otherwise than the time before, with the same decisive versions."""
    if not turned:
        return ""
    lines = ["what turned with the same versions"]
    for before, after in turned[:_SHOWN]:
        who = f"{after.loader} in {after.framework}"
        lines.append(
            f"  {day(after.measured_at)}  {who}: {before.result} → {after.result}"
            f"  {after.title}".rstrip()
        )
        lines.append(f"    {before.observation_id} → {after.observation_id}")
    if len(turned) > _SHOWN:
        lines.append(f"  and {len(turned) - _SHOWN} more: --format json has them")
    return "\n".join(lines)
