"""`caniload dump`: the documented tables as files, for others to build on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from caniload.cli.out import Out
from caniload.settings import Settings

EXAMPLES = (
    "caniload dump --format parquet --to caniload-dump",
    "caniload dump --format csv --table models --table answers --to tables",
    "caniload dump --format duckdb && duckdb caniload-dump/caniload.duckdb",
)


def command(
    form: Annotated[
        Literal["parquet", "json", "csv", "duckdb"],
        typer.Option("--format", help="json is one object a line; duckdb is one file."),
    ] = "parquet",
    to: Annotated[
        str, typer.Option("--to", metavar="DIR", help="A folder that is empty or not there.")
    ] = "caniload-dump",
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Write this table only; several times.")
    ] = None,
) -> int:
    """Write the catalogue and the evidence as files, with schema.json, which says what they hold.

    docs/schema.md describes every table and column. The folder is written whole or not at all.
    """
    from caniload.catalog.dumping import dump
    from caniload.catalog.store import open_store

    out = Out()
    with open_store(Settings.read()) as store:
        made = dump(store, Path(to), form, table or ())
    width = max(len(part.table) for part in made.parts)
    for part in made.parts:
        out.talk(f"  {part.table.ljust(width)}  {part.rows:>9,}  {part.file}")
    out.talk(f"schema {made.schema_version}, generation {made.generation}, {made.published_at}")
    out.write(str(made.folder))
    return 0
