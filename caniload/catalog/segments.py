"""Read finished segments: the Parquet files of runs, one folder each under `<home>/segments`.

A segment is finished if and only if `run.json` stands in its folder. One that another machine
measured carries `ingested.json` beside it.
"""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.errors import CorruptStoreError
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

MARKER = "run.json"
INGESTED = "ingested.json"
PACKAGED = "evidence"
"""Folder of the data directory that holds the segments which come with caniload."""
OBSERVATIONS = "observations.parquet"
SETTLEMENTS = "settlements.parquet"
NOT_STORED = ("record", "fingerprint")
"""Columns of a segment that the store does not repeat: `prints` holds the fingerprint."""
_FIELDS = (
    ("shape", "o -> '$.shape'", "BIGINT[]"), ("dtype", "o ->> '$.dtype'", "VARCHAR"),
    ("mean", "o ->> '$.mean'", "DOUBLE"), ("rms", "o ->> '$.rms'", "DOUBLE"),
    ("samples", "o -> '$.samples'", "DOUBLE[]"),
)  # fmt: skip
"""What a print keeps of an output."""


def finished(settings: Settings, known: Sequence[str] = ()) -> list[str]:
    """List the names of finished segments, oldest first, without those already known."""
    return _finished_in(settings.segments, set(known))


def _finished_in(root: Path, known: Container[str] = ()) -> list[str]:
    """List the folders in which a segment is finished, oldest first; known ones unseen."""
    try:
        names = [entry.name for entry in os.scandir(root) if entry.name not in known]
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name[0] != "." and (root / name / MARKER).exists())


def load_packaged(database: duckdb.DuckDBPyConnection, data: Path) -> None:
    """Add the segments that come with the authored data, as evidence that others measured."""
    names = packaged(data)
    if names:
        _load(database, data / PACKAGED, names, foreign=names)


def packaged(data: Path) -> list[str]:
    """Return the names of the segments that come with the authored data."""
    return _finished_in(data / PACKAGED)


