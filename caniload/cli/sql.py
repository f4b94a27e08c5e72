"""`caniload sql`: the evidence in SQL, read-only and nothing beside it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.errors import BadInputError
from caniload.settings import Settings

EXAMPLES = (
    'caniload sql "SHOW TABLES"',
    'caniload sql "SELECT loader, framework, verdict, relative_rms FROM cell_verdicts"',
    'caniload sql --format json "SELECT id, outcome FROM observations LIMIT 5"',
    "caniload sql - < question.sql",
)


def command(
    text: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; `-` reads stdin.")],
    form: Format = "human",
) -> int:
    """Query the evidence read-only, in DuckDB's SQL.

    Tables: models, sources, claims, datasets, tools, environments, observations, settlements,
    prints, diagnoses, cell_verdicts, ranked, answers. Times are UTC. No file can be read or
    written. `quiet` prints tab-separated values without a head.
    """
    from caniload.catalog.store import open_store

    query = sys.stdin.read() if text == "-" else text
    if not query.strip():
        raise BadInputError("there is no SQL to run", "write one SELECT")
    with open_store(Settings.read()) as store:
        columns, rows = store.query_user(query)
    Out(form).show(
        "sql",
        {"columns": columns, "rows": rows},
        lambda: table(columns, rows, width(), as_given=True) if columns else "no columns",
        lambda: ["\t".join("" if value is None else str(value) for value in row) for row in rows],
    )
    return 0
