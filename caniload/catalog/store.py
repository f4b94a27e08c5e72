"""Open the store for reading: the current generation, and the finished segments newer than it.

Readers never wait for a publisher and never hold it up: a generation is immutable, and one
that was replaced stays on disk until three newer ones were published.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from caniload.catalog import generations, overlay, segments, verdicts
from caniload.errors import (
    BusyError,
    CaniloadError,
    CorruptStoreError,
    DiskFullError,
    PermissionDeniedError,
)
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.generations import Generation

WHOM = ("me", "ci", "all")
"""Whose evidence a question can be limited to; "me" is what this home measured itself."""


class Store:
    """Hold an open generation; a context manager. Use `open_store`.

    In SQL, `store.<table>` is the generation alone and plain names are views that add what is
    newer: observations, settlements, prints, diagnoses, lineage, cell_verdicts, ranked, answers;
    `standing` has the observations that count, `set_aside` names the others.
    Authored tables are models, sources, claims, datasets, tools, environments. Times are UTC.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        generation: Generation,
        settings: Settings,
        newer: Sequence[str],
        *,
        prepared: bool,
    ) -> None:
        """Take over a connection in which everything is prepared."""
        self.database = database
        self.generation = generation
        self.settings = settings
        self.newer = tuple(newer)
        self._prepared = prepared
        self._limit: tuple[str, str | None, str | None] = ("all", None, None)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    def sql(self, text: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run our own SQL and return all rows; raises `CorruptStoreError` on a damaged file."""
        self._prepare()
        return self.direct(text, params)

    def rows(self, text: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        """Run our own SQL and return all rows as dicts by column."""
        self._prepare()
        return self.direct_rows(text, params)

    def direct(
        self, text: str, params: Sequence[Any] | dict[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run SQL that names tables as `relation` gives them, without making views for it."""
        with self._reading():
            return self.database.execute(text, params or None).fetchall()

    def direct_rows(
        self, text: str, params: Sequence[Any] | dict[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """Run SQL as `direct` does and return dicts by column."""
        with self._reading():
            result = self.database.execute(text, params or None)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def relation(self, name: str) -> str:
        """Return what to select from for `cell_verdicts`, `diagnoses` or `observations`.

        Making the views takes 30 ms, which a `check` need not spend.
        """
        if self._prepared:
            return name
        return overlay.RELATIONS[name] if self.newer else f"store.{name}"

    def query_user(self, text: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Run SQL that a user wrote, which can reach this store alone; return columns and rows.

        The store is locked down for good by the first call. Raises `QueryError`.
        """
        from caniload.catalog.sql import query

        self._prepare()
        return query(self.database, text)

    def limit(self, whom: str, model: str | None, run: str | None = None) -> None:
        """Let `cell_verdicts` of a model (None: of all) rest on less: one observer's, one run's.

        `model` may be a source. It holds until the next call.
        """
        wanted = (whom, model if whom != "all" else None, run)
        if wanted == self._limit:
            return
        self._prepare()
        with self._reading():
            verdicts.limit(self.database, None if whom == "all" else whom, model, run)
        self._limit = wanted

    def _prepare(self) -> None:
        """Make the views, once."""
        if not self._prepared:
            with self._reading():
                verdicts.create_views(self.database)
                if self.newer:
                    overlay.copy_in(self.database)
            self._prepared = True

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what a damaged file makes DuckDB say into our own error."""
        import duckdb

        try:
            yield
        except (
            duckdb.IOException,
            duckdb.InternalException,
            duckdb.FatalException,
            duckdb.SerializationException,
        ) as error:
            raise generations.damaged(error, self.generation.path(self.settings)) from error


def open_store(settings: Settings, *, include_open_segments: bool = True) -> Store:
    """Open the current generation read-only, with the finished segments that are newer.

    The first generation is built when there is none, and a new one when the authored data or
    the schema changed. Raises `CorruptStoreError`, `NewerStoreError`, `PermissionDeniedError`.
    """
    missing: OSError | None = None
    for attempt in range(4):
        generation = _current(settings, rebuilt=attempt == 2)
        path = generation.path(settings)
        try:
            path.stat()
        except FileNotFoundError as error:
            missing = error
            continue
        except OSError as error:
            raise generations.translated(error, path) from error
        try:
            return _open(settings, generation, include_open_segments)
        except FileNotFoundError as error:
            missing = error
    raise CorruptStoreError(
        f"{settings.store} names a generation that is not there", generations.REBUILD
    ) from missing


def _current(settings: Settings, *, rebuilt: bool) -> Generation:
    """Return the current generation, publishing one first where that is needed.

    `rebuilt` says that the one `CURRENT` names has gone: somebody deleted the file.
    """
    found = generations.read_current(settings)
    if found is not None and not rebuilt and not outdated(settings, found):
        return found
    from caniload.catalog import publishing

    try:
        return publishing.publish(settings, only_if_outdated=True)
    except (PermissionDeniedError, DiskFullError, BusyError):
        if found is None or found.schema_version != generations.schema_version():
            raise
        return found


def outdated(settings: Settings, generation: Generation) -> bool:
    """Tell whether a generation is not what this program would build of the authored data."""
    return (
        generation.schema_version < generations.schema_version()
        or not generation.path(settings).exists()
        or (
            generation.data_stamp != generations.stamp(settings.data, settings.imported)
            and generation.data != generations.content(settings.data, settings.imported)
        )
    )


def _open(settings: Settings, generation: Generation, include_newer: bool) -> Store:
    import duckdb

    path = generation.path(settings)
    names = segments.finished(settings, generation.segments) if include_newer else []
    database = duckdb.connect(":memory:")
    try:
        attach(database, path)
        known = bool(names) and overlay.attach(database, settings, generation, names)
        if names and not known:
            verdicts.create_views(database)
            segments.load_newer(database, settings, names)
            rules = verdicts.rules_of(database)
            verdicts.diagnose_rows(database, rules, "newer_observations", "newer_diagnoses")
            verdicts.root(database, "newer_observations", "newer_lineage")
            database.execute(
                "INSERT INTO fresh_groups SELECT DISTINCT group_key FROM newer_lineage"
            )
            verdicts.judge_newer(database)
            overlay.save(database, settings, generation, names)
    except duckdb.Error as error:
        database.close()
        if not path.exists():
            raise FileNotFoundError(path) from error
        raise generations.damaged(error, path) from error
    except CaniloadError:
        database.close()
        raise
    return Store(database, generation, settings, names, prepared=bool(names) and not known)


def attach(database: duckdb.DuckDBPyConnection, path: object) -> int:
    """Attach a generation read-only as `store`; returns its schema version."""
    name = str(path).replace("'", "''")
    database.execute(f"ATTACH '{name}' AS store (READ_ONLY)")
    found = database.execute("SELECT schema_version FROM store.meta").fetchall()
    if not found:
        raise CorruptStoreError(f"{path} holds no generation", generations.REBUILD)
    if found[0][0] > generations.schema_version():
        from pathlib import Path

        raise generations.newer(Path(str(path)), found[0][0])
    return int(found[0][0])