def load_elsewhere(database: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Add the finished segments of `CANILOAD_EVIDENCE`, read where they lie, as others' evidence.

    Nothing is copied and nothing checked but what reading shows: name only what you trust, and
    `ingest` the rest. Raises `CorruptStoreError`, `UnreadableFileError`.
    """
    import duckdb

    for place in settings.evidence:
        try:
            if "://" in place:
                from caniload.catalog import segment_places

                names = segment_places.in_place(database, place)
            else:
                names = _finished_in(Path(place))
            if names:
                _load(database, place.rstrip("/"), names, foreign=names)
        except duckdb.Error as error:
            raise CorruptStoreError(
                f"the segments at {place.partition('?')[0]} cannot be read",
                "mend them, or leave the place out of CANILOAD_EVIDENCE",
            ) from error


def load_newer(
    database: duckdb.DuckDBPyConnection, settings: Settings, names: Sequence[str]
) -> None:
    """Add segments to the newer_* tables, each observation once; raises `CorruptStoreError`.

    An observation that the generation holds already, by id, is left out.
    """
    import duckdb

    try:
        root = settings.segments
        foreign = [name for name in names if (root / name / INGESTED).exists()]
        _load(database, root, names, foreign)
    except duckdb.Error as error:
        for name in names:
            try:
                for file in (OBSERVATIONS, SETTLEMENTS):
                    path = str(settings.segments / name / file)
                    database.execute(f"SELECT count(COLUMNS(*)) FROM read_parquet('{_q(path)}')")
            except duckdb.Error as cause:
                raise CorruptStoreError(
                    f"segment {settings.segments / name} is damaged",
                    "move its folder away, and ingest it again from where it was measured",
                ) from cause
        raise CorruptStoreError(
            f"the segments in {settings.segments} cannot be read",
            "move the newest folder away",
        ) from error


def _load(
    database: duckdb.DuckDBPyConnection,
    root: Path | str,
    names: Sequence[str],
    foreign: Sequence[str],
) -> None:
    picked = ", ".join(
        f"make_timestamp(epoch_us({name})) AS {name}" if kind == "TIMESTAMPTZ" else f"s.{name}"
        for name, kind in OBSERVATION_COLUMNS
        if name not in NOT_STORED
    )
    database.execute(
        "CREATE OR REPLACE TEMP TABLE read_now AS "
        f"SELECT s.*, parse_filename(parse_path(filename)[-2]) AS segment "
        f"FROM read_parquet({_files(root, names, OBSERVATIONS)}, filename=true) s "
        "WHERE id NOT IN (SELECT id FROM store.observations) "
        "AND id NOT IN (SELECT id FROM newer_observations) "
        "QUALIFY row_number() OVER (PARTITION BY id ORDER BY filename) = 1"
    )
    _prints(database)
    database.execute(
        f"INSERT INTO newer_observations SELECT {picked}, segment, "
        "CASE WHEN list_contains(?::VARCHAR[], segment) THEN 'ingested' ELSE 'local' END, "
        "CASE WHEN observer = 'ci' THEN 'ci' "
        "WHEN list_contains(?::VARCHAR[], segment) THEN 'other' ELSE 'me' END "
        "FROM read_now s",
        [list(foreign), list(foreign)],
    )
    settled = ", ".join(
        f"make_timestamp(epoch_us({name}))" if kind == "TIMESTAMPTZ" else name
        for name, kind in SETTLEMENT_COLUMNS
    )
    database.execute(
        f"INSERT INTO newer_settlements SELECT DISTINCT {settled} "
        f"FROM read_parquet({_files(root, names, SETTLEMENTS)}) s WHERE NOT EXISTS ("
        "SELECT 1 FROM (FROM store.settlements UNION ALL FROM newer_settlements) k "
        "WHERE k.run_id = s.run_id AND k.cell_id = s.cell_id)"
    )
    database.execute("DROP TABLE read_now")


def _prints(database: duckdb.DuckDBPyConnection) -> None:
    """Add the prints of what was read now; an observation whose fingerprint is damaged is none.

    To look for damage costs several times what reading does, and is done where reading fails.
    """
    import duckdb

    try:
        _outputs(database, "{}")
    except (duckdb.ConversionException, duckdb.InvalidInputException):
        _outputs(database, "TRY({})")
    database.execute(
        "DELETE FROM read_now WHERE id IN (SELECT id FROM outputs_now WHERE NOT whole);"
        "INSERT INTO newer_prints SELECT * EXCLUDE (whole) FROM outputs_now "
        "WHERE id IN (SELECT id FROM read_now);"
        "DROP TABLE outputs_now"
    )


def _outputs(database: duckdb.DuckDBPyConnection, how: str) -> None:
    """Lay the outputs of all fingerprints down; `how` wraps what fails where one is damaged."""
    fields = ", ".join(
        f"{how.format(f'CAST({text} AS {kind})')} AS {name}" for name, text, kind in _FIELDS
    )
    known = " AND ".join(f"{name} IS NOT NULL" for name, _, _ in _FIELDS if name != "dtype")
    each = how.format("CAST(fingerprint -> '$.outputs' AS JSON[])")
    database.execute(
        "CREATE OR REPLACE TEMP TABLE outputs_now AS SELECT id, output, * EXCLUDE (id, o, output), "
        f"o IS NOT NULL AND {known} AS whole FROM "
        f"(SELECT id, o, o ->> '$.name' AS output, {fields} FROM "
        f"(SELECT id, unnest(coalesce({each}, [NULL])) AS o FROM read_now "
        "WHERE fingerprint IS NOT NULL))"
    )


def _files(root: Path | str, names: Sequence[str], file: str) -> str:
    """Write the files' paths as a SQL list."""
    return "[" + ", ".join(f"'{_q(f'{root}/{name}/{file}')}'" for name in names) + "]"


def _q(text: str) -> str:
    return text.replace("'", "''")
