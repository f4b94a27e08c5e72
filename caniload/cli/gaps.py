"""`caniload gaps`: where metadata and measurement disagree, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload.cli.options import Format, Framework, From, Loader
from caniload.cli.out import Out, width
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.gaps import Gap

EXAMPLES = (
    "caniload gaps",
    "caniload gaps bert --framework tensorflow",
    "caniload gaps --way unclaimed --hub torchvision",
    "caniload gaps --env tensorflow --format json",
)
_TITLES = {
    "claimed": "claimed, and does not load as claimed",
    "unclaimed": "works, and nothing claims it",
}
_MOST = 3


def command(
    model: Annotated[
        str | None, typer.Argument(help="A model by name or alias, or a source by handle.")
    ] = None,
    way: Annotated[
        Literal["claimed", "unclaimed"] | None,
        typer.Option("--way", help="claimed: it fails or differs; unclaimed: it works."),
    ] = None,
    framework: Framework = None,
    loader: Loader = None,
    hub: Annotated[str | None, typer.Option("--hub", help="Sources of one hub, as tfhub.")] = None,
    env: Annotated[
        str | None, typer.Option("--env", "-e", help="Only what was measured in one environment.")
    ] = None,
    whose: From = "all",
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Stop at so many, by model.")
    ] = None,
    form: Format = "human",
) -> int:
    """Show where claim and result disagree: claimed but fails, works but not claimed.

    The result is the best of a source's cells with one loader and framework. What is blocked,
    exported or run with random weights contradicts no claim.
    """
    from caniload.catalog import gaps
    from caniload.catalog.store import open_store

    with open_store(Settings.read()) as store:
        found = gaps.gaps(
            store,
            model,
            framework=framework,
            loader=loader,
            hub=hub,
            environment=env,
            way=way,
            whom=whose,
            limit=limit,
        )
    Out(form).show("gaps", found, lambda: "\n".join(_human(found)), lambda: map(_quiet, found))
    return 0


def _quiet(gap: Gap) -> str:
    """One gap on one line, its parts apart by tabs."""
    cell = gap.cell
    return "\t".join(
        (gap.way, gap.model or "-", cell.source, cell.loader, cell.framework, cell.verdict)
    )


def _human(found: tuple[Gap, ...]) -> Iterator[str]:
    """Both ways, each gap with its result, its evidence and what was stated."""
    if not found:
        yield "no claim and no result disagree"
        return
    for way, title in _TITLES.items():
        mine = [gap for gap in found if gap.way == way]
        if not mine:
            continue
        if mine[0] is not found[0]:
            yield ""
        yield f"{title} ({len(mine)})"
        for gap in mine:
            yield from map(_cut, _one(gap))


def _one(gap: Gap) -> Iterator[str]:
    from caniload.publish import wording

    cell = gap.cell
    yield f"  {gap.model or '-'}  {cell.source}"
    yield f"    {cell.verdict}: {wording.told(cell)}"
    if cell.diagnosis is not None and cell.diagnosis.fix:
        yield f"    instead: {cell.diagnosis.fix}"
    yield f"    measured {cell.age} in {cell.environment}, {cell.observation_id}"
    if gap.way == "claimed":
        for said in gap.statements[:_MOST]:
            read = f", read {said.read}" if said.read else ""
            yield f"    claimed: {said.says} ({said.where}{read})"
        return
    named = sorted({said.framework for said in gap.statements})
    yield f"    claimed for {', '.join(named)} only ({gap.statements[0].where})"


def _cut(line: str) -> str:
    """Cut a line to the terminal."""
    room = width()
    return line if room is None or len(line) <= room else line[: room - 1] + "…"
