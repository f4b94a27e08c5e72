"""Publish generations of the store: one publisher at a time, nobody else waits.

A generation is written whole under a name of its own, made durable, and becomes the current
one when `CURRENT` is replaced. A publisher that is killed at any moment leaves the former
generation in place and rubbish that the next one removes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caniload import __version__
from caniload.catalog import (
    compiled,
    generations,
    overlay,
    search_tables,
    segments,
    verdicts,
)
from caniload.catalog.generations import Generation
from caniload.errors import BusyError, CorruptStoreError
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.answers import IngestReport
    from caniload.catalog.diagnosis import Rules

PUBLISH_AFTER = 20
"""Past this many newer segments a reader would spend its time on reading them."""

AUTHORED = (
    "models", "sources", "claims", "entry_settings", "same_weights", "published_numbers",
    "datasets", "tools", "environments", "failure_rules",
    "imports", "imported_sources", "imported_types", "imported_datasets", "joins",
    "dataset_joins",
    *search_tables.TABLES,
)  # fmt: skip
"""The tables that hold nothing but authored and imported data, and what is derived of it."""

LOCK_SECONDS = 120.0


def publish(
    settings: Settings, *, only_if_outdated: bool = False, lock_seconds: float = LOCK_SECONDS
) -> Generation:
    """Publish a generation of the authored data and all finished segments, and return it.

    What the former generation holds is carried over; only newer segments are read. Diagnoses
    are derived again when the rules changed. Raises `BusyError` if another publisher holds the
    lock for too long, `CatalogueError`, `CorruptStoreError`, `NewerStoreError`,
    `DiskFullError`, `PermissionDeniedError`.
    """
    from caniload.catalog.store import outdated

    with _alone(settings, lock_seconds):
        former = generations.read_current(settings)
        if only_if_outdated and former is not None and not outdated(settings, former):
            return former
        return _publish(settings, former)


def rebuild(settings: Settings, *, lock_seconds: float = LOCK_SECONDS) -> Generation:
    """Publish a generation of authored data and segments alone, whatever the former one holds.

    This is what mends a damaged store. Raises as `publish` does.
    """
    with _alone(settings, lock_seconds):
        with contextlib.suppress(CorruptStoreError):
            generations.read_current(settings)
        return _publish(settings, None)


def maybe_publish(settings: Settings) -> Generation | None:
    """Publish if more than `PUBLISH_AFTER` segments are newer; None if not, or if others do."""
    current = generations.read_current(settings)
    if current and len(segments.finished(settings, current.segments)) <= PUBLISH_AFTER:
        return None
    try:
        return publish(settings, lock_seconds=0.0)
    except BusyError:
        return None


def ingest(settings: Settings, paths: Iterable[Path | str]) -> IngestReport:
    """Take in finished segments that other machines measured; see `ingesting.ingest`."""
    from caniload.catalog.ingesting import ingest as take_in

    return take_in(settings, paths)


@contextlib.contextmanager
def _alone(settings: Settings, seconds: float) -> Iterator[None]:
    """Hold the publishers' lock."""
    import filelock

    with generations.translating(settings.store):
        generations.folder(settings).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(settings.store / "publish.lock", timeout=seconds)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise BusyError(
                "another process is publishing the store", "wait until it ends, then try again"
            ) from None
    try:
        yield
    finally:
        lock.release()


def _publish(settings: Settings, former: Generation | None) -> Generation:
    """Write the next generation and make it the current one; the lock is held."""
    stamp = generations.stamp(settings.data, settings.imported)
    content = generations.content(settings.data, settings.imported)
    if former is not None and not former.path(settings).exists():
        former = None
    have = former.segments if former else ()
    names = segments.finished(settings, have)
    known = generations.numbers(settings)
    number = max([*known, former.number if former else 0], default=0) + 1
    now = datetime.now(UTC).replace(microsecond=0)
    found = Generation(
        number,
        generations.schema_version(),
        (*have, *names),
        content,
        stamp,
        now.isoformat().replace("+00:00", "Z"),
    )
    target = found.path(settings)
    draft = target.with_name(f"{number:06d}.part")
    base = former.path(settings) if former else None
    unchanged = former is not None and former.data == content
    with generations.translating(draft):
        for leftover in (draft, Path(f"{draft}.wal"), target):
            leftover.unlink(missing_ok=True)
        ready = former is None and compiled.fits(settings, content)
        _write(settings, base, names, draft, unchanged, ready)
        _judge(draft, found)
        _durable(draft)
        draft.replace(target)
        generations.sync_folder(target.parent)
        generations.write_current(settings, found)
        overlay.forget(settings, generations.prune(settings, number))
    return found


