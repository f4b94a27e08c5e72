"""Write the snapshots of upstream catalogues into a generation's tables, in SQL from Parquet.

Snapshots come with the data directory; what a user imported lies in their home. One of the same
file name in the home takes the packaged one's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caniload.catalog.upstream import snapshots
from caniload.catalog.verdicts import insert
from caniload.errors import CatalogueError
from caniload.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from caniload.catalog.upstream.snapshots import Head

TABLES = ("imports", *snapshots.TABLES.values())
"""The tables that hold nothing but snapshots."""

_IMPORTS = (
    ("catalogue", "VARCHAR"), ("upstream", "VARCHAR"), ("version", "VARCHAR"), ("read", "DATE"),
    ("row_count", "BIGINT"),
)  # fmt: skip


def write(database: duckdb.DuckDBPyConnection, catalog: str, settings: Settings) -> None:
    """Fill imports, imported_sources, imported_types and imported_datasets.

    A source that two of the user's queries found is taken from the newer. Raises
    `CatalogueError` for a damaged snapshot.
    """
    heads = snapshots.heads(database, paths(settings))
    for kind, table in snapshots.TABLES.items():
        mine = {path: head for path, head in heads.items() if head.kind == kind}
        if mine:
            _insert(database, f"{catalog}.{table}", kind, mine)
    insert(
        database,
        f"{catalog}.imports",
        _IMPORTS,
        [
            {
                "catalogue": head.catalogue,
                "upstream": head.upstream,
                "version": head.version,
                "read": head.read,
                "row_count": _count(database, path),
            }
            for path, head in heads.items()
        ],
    )


def paths(settings: Settings) -> list[Path]:
    """List the snapshots that count, by file name."""
    found = {path.name: path for path in snapshots.files(settings.data / snapshots.FOLDER)}
    found |= {path.name: path for path in snapshots.files(settings.imported)}
    return [found[name] for name in sorted(found)]


def _insert(
    database: duckdb.DuckDBPyConnection, table: str, kind: str, heads: dict[Path, Head]
) -> None:
    """Insert the rows of all snapshots of one kind; of equal keys in one catalogue the newest."""
    import duckdb

    names = ", ".join(f'"{name}"' for name, _ in snapshots.COLUMNS[kind])
    newest = sorted(heads, key=lambda path: (heads[path].read, path.name), reverse=True)
    listed = ", ".join(f"'{_quoted(path)}'" for path in newest)
    places = ", ".join(f"'{_quoted(path)}': {place}" for place, path in enumerate(newest))
    once = (
        f"QUALIFY catalogue <> 'hf' OR row_number() OVER (PARTITION BY catalogue, handle "
        f"ORDER BY MAP {{{places}}}[filename]) = 1"
        if kind == "source"
        else ""
    )
    try:
        database.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} "
            f"FROM read_parquet([{listed}], filename=true) {once}"
        )
    except duckdb.TransactionException:  # it is the store that could not be written
        raise
    except duckdb.Error as error:
        raise CatalogueError(
            f"the snapshots {', '.join(path.name for path in newest)} cannot be read together: "
            f"{str(error).splitlines()[0]}",
            "import their catalogues again",
        ) from error


def _count(database: duckdb.DuckDBPyConnection, path: Path) -> int:
    found = database.execute(f"SELECT num_rows FROM parquet_file_metadata('{_quoted(path)}')")
    return int(found.fetchall()[0][0])


def _quoted(path: object) -> str:
    return str(path).replace("'", "''")
