"""Check a segment that another machine handed over, before anything of it is kept.

Which check is made how:

- the files are those that `run.json` names, by SHA-256 of their bytes; the header by pydantic
- columns, their types, the number of rows, ids that repeat or are not well-formed, words that no
  enum has, JSON columns that hold no JSON, a row without its record: in SQL, over every row
- a fingerprint: not here; what has one that cannot be read is no evidence to the store
- a row agrees with its record: in SQL, by text. A record begins with what `Observation` writes
  first (ids, the whole cell, attempt, times, outcome, stage, evidence level); this beginning is
  written again from the columns and compared, and the cell's id is hashed again from it. Recipes
  are few: each is validated by pydantic once
- a row that does not show so (a record of another version, a name that JSON may write in two
  ways), and every row of a segment that names no hashes: pydantic reads the record whole, and all
  that the store keeps of it is compared value by value

The store never reads `record`: what follows its beginning is validated by whoever reads it.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caniload.catalog.segments import MARKER, OBSERVATIONS, SETTLEMENTS
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.errors import CorruptSegmentError
from caniload.words import EvidenceLevel, Outcome, Stage

if TYPE_CHECKING:
    import duckdb

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")

MAX_MARKER_BYTES = 256_000_000
MAX_TABLE_BYTES = 20_000_000_000
"""Larger files are no segment's: a run of 100,000 cells takes 50 MB and 300 MB."""

_WORDS = {
    "outcome": tuple(each.value for each in Outcome),
    "stage": tuple(each.value for each in Stage),
    "evidence_level": tuple(each.value for each in EvidenceLevel),
    "kind": ("attempt", "export"),
    "worker": ("fresh", "warm"),
    "weights": ("pretrained", "random"),
}
_MAY_BE_NULL = ("evidence_level",)
_JSON = ("exceptions", "checks", "facts", "sandbox", "numbers", "decisive", "lock", "patches")


def _time(name: str) -> str:
    """Write a moment in SQL as pydantic does: UTC, the fraction left out where it is zero."""
    at = f"make_timestamp(epoch_us({name}))"
    return (
        f"(CASE WHEN epoch_us({name}) % 1000000 = 0 THEN strftime({at}, '%Y-%m-%dT%H:%M:%SZ') "
        f"ELSE strftime({at}, '%Y-%m-%dT%H:%M:%S.%fZ') END)"
    )


def _text(name: str) -> str:
    return f"coalesce(CAST(to_json({name}) AS VARCHAR), 'null')"


_CELL = ("model", "handle", "loader", "framework", "environment", "environment_key", "device")
_CELL_ENDS = ("kind", "export_format", "parent_observation")
_ENDED = ("outcome", "stage", "evidence_level", "worker")
_BEGINNING = (
    """'{"schema_version":'""", "$version", """',"id":'""", _text("id"),
    """',"run_id":'""", _text("run_id"), """',"cell":{'""",
    *(part for name in _CELL for part in (f"""'"{name}":'""", _text(name), "','")),
    """'"recipe":'""", "dumped",
    *(part for name in _CELL_ENDS for part in (f"""',"{name}":'""", _text(name))),
    """',"adapter":null'""",
)  # fmt: skip
_REST = (
    """'},"attempt":'""", "attempt", """',"started_at":"'""", _time("started_at"),
    """'","finished_at":"'""", _time("finished_at"), """'",'""",
    *(part for name in _ENDED for part in (f"""'"{name}":'""", _text(name), "','")),
    """'"stage_seconds":{'""",
)  # fmt: skip
_WRITTEN = f"concat({', '.join((*_BEGINNING, *_REST))})"
"""How a record begins, of the columns: one call, for `||` would copy what it has for each part."""
_ID = (
    "left(sha256('[' || concat_ws(',', "
    + ", ".join(
        _text(name)
        for name in (
            "handle",
            "loader",
            "framework",
            "environment_key",
            "device",
            "recipe_hash",
            "kind",
            "export_format",
        )
    )
    + ") || ']'), 24)"
)
_UNSHOWN = f"""
SELECT s.id FROM read_parquet($path) s LEFT JOIN recipes r
    ON r.written = s.recipe AND r.hash = s.recipe_hash AND r.weights = s.weights
WHERE NOT coalesce(
    run_id = $run AND starts_with(handle, source)
    AND (revision IS NULL OR contains(handle, '@' || revision))
    AND (format IS NULL OR NOT contains(handle, '#') OR contains(handle, '#' || format))
    AND starts_with(record, {_WRITTEN}) AND ends_with(record, '}}')
    AND cell_id = {_ID}, false)
"""
"""The rows that do not show by their text that they agree with their record: those made through
an adapter, which are few, among them."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One segment that was handed over and found whole."""

    folder: Path
    run_id: str
    ids: tuple[str, ...]
    observer: str
    caniload_version: str
    machine: str


