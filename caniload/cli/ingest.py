"""`caniload ingest`: evidence that another machine measured."""

from __future__ import annotations

from typing import Annotated

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.settings import Settings

EXAMPLES = (
    "caniload ingest from-gpu/20261123T200103Z-5d41ab",
    "caniload ingest segments/*",
    "caniload ingest s3://evidence/nightly",
)
REJECTED = 2


def command(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR|URL", help="Finished segments, run.json, or folders of them."
        ),
    ],
    form: Format = "human",
) -> int:
    """Take in evidence that another machine measured; taking it twice changes nothing.

    It is marked as another's: `--from` limits questions to one's own. Exits 2 if a segment was
    refused; the others are taken in all the same.
    """
    from caniload.catalog.publishing import ingest

    out = Out(form)
    report = ingest(Settings.read(), places)
    for path, why in report.rejected:
        out.warn(f"{path} was refused: {why}")
    out.show(
        "ingest",
        report,
        lambda: f"{report.added} observations added, {report.known} known already",
        lambda: [str(report.added)],
    )
    return REJECTED if report.rejected else 0
