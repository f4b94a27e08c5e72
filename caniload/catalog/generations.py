"""Generations of the store: immutable files, and `CURRENT`, which names the one that counts.

`<home>/store/generations/<number>.duckdb` are written whole before `CURRENT`, a small JSON
file, is replaced atomically. It names the generation and its exact list of segments, so that a
reader knows which finished segments are newer. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from caniload.errors import (
    CorruptStoreError,
    DiskFullError,
    NewerStoreError,
    PermissionDeniedError,
    StoreError,
)
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

MIGRATIONS = Path(__file__).parent / "migrations"
COMPILED = "compiled"
"""The folder of a data directory that holds its tables ready made; `compiled` writes it."""
KEEP = 3
"""How many generations stay, so that a reader that was just told of one still finds it."""

REBUILD = "`caniload catalog rebuild` makes the store again from the recorded segments"


@dataclass(frozen=True, slots=True)
class Generation:
    """Say what `CURRENT` says: the generation's number, its schema, data and segments.

    `segments` are folder names under `settings.segments`; `data` is the digest of the authored
    files that it was built from, `data_stamp` their sizes and times, which are cheaper to see.
    """

    number: int
    schema_version: int
    segments: tuple[str, ...]
    data: str
    data_stamp: str
    published_at: str

    @property
    def name(self) -> str:
        """The number as files carry it, six digits."""
        return f"{self.number:06d}"

    def path(self, settings: Settings) -> Path:
        """Return the generation's file."""
        return folder(settings) / f"{self.name}.duckdb"


def folder(settings: Settings) -> Path:
    """Return the directory of the generations' files."""
    return settings.store / "generations"


def schema_version() -> int:
    """Return the newest schema that this program knows: the number of its last migration."""
    return max(number for number, _ in migrations())


def migrations() -> list[tuple[int, Path]]:
    """List the numbered migrations in order; a released one is never edited."""
    found = (entry.name for entry in os.scandir(MIGRATIONS) if entry.name.endswith(".sql"))
    return [(int(name.partition("_")[0]), MIGRATIONS / name) for name in sorted(found)]