class Checker:
    """Check segments, in several threads if need be; each has a database of its own.

    A database is kept from one segment to the next, for the memory that it has come by: a quarter
    of the time of a check went there. One in which anything went wrong is not used again.
    """

    def __init__(self) -> None:
        """Open nothing yet."""
        self._here = threading.local()

    def check(self, folder: Path) -> Handed:
        """Check a segment as the module says; raises `CorruptSegmentError`: what is wrong."""
        import duckdb

        database = getattr(self._here, "database", None) or duckdb.connect(":memory:")
        self._here.database = None
        try:
            handed = _check(folder, database)
        except BaseException:
            database.close()
            raise
        self._here.database = database
        return handed


def _check(folder: Path, database: duckdb.DuckDBPyConnection) -> Handed:
    """Check one segment; whatever goes wrong is a `CorruptSegmentError` that says what it is."""
    import duckdb
    from pydantic import ValidationError

    try:
        return _checked(folder, database)
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise CorruptSegmentError(f"it holds no {name}; only finished runs are taken") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CorruptSegmentError(f"a record is not valid: {place}: {first['msg']}") from error
    except (duckdb.Error, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CorruptSegmentError):
            raise
        line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise CorruptSegmentError(f"it is damaged: {line}") from error


def _checked(folder: Path, database: duckdb.DuckDBPyConnection) -> Handed:
    from caniload.records import SCHEMA_VERSION, RunHeader

    limits = {MARKER: MAX_MARKER_BYTES, OBSERVATIONS: MAX_TABLE_BYTES, SETTLEMENTS: MAX_TABLE_BYTES}
    for name, most in limits.items():
        if (folder / name).stat().st_size > most:
            raise CorruptSegmentError(f"{name} is larger than {most:,} bytes")
    marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    version, run_id = marker["schema_version"], marker["run_id"]
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise CorruptSegmentError(
            f"it has schema {version} and this caniload knows {SCHEMA_VERSION}; upgrade"
        )
    if not isinstance(run_id, str) or not RUN_ID.match(run_id):
        raise CorruptSegmentError("its run id cannot be a folder's name")
    header = RunHeader.model_validate(marker["header"])
    hashes = dict(marker.get("sha256", {}))
    for name in (OBSERVATIONS, SETTLEMENTS):
        if name in hashes and _sha256(folder / name) != hashes[name]:
            raise CorruptSegmentError(f"{name} is not the file that run.json names by hash")
    path = str(folder / OBSERVATIONS)
    ids = _every_row(database, path, marker["observations"])
    _settlements(database, str(folder / SETTLEMENTS), run_id, marker["settlements"])
    unshown = list(ids)
    if {OBSERVATIONS, SETTLEMENTS} <= set(hashes):
        _recipes(database, path)
        wanted = {"path": path, "run": run_id, "version": str(version)}
        unshown = [row[0] for row in database.execute(_UNSHOWN, wanted).fetchall()]
    for row in _rows(database, path, unshown):
        _agrees(row, run_id)
    by = header.observer
    return Handed(folder, run_id, ids, by.name, by.caniload_version, by.machine)


def _every_row(database: duckdb.DuckDBPyConnection, path: str, count: object) -> tuple[str, ...]:
    """Check what every row must be, whatever its record says; return the ids."""
    _columns(database, path, OBSERVATION_COLUMNS)
    faults = {
        "has no record; evidence that comes with caniload is not handed over": "record IS NULL",
        "has an id that is not well-formed": (
            "NOT coalesce(regexp_full_match(id, '[A-Za-z0-9][A-Za-z0-9._-]{0,119}'), false)"
        ),
    }
    for name, words in _WORDS.items():
        listed = ", ".join(f"'{word}'" for word in words)
        null = "false" if name in _MAY_BE_NULL else "true"
        faults[f"has an unknown {name}"] = f"coalesce({name} NOT IN ({listed}), {null})"
    for name in _JSON:
        faults[f"has no JSON in {name}"] = f"NOT coalesce(json_valid({name}), true)"
    which = " ".join(f"WHEN {test} THEN '{what}'" for what, test in faults.items())
    found = database.execute(f"SELECT id, CASE {which} END FROM read_parquet(?)", [path]).fetchall()
    wrong = next((row for row in found if row[1] is not None), None)
    if wrong is not None:
        raise CorruptSegmentError(f"observation {wrong[0]} {wrong[1]}")
    if len(found) != count:
        raise CorruptSegmentError(f"{len(found)} observations, not {count}")
    ids = tuple(row[0] for row in found)
    if len(set(ids)) != len(ids):
        raise CorruptSegmentError("two of its observations have one id")
    return ids


