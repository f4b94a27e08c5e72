"""Snapshots: the facts of one catalogue as one sorted Parquet file that says where they are from.

`<catalogue>[-<tag>].parquet` holds the rows of one kind; its key-value metadata hold catalogue,
upstream, version and the day it was read. The same facts give the same bytes. Rows are plain
dicts as `facts` dumps them; nothing here imports pydantic, since publishing reads snapshots.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caniload.errors import CatalogueError

if TYPE_CHECKING:
    import duckdb

FOLDER = "imported"
"""Folder of snapshots in the data directory, and in the user's home for what they asked for."""
PROVENANCE = "provenance.yaml"

_TEXT, _TEXTS, _COUNT = "VARCHAR", "VARCHAR[]", "BIGINT"
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "source": (
        ("catalogue", _TEXT), ("handle", _TEXT), ("name", _TEXT), ("architecture", _TEXT),
        ("parent", _TEXT), ("tasks", _TEXTS), ("languages", _TEXTS), ("frameworks", _TEXTS),
        ("loaders", _TEXTS), ("formats", _TEXTS), ("parameters", _COUNT),
        ("size_bytes", _COUNT), ("sha256", _TEXT), ("hash", _TEXT), ("url", _TEXT),
        ("licence", _TEXT), ("published", "DATE"), ("metrics", "JSON"), ("facts", "JSON"),
    ),
    "type": (
        ("catalogue", _TEXT), ("version", _TEXT), ("model_type", _TEXT), ("framework", _TEXT),
        ("class", _TEXT), ("auto", _TEXT),
    ),
    "dataset": (
        ("catalogue", _TEXT), ("name", _TEXT), ("config", _TEXT), ("frameworks", _TEXTS),
        ("library", _TEXT), ("call", _TEXT), ("size_bytes", _COUNT), ("splits", "JSON"),
        ("checksums", "JSON"), ("licence", _TEXT), ("facts", "JSON"),
    ),
}  # fmt: skip
"""The columns of a snapshot, and of the store's table, by kind."""

TABLES = {
    "source": "imported_sources",
    "type": "imported_types",
    "dataset": "imported_datasets",
}
_HEAD = ("kind", "catalogue", "upstream", "version", "read")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """Say what a snapshot holds and where that was read; `read` is a day, as 2026-11-25."""

    kind: str
    catalogue: str
    upstream: str
    version: str
    read: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold a snapshot's head and its rows in order."""

    head: Head
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Name the facts that are new, differ, or are there no more, by their keys, in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.added or self.changed or self.gone)


def ordered(rows: Iterable[Row], key: Sequence[str]) -> tuple[Row, ...]:
    """Sort rows by their key, then by all they hold."""
    return tuple(sorted(rows, key=lambda row: (name_of(row, key), canonical(row))))


def name_of(row: Row, key: Sequence[str]) -> str:
    """Write a row's key as people read it."""
    return " ".join(str(row[name]) for name in key if row[name] is not None)


def canonical(value: Any) -> str:
    """Write a value as JSON in one way only."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def compare(former: Iterable[Row], rows: Iterable[Row], key: Sequence[str]) -> Changes:
    """Say what was added, changed and is gone between two sets of rows."""
    before = {name_of(row, key): canonical(row) for row in former}
    after = {name_of(row, key): canonical(row) for row in rows}
    return Changes(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(n for n in after.keys() & before.keys() if after[n] != before[n])),
        tuple(sorted(before.keys() - after.keys())),
    )


def write(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot in place of the one that is there; the same rows give the same bytes."""
    import duckdb

    columns = COLUMNS[snapshot.head.kind]
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    shape = json.dumps(dict(columns))
    said = ", ".join(f"{name}: '{_quoted(getattr(snapshot.head, name))}'" for name in _HEAD)
    draft = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:", config={"threads": 1}) as database:
        database.execute(f"CREATE TABLE rows ({listed})")
        database.execute(
            f"INSERT INTO rows SELECT r.* FROM (SELECT unnest(from_json(?, '[{shape}]')) AS r)",
            [canonical(snapshot.rows)],
        )
        database.execute(
            f"COPY rows TO '{_quoted(draft)}' (FORMAT parquet, COMPRESSION zstd, "
            f"COMPRESSION_LEVEL 19, PARQUET_VERSION v2, KV_METADATA {{{said}}})"
        )
    draft.replace(path)


def read(path: Path) -> Snapshot:
    """Read a snapshot whole; raises `CatalogueError` where it is none or is damaged."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        head = heads(database, [path])[path]
        try:
            result = database.execute(f"FROM read_parquet('{_quoted(path)}')")
            names = [column[0] for column in result.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        except duckdb.Error as error:
            raise _damaged(path) from error
    kinds = dict(COLUMNS[head.kind])
    return Snapshot(
        head,
        tuple({name: _value(row[name], kind) for name, kind in kinds.items()} for row in found),
    )


def heads(database: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[Path, Head]:
    """Read what snapshots say of themselves, from their metadata alone."""
    import duckdb

    said: dict[Path, dict[str, str]] = {path: {} for path in paths}
    for path in paths:
        try:
            found = database.execute(
                "SELECT decode(key), decode(value) "
                f"FROM parquet_kv_metadata('{_quoted(path)}') WHERE decode(key) IN {_HEAD}"
            ).fetchall()
        except duckdb.Error as error:
            raise _damaged(path) from error
        said[path] = dict(found)
        if set(said[path]) != set(_HEAD) or said[path]["kind"] not in COLUMNS:
            raise _damaged(path)
    return {path: Head(**each) for path, each in said.items()}


def files(folder: Path) -> list[Path]:
    """List the snapshots of a folder by name; none where there is no folder."""
    return sorted(folder.glob("*.parquet"))


def write_provenance(folder: Path) -> None:
    """Write beside the snapshots of a folder where each is from, with rows and sha256."""
    import duckdb

    paths = files(folder)
    lines = ["# Written by `caniload catalog import`; each snapshot's own metadata say the same.\n"]
    with duckdb.connect(":memory:") as database:
        for path, head in heads(database, paths).items():
            rows = database.execute(
                f"SELECT num_rows FROM parquet_file_metadata('{_quoted(path)}')"
            ).fetchall()[0][0]
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(
                f"{path.name}:\n  catalogue: {head.catalogue}\n"
                f"  upstream: {json.dumps(head.upstream)}\n"
                f"  version: {json.dumps(head.version)}\n  read: {head.read}\n"
                f"  rows: {rows}\n  sha256: {sha256}\n"
            )
    draft = folder / f"{PROVENANCE}.part"
    draft.write_text("".join(lines), "utf-8")
    draft.replace(folder / PROVENANCE)


def _value(value: Any, kind: str) -> Any:
    """Return a value of the file as `facts` dumps it."""
    if value is None:
        return None
    if kind == "JSON":
        return json.loads(value)
    return value.isoformat() if kind == "DATE" else value


def _damaged(path: Path) -> CatalogueError:
    return CatalogueError(
        f"{path} is no snapshot of imported facts, or is damaged",
        "import its catalogue again, or install caniload again",
    )


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