def _write(
    settings: Settings,
    base: Path | None,
    names: list[str],
    draft: Path,
    unchanged: bool,
    ready: bool,
) -> None:
    """Write authored data, evidence and diagnoses into a new file.

    `unchanged` says that the base was made of the same authored files, which are then not
    read again; `ready` that what they give lies beside them, compiled, for want of a base.
    """
    import duckdb

    with duckdb.connect(":memory:") as database:
        same_schema = _attach_base(database, base, draft)
        verdicts.create_views(database)
        if names:
            segments.load_newer(database, settings, names)
        segments.load_packaged(database, settings.data)
        segments.load_elsewhere(database, settings)
        _attach_new(database, draft, "next")
        generations.migrate(database, "next", 0)
        if unchanged and same_schema:
            for table in AUTHORED:
                database.execute(f"INSERT INTO next.{table} FROM store.{table}")
            rules = verdicts.rules_of(database)
        else:
            rules = _write_authored(database, settings, ready)
        database.execute(
            "INSERT INTO next.observations FROM observations ORDER BY source, started_at, id;"
            "INSERT INTO next.settlements FROM settlements ORDER BY run_id, cell_id;"
            "INSERT INTO next.prints FROM prints ORDER BY observation_id, output"
        )
        same_rules = database.execute(
            "SELECT (SELECT rules FROM store.failure_rules) = rules FROM next.failure_rules"
        ).fetchall()
        if ready:
            compiled.diagnose(database, rules, "next", settings)
        elif same_rules == [(True,)]:
            database.execute("INSERT INTO next.diagnoses FROM store.diagnoses")
            verdicts.diagnose_rows(database, rules, "newer_observations", "next.diagnoses")
        else:
            verdicts.diagnose_rows(database, rules, "observations", "next.diagnoses")
        database.execute("DETACH next; DETACH store")
    Path(f"{draft}.base").unlink(missing_ok=True)


def _write_authored(database: duckdb.DuckDBPyConnection, settings: Settings, ready: bool) -> Rules:
    """Fill the authored and imported tables of `next`; return the diagnosis rules.

    `ready` says that what is authored lies there compiled, so that its files are not read.
    """
    from caniload.catalog import imported_tables

    imported_tables.write(database, "next", settings)
    if ready:
        return compiled.write(database, "next", settings)

    from caniload.catalog import authored_tables, dataset_joining, joining
    from caniload.catalog.authored import load
    from caniload.catalog.diagnosis import load_rules

    authored = load(settings.data)
    authored_tables.write(database, "next", authored)
    authored_tables.write_environments(database, "next", settings.data)
    joining.write(database, "next", settings.data, authored)
    dataset_joining.write(database, "next", settings.data)
    rules = load_rules(settings.data / "failures.yaml")
    database.execute("INSERT INTO next.failure_rules VALUES (?)", [rules.to_json()])
    search_tables.write(database, "next", settings.data)  # after all that it is derived of
    return rules


def _attach_base(database: duckdb.DuckDBPyConnection, base: Path | None, draft: Path) -> bool:
    """Attach the former generation as `store`, brought to our schema, or an empty one.

    Tells whether it had our schema already.
    """
    if base is None:
        database.execute("ATTACH ':memory:' AS store")
        generations.migrate(database, "store", 0)
        return False
    from caniload.catalog.store import attach

    with generations.translating(base):
        have = attach(database, base)
        if have < generations.schema_version():
            database.execute("DETACH store")
            copy = Path(f"{draft}.base")
            shutil.copyfile(base, copy)
            database.execute(f"ATTACH '{_quoted(copy)}' AS store")
            generations.migrate(database, "store", have)
    return have == generations.schema_version()


def _attach_new(database: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    database.execute(f"ATTACH '{_quoted(path)}' AS {name} (STORAGE_VERSION 'v1.5.0')")


def _judge(draft: Path, found: Generation) -> None:
    """Derive lineage and verdicts of everything, and sign the file."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        _attach_new(database, draft, "store")
        verdicts.create_views(database)
        verdicts.root(database, "store.observations", "store.lineage")
        database.execute("INSERT INTO scope SELECT DISTINCT group_key FROM store.lineage")
        verdicts.judge(database, "store.cell_verdicts")
        database.execute(
            "INSERT INTO store.meta VALUES (?, ?, ?::TIMESTAMP, ?)",
            [
                found.schema_version,
                found.number,
                found.published_at.removesuffix("Z").removesuffix("+00:00"),
                __version__,
            ],
        )
        database.execute("CHECKPOINT store; DETACH store")


def _durable(path: Path) -> None:
    """Wait until a file is on disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
