"""Run SQL that a user wrote: it reads the store and nothing else, and writes nothing.

What the views need of newer segments is in memory by then, so that DuckDB's access to the
outside can be switched off and its configuration locked before the user's text is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caniload.errors import QueryError

if TYPE_CHECKING:
    import duckdb

_READ_ONLY = ("SELECT", "EXPLAIN")
_LOCK = (
    "SET temp_directory = ''; SET autoinstall_known_extensions = false;"
    "SET autoload_known_extensions = false; SET allow_community_extensions = false;"
    "SET python_enable_replacements = false; SET enable_external_access = false;"
    "SET lock_configuration = true"
)
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE")


def query(
    database: duckdb.DuckDBPyConnection, text: str
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Lock the database down and run one reading statement; return column names and rows.

    Times with a zone come back as text. Raises `QueryError`, one line, for bad SQL, for
    anything that would write, and for reaching outside the store.
    """
    import duckdb

    lock(database)
    try:
        statements = database.extract_statements(text)
        if len(statements) != 1:
            raise QueryError(f"{len(statements)} statements were given", "write exactly one SELECT")
        kind = statements[0].type.name
        if kind not in _READ_ONLY:
            raise QueryError(f"{kind} would not only read", "write a SELECT")
        if kind == "EXPLAIN":
            result = database.execute(statements[0])
            return _columns(result.description), result.fetchall()
        relation = database.sql(text)
        if any(str(kind) in _ZONED for kind in relation.types):
            names = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in relation.columns]
            relation = relation.project(
                ", ".join(
                    f"CAST({name} AS VARCHAR) AS {name}" if str(kind) in _ZONED else name
                    for name, kind in zip(names, relation.types, strict=True)
                )
            )
        return tuple(relation.columns), relation.fetchall()
    except duckdb.Error as error:
        raise QueryError(
            _first(error), '`caniload sql "SHOW ALL TABLES"` lists the tables'
        ) from error


def lock(database: duckdb.DuckDBPyConnection) -> None:
    """Switch off files, extensions and settings for good; calling it again changes nothing."""
    found = database.execute("SELECT current_setting('lock_configuration')").fetchall()
    if not found[0][0]:
        database.execute(_LOCK)


def _columns(description: Any) -> tuple[str, ...]:
    return tuple(column[0] for column in description or ())


def _first(error: Exception) -> str:
    """Write DuckDB's message on one line, without its label and the drawing of the place."""
    lines = [line.strip() for line in str(error).split("\n\n")[0].splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith("LINE "))
    label, colon, rest = text.partition(" Error: ")
    return rest if colon and label.count(" ") < 3 else text
