"""Write the documented tables as files, for others to build on; whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from caniload import __version__
from caniload.catalog import generations
from caniload.catalog.schema import Table, schema
from caniload.errors import BadInputError, UnknownNameError

if TYPE_CHECKING:
    from caniload.catalog.store import Store

Form = Literal["parquet", "json", "csv", "duckdb"]
FORMS: tuple[Form, ...] = ("parquet", "json", "csv", "duckdb")
_ENDINGS: dict[Form, str] = {"parquet": "parquet", "json": "jsonl", "csv": "csv"}
DESCRIPTION = "schema.json"
"""The file of a dump that says what the others hold."""
DATABASE = "caniload.duckdb"


@dataclass(frozen=True, slots=True)
class Part:
    """Say which file holds a table, and how many rows."""

    table: str
    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class Dump:
    """Say what was written: the folder, of which schema and generation, and its parts."""

    folder: Path
    format: Form
    schema_version: int
    generation: int
    published_at: str
    parts: tuple[Part, ...]


def dump(store: Store, folder: Path, form: Form, tables: Sequence[str] = ()) -> Dump:
    """Write each documented table, or those named, into a new folder beside `schema.json`.

    `json` is one object a line; in `csv` lists and JSON are text. Newer segments than the
    generation are included. Raises `BadInputError` if the folder holds something,
    `UnknownNameError`, `DiskFullError`, `PermissionDeniedError`.
    """
    wanted = _wanted(tables)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder} is there already", "name an empty folder by --to")
    draft = folder.with_name(f".{folder.name}.part")
    store.sql("SELECT 1")  # the views are made
    try:
        with generations.translating(folder):
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            parts = _database(store, draft, wanted) if form == "duckdb" else ()
            parts = parts or tuple(_file(store, draft, one, form) for one in wanted)
            made = Dump(
                folder,
                form,
                store.generation.schema_version,
                store.generation.number,
                store.generation.published_at,
                parts,
            )
            (draft / DESCRIPTION).write_text(_description(store, made, wanted), encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _wanted(names: Sequence[str]) -> list[Table]:
    """Return the tables to write; raises `UnknownNameError`."""
    known = {name: table for name, table in schema().tables.items() if table.dumped}
    for name in names:
        if name not in known:
            from difflib import get_close_matches

            near = tuple(get_close_matches(name, known, 2))
            raise UnknownNameError("table", name, near, f"known: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def _file(store: Store, folder: Path, table: Table, form: Form) -> Part:
    """Write one table as a file."""
    file = f"{table.name}.{_ENDINGS[form]}"
    options = "FORMAT json" if form == "json" else f"FORMAT {form}"
    if form == "csv":
        options += ", HEADER"
    if form == "parquet":
        about = table.about.replace("'", "''")
        version = store.generation.schema_version
        options += f", COMPRESSION zstd, KV_METADATA {{caniload_schema: '{version}', "
        options += f"about: '{about}'}}"
    path = _quoted(folder / file)
    copied = store.database.execute(f"COPY (FROM {table.name}) TO '{path}' ({options})").fetchall()
    return Part(table.name, file, copied[0][0])


def _database(store: Store, folder: Path, tables: Sequence[Table]) -> tuple[Part, ...]:
    """Write all tables as one DuckDB file, with what each column means as its comment."""
    database = store.database
    path = _quoted(folder / DATABASE)
    database.execute(f"ATTACH '{path}' AS dumped (STORAGE_VERSION 'v1.5.0')")
    parts = []
    try:
        for table in tables:
            where = f"dumped.{table.name}"
            database.execute(f"CREATE TABLE {where} AS FROM {table.name}")
            database.execute(f"COMMENT ON TABLE {where} IS '{_escaped(table.about)}'")
            for column, about in table.columns.items():
                comment = f"COMMENT ON COLUMN {where}.\"{column}\" IS '{_escaped(about)}'"
                database.execute(comment)
            ((rows,),) = database.execute(f"SELECT count(*) FROM {where}").fetchall()
            parts.append(Part(table.name, DATABASE, rows))
    finally:
        database.execute("DETACH dumped")
    return tuple(parts)


def _description(store: Store, made: Dump, tables: Sequence[Table]) -> str:
    """Return `schema.json`: what each file holds, with the type of every column."""
    described = {}
    for table, part in zip(tables, made.parts, strict=True):
        types = store.direct(f"SELECT column_name, column_type FROM (DESCRIBE FROM {table.name})")
        described[table.name] = {
            "file": part.file,
            "rows": part.rows,
            "group": table.group,
            "about": table.about,
            "columns": {name: {"type": kind, "about": table.columns[name]} for name, kind in types},
        }
    return json.dumps(
        {
            "schema_version": made.schema_version,
            "generation": made.generation,
            "published_at": made.published_at,
            "caniload_version": __version__,
            "times": "UTC",
            "groups": dict(schema().groups),
            "tables": described,
        },
        indent=1,
        ensure_ascii=False,
    )


def _quoted(path: Path) -> str:
    return _escaped(str(path))


def _escaped(text: str) -> str:
    return text.replace("'", "''")