def read_current(settings: Settings) -> Generation | None:
    """Read `CURRENT`; None if nothing was published yet.

    Raises `CorruptStoreError` if it is damaged, `NewerStoreError` if a newer caniload wrote it.
    """
    path = settings.store / "CURRENT"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CorruptStoreError(f"{path} is damaged", REBUILD) from error
    except OSError as error:
        raise translated(error, path) from error
    try:
        raw = json.loads(text)
        found = Generation(
            int(raw["generation"]),
            int(raw["schema_version"]),
            tuple(str(name) for name in raw["segments"]),
            str(raw["data"]),
            str(raw["data_stamp"]),
            str(raw["published_at"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptStoreError(f"{path} is damaged", REBUILD) from error
    if found.schema_version > schema_version():
        raise newer(path, found.schema_version)
    return found


def write_current(settings: Settings, generation: Generation) -> None:
    """Replace `CURRENT`: from then on readers open this generation."""
    text = json.dumps(
        {
            "generation": generation.number,
            "schema_version": generation.schema_version,
            "data": generation.data,
            "data_stamp": generation.data_stamp,
            "published_at": generation.published_at,
            "segments": list(generation.segments),
        },
        indent=1,
    )
    draft = settings.store / "CURRENT.part"
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(settings.store / "CURRENT")
    sync_folder(settings.store)


def numbers(settings: Settings) -> list[int]:
    """List the numbers of the generations' files on disk, whether published or not."""
    try:
        names = [entry.name for entry in os.scandir(folder(settings))]
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(".duckdb") for name in names if name.endswith(".duckdb"))
    return sorted(int(stem) for stem in stems if stem.isdigit())


def prune(settings: Settings, current: int) -> list[int]:
    """Remove all but the last generations, and what killed publishers left; lock held.

    Returns the numbers that stay.
    """
    kept = [number for number in numbers(settings) if number <= current][-KEEP:]
    for entry in list(os.scandir(folder(settings))):
        stem = entry.name.removesuffix(".duckdb")
        if not (stem.isdigit() and entry.name.endswith(".duckdb") and int(stem) in kept):
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()
    return kept


def migrate(database: duckdb.DuckDBPyConnection, catalog: str, have: int) -> None:
    """Bring an attached, writable database from schema `have` (0: empty) to the newest."""
    database.execute(f"USE {catalog}")
    try:
        for number, path in migrations():
            if number > have:
                database.execute(path.read_text(encoding="utf-8"))
    finally:
        database.execute("USE memory")


def stamp(data: Path, imported: Path | None = None) -> str:
    """Digest where the authored files lie, their names, sizes and times: one stat each.

    `imported` is the folder of the user's own snapshots.
    """
    parts = [str(data)]
    for path, status in (*_authored(data), *_snapshots(imported)):
        parts.append(f"{path}:{status.st_size}:{status.st_mtime_ns}")
    return _digest("\n".join(parts).encode())


def content(data: Path, imported: Path | None = None) -> str:
    """Digest the authored files' names and contents, and the user's own snapshots'."""
    parts = []
    for path, _ in (*_authored(data), *_snapshots(imported)):
        parts += [os.path.relpath(path, data).encode(), Path(path).read_bytes()]
    return _digest(b"\0".join(parts))


def sync_file(fd: int) -> None:
    """Wait until an open file is on disk."""
    os.fsync(fd)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def newer(path: Path, found: int) -> NewerStoreError:
    """Return the error for a file whose schema this program does not know yet."""
    return NewerStoreError(
        f"{path} has schema {found} and this caniload knows {schema_version()}",
        "upgrade caniload, or set CANILOAD_HOME to another directory",
    )


def translated(error: OSError, path: Path) -> StoreError:
    """Return the error of ours that an `OSError` on a path means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(f"no space left to write {path}", "free some and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = (error.strerror or "the system refused").lower()
        return PermissionDeniedError(f"cannot use {path}: {why}", "set CANILOAD_HOME")
    return StoreError(f"cannot use {path}: {error.strerror or error}", "check the disk")


@contextlib.contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn the system's and DuckDB's refusals on a path into caniload's words."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise translated(error, path) from error
    except duckdb.Error as error:
        raise damaged(error, path) from error


def damaged(error: duckdb.Error, path: Path) -> StoreError:
    """Return the error of ours that a DuckDB error on a store file means."""
    text = str(error).lower()
    if "no space left" in text or "file too large" in text:
        return DiskFullError(f"no space left to write {path}", "free some and try again")
    if "permission denied" in text or "read-only file system" in text:
        return PermissionDeniedError(f"cannot use {path}: permission denied", "set CANILOAD_HOME")
    if "newer version" in text or "we can only read" in text:
        return NewerStoreError(
            f"{path} was written by a newer DuckDB", "upgrade caniload and duckdb"
        )
    return CorruptStoreError(f"{path} is damaged", REBUILD)


def _authored(data: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield a data directory's YAML files and snapshots with status, and its segments' markers."""
    try:
        places = sorted(os.scandir(data), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for place in places:
        if place.name == COMPILED or place.name.startswith("."):
            continue
        if place.is_dir():
            inside = sorted(os.scandir(place.path), key=lambda entry: entry.name)
            for entry in inside:
                if entry.name.endswith((".yaml", ".parquet")):
                    yield entry.path, entry.stat()
                elif place.name == "evidence" and entry.is_dir():
                    marker = os.path.join(entry.path, "run.json")  # noqa: PTH118 - see above
                    yield marker, os.stat(marker)  # noqa: PTH116
        elif place.name.endswith(".yaml"):
            yield place.path, place.stat()


def _snapshots(imported: Path | None) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the snapshots of a folder with their status; none where there is no folder."""
    try:
        found = sorted(os.scandir(imported), key=lambda e: e.name) if imported else []
    except FileNotFoundError:
        return
    for entry in found:
        if entry.name.endswith(".parquet"):
            yield entry.path, entry.stat()


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()[:16]
