"""Take in finished segments that other machines measured, each observation once.

A segment is checked whole before anything is kept: its marker, its hashes and every record.
Imports pydantic; no query does this.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caniload.catalog import generations
from caniload.catalog.answers import IngestReport
from caniload.catalog.segments import INGESTED, MARKER, OBSERVATIONS, SETTLEMENTS
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.errors import CorruptSegmentError, UnreadableFileError
from caniload.settings import Settings

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class _Handed:
    """One segment that was handed over and found whole."""

    folder: Path
    run_id: str
    ids: tuple[str, ...]


def ingest(settings: Settings, paths: Iterable[Path]) -> IngestReport:
    """Copy finished segments into this home; keyed by observation id, so doing it twice is once.

    A path is a segment's folder, its `run.json`, or a folder of segments. What is refused is
    named in the report with the reason; raises `CorruptSegmentError` when nothing was any
    good, `UnreadableFileError` for a path that is not there.
    """
    added = known = 0
    rejected: list[tuple[str, str]] = []
    kept: list[str] = []
    for path in paths:
        for folder in _folders(path):
            try:
                handed = _checked(folder)
            except CorruptSegmentError as error:
                rejected.append((str(folder), error.message))
                continue
            with generations.translating(settings.segments):
                settings.segments.mkdir(parents=True, exist_ok=True)
                have = _known(settings, handed.run_id)
                new = [key for key in handed.ids if key not in have]
                if new or not (handed.ids or _names(settings, handed.run_id)):
                    kept.append(_keep(settings, handed, new))
            added += len(new)
            known += len(handed.ids) - len(new)
    if rejected and not (added or known or kept):
        raise CorruptSegmentError(
            f"{rejected[0][0]}: {rejected[0][1]}", "copy it again from where it was measured"
        )
    return IngestReport(added, known, tuple(rejected), tuple(kept))


def _folders(path: Path) -> Iterator[Path]:
    """Yield the segment folders that a path means."""
    if path.is_file() and path.name == MARKER:
        yield path.parent
    elif path.is_dir():
        inside = sorted(entry.parent for entry in path.glob(f"*/{MARKER}"))
        if (path / MARKER).exists() or not inside:
            yield path
        else:
            yield from inside
    elif path.exists():
        raise UnreadableFileError(str(path), "it is not a segment", f"give its folder or {MARKER}")
    else:
        raise UnreadableFileError(str(path), "there is no such file", "give a segment's folder")


def _checked(folder: Path) -> _Handed:
    """Check a segment: marker, schema, hashes, columns, and that each record says the same."""
    import duckdb
    from pydantic import ValidationError

    from caniload.records import SCHEMA_VERSION, Observation, RunHeader

    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        version, run_id = marker["schema_version"], marker["run_id"]
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise CorruptSegmentError(
                f"it has schema {version} and this caniload knows {SCHEMA_VERSION}; upgrade"
            )
        if not isinstance(run_id, str) or not _RUN_ID.match(run_id):
            raise CorruptSegmentError("its run id cannot be a folder's name")
        RunHeader.model_validate(marker["header"])
        for name, expected in dict(marker.get("sha256", {})).items():
            if name in (OBSERVATIONS, SETTLEMENTS) and _sha256(folder / name) != expected:
                raise CorruptSegmentError(f"{name} is not the file that run.json names by hash")
        with duckdb.connect(":memory:") as database:
            rows = _rows(database, folder / OBSERVATIONS, OBSERVATION_COLUMNS)
            _rows(database, folder / SETTLEMENTS, SETTLEMENT_COLUMNS)
        if len(rows) != marker["observations"]:
            raise CorruptSegmentError(f"{len(rows)} observations, not {marker['observations']}")
        for row in rows:
            record = Observation.model_validate_json(row["record"])
            told = (row["id"], row["run_id"], row["cell_id"], row["outcome"])
            if told != (record.id, run_id, record.cell.id, record.outcome.value):
                raise CorruptSegmentError(f"observation {row['id']} contradicts its record")
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
    return _Handed(folder, run_id, tuple(row["id"] for row in rows))


def _rows(database: Any, path: Path, columns: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """Read all of a Parquet file as its columns' types, so that a damaged page shows."""
    names = [name for name, _ in columns]
    picked = ", ".join(
        f"CAST({name} AS VARCHAR) AS {name}" if kind == "TIMESTAMPTZ" else f'"{name}"'
        for name, kind in columns
    )
    found = database.execute(f"SELECT {picked} FROM read_parquet(?)", [str(path)]).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def _known(settings: Settings, run_id: str) -> set[str]:
    """Return the observation ids of a run that this home already has as finished segments."""
    import duckdb

    found: set[str] = set()
    with duckdb.connect(":memory:") as database:
        for name in _names(settings, run_id):
            path = str(settings.segments / name / OBSERVATIONS)
            rows = database.execute("SELECT id FROM read_parquet(?)", [path]).fetchall()
            found.update(row[0] for row in rows)
    return found


def _names(settings: Settings, run_id: str) -> list[str]:
    """Return the finished segments of a run: its own folder and later additions."""
    names = [run_id, *(path.name for path in settings.segments.glob(f"{run_id}.part*"))]
    return [name for name in names if (settings.segments / name / MARKER).exists()]


def _keep(settings: Settings, handed: _Handed, new: list[str]) -> str:
    """Copy a segment, or what is new of it, under a name of its own; whole or not at all."""
    have = _names(settings, handed.run_id)
    name = handed.run_id if not have else f"{handed.run_id}.part{len(have) + 1}"
    target = settings.segments / name
    draft = Path(tempfile.mkdtemp(prefix=".ingest-", dir=settings.segments))
    try:
        for file in (OBSERVATIONS, SETTLEMENTS):
            shutil.copyfile(handed.folder / file, draft / file)
        if len(new) < len(handed.ids):
            _only(draft / OBSERVATIONS, new)
        (draft / INGESTED).write_text(json.dumps({"run_id": handed.run_id}), encoding="utf-8")
        shutil.copyfile(handed.folder / MARKER, draft / MARKER)
        draft.chmod(0o755)
        for kept in draft.iterdir():
            with kept.open("rb") as opened:
                generations.sync_file(opened.fileno())
        if target.exists():  # a run of this id was begun here and never finished
            raise CorruptSegmentError(
                f"run {handed.run_id} is unfinished in this home", "finish it or move it away"
            )
        draft.rename(target)
        generations.sync_folder(settings.segments)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return name


def _only(path: Path, ids: list[str]) -> None:
    """Rewrite a Parquet file of observations with some of them."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        database.execute(
            "CREATE TABLE kept AS SELECT * FROM read_parquet(?) WHERE list_contains(?, id)",
            [str(path), ids],
        )
        quoted = str(path).replace("'", "''")
        database.execute(f"COPY kept TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