def _settlements(
    database: duckdb.DuckDBPyConnection, path: str, run_id: str, count: object
) -> None:
    """Check the settlements: of this run, each cell once, with an outcome that there is."""
    _columns(database, path, SETTLEMENT_COLUMNS)
    words = ", ".join(f"'{each}'" for each in _WORDS["outcome"])
    found = database.execute(
        "SELECT count(*), count(DISTINCT cell_id), coalesce(bool_and(run_id = ? AND "
        f"json_valid(observations) AND outcome IN ({words}) AND settled_at IS NOT NULL), true) "
        "FROM read_parquet(?)",
        [run_id, path],
    ).fetchone()
    assert found is not None
    if found[0] != count or found[1] != count or not found[2]:
        raise CorruptSegmentError("its settlements are not those of its cells")


def _columns(
    database: duckdb.DuckDBPyConnection, path: str, columns: tuple[tuple[str, str], ...]
) -> None:
    """Check that a file has our columns; a text may stand for JSON."""
    found = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
    have = {row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for row in found}
    for name, kind in columns:
        if name not in have:
            raise CorruptSegmentError(f"{Path(path).name} has no column {name}")
        if have[name] != kind and not (kind == "JSON" and have[name] == "VARCHAR"):
            raise CorruptSegmentError(f"column {name} is {have[name]}, not {kind}")


def _recipes(database: duckdb.DuckDBPyConnection, path: str) -> None:
    """Validate each distinct recipe, and write it as it stands in a record."""
    from pydantic import ValidationError

    from caniload.records import Recipe

    database.execute("CREATE OR REPLACE TABLE recipes (written VARCHAR, dumped VARCHAR, "
                     "hash VARCHAR, weights VARCHAR)")  # fmt: skip
    texts = database.execute("SELECT DISTINCT recipe FROM read_parquet(?)", [path]).fetchall()
    for (text,) in texts:
        try:
            recipe = Recipe.model_validate_json(text)
        except ValidationError:
            continue
        values = [text, recipe.model_dump_json(), recipe.hash, recipe.weights]
        database.execute("INSERT INTO recipes VALUES (?, ?, ?, ?)", values)


def _rows(database: duckdb.DuckDBPyConnection, path: str, ids: list[str]) -> list[dict[str, Any]]:
    """Read rows whole, as their columns' types, so that a damaged page shows."""
    if not ids:
        return []
    names = [name for name, _ in OBSERVATION_COLUMNS]
    picked = ", ".join(
        f"epoch_us({name}) AS {name}" if kind == "TIMESTAMPTZ" else f'"{name}"'
        for name, kind in OBSERVATION_COLUMNS
    )
    database.execute("CREATE OR REPLACE TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS id", [ids])
    found = database.execute(
        f"SELECT {picked} FROM read_parquet(?) WHERE id IN (FROM wanted)", [path]
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def _agrees(row: dict[str, Any], run_id: str) -> None:
    """Read a record whole and compare all that the store keeps of it with the row."""
    from caniload.handles import parse
    from caniload.records import Observation

    record = Observation.model_validate_json(row["record"])
    fields, cell, handle = json.loads(row["record"]), record.cell, parse(record.cell.handle)
    first = record.exceptions[0] if record.exceptions else None
    told = {name: getattr(cell, name) for name in (*_CELL, *_CELL_ENDS)}
    told |= {
        "id": record.id,
        "run_id": run_id,
        "cell_id": cell.id,
        "attempt": record.attempt,
        "source": handle.source,
        "revision": handle.revision,
        "recipe_hash": cell.recipe.hash,
        "weights": cell.recipe.weights,
        "outcome": record.outcome.value,
        "stage": record.stage.value,
        "evidence_level": fields.get("evidence_level"),
        "worker": record.worker,
        "wall_seconds": record.wall_seconds,
        "started_at": round(record.started_at.timestamp() * 1e6),
        "finished_at": round(record.finished_at.timestamp() * 1e6),
        "exception_type": first.type if first else None,
        "exception_message": first.message if first else None,
        "message": record.message,
        "signal": record.signal,
        "observer": record.observer.name,
    }
    wrong = [name for name, value in told.items() if row[name] != value]
    for name in ("exceptions", "checks", "fingerprint"):
        value = None if row[name] is None else json.loads(row[name])
        if value != fields.get(name, [] if name != "fingerprint" else None):
            wrong.append(name)
    if record.run_id != run_id:
        wrong.append("run_id")
    if wrong:
        raise CorruptSegmentError(f"observation {row['id']} contradicts its record: {wrong[0]}")


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
