"""Keep what was derived of the newer segments, so that the next reader need not derive it.

Reading and judging a handful of segments takes 0.3 s, most of it planning. The first reader
after a run writes the result beside the generations; it belongs to one generation and one list
of segments, both immutable, and can be deleted at any time. Best effort: a home that cannot be
written is read as well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caniload.catalog.generations import Generation, sync_file
from caniload.catalog.verdicts import EVIDENCE
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

RELATIONS = {
    "observations": "(FROM store.observations UNION ALL FROM newer.observations)",
    "settlements": "(FROM store.settlements UNION ALL FROM newer.settlements)",
    "diagnoses": "(FROM store.diagnoses UNION ALL FROM newer.diagnoses)",
    "cell_verdicts": "(FROM store.cell_verdicts WHERE group_key NOT IN (FROM newer.fresh_groups) "
    "UNION ALL FROM newer.fresh_verdicts)",
}
"""What to select from while the views are not made: the same as the views say."""


def attach(
    database: duckdb.DuckDBPyConnection,
    settings: Settings,
    generation: Generation,
    names: Sequence[str],
) -> bool:
    """Attach what an earlier reader derived, as `newer`; False if there is none that opens."""
    import duckdb

    path = _path(settings, generation, names)
    if not path.exists():
        return False
    try:
        database.execute(f"ATTACH '{_quoted(path)}' AS newer (READ_ONLY)")
        database.execute("SELECT group_key FROM newer.fresh_groups").fetchall()
    except duckdb.Error:
        with contextlib.suppress(duckdb.Error):
            database.execute("DETACH newer")
        return False
    return True


def copy_in(database: duckdb.DuckDBPyConnection) -> None:
    """Fill the in-memory tables that the views read from the attached `newer`."""
    for name in EVIDENCE:
        database.execute(f"INSERT INTO newer_{name} FROM newer.{name}")
    database.execute(
        "INSERT INTO fresh_groups FROM newer.fresh_groups;"
        "INSERT INTO fresh_verdicts FROM newer.fresh_verdicts"
    )


def save(
    database: duckdb.DuckDBPyConnection,
    settings: Settings,
    generation: Generation,
    names: Sequence[str],
) -> None:
    """Write what was derived, whole or not at all; a failure to write is no failure."""
    import duckdb

    path = _path(settings, generation, names)
    draft = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(exist_ok=True)
        database.execute(f"ATTACH '{_quoted(draft)}' AS kept (STORAGE_VERSION 'v1.5.0')")
        try:
            for name in EVIDENCE:
                database.execute(f"CREATE TABLE kept.{name} AS FROM newer_{name}")
            for name in ("fresh_groups", "fresh_verdicts"):
                database.execute(f"CREATE TABLE kept.{name} AS FROM {name}")
        finally:
            database.execute("DETACH kept")
        with draft.open("rb") as file:
            sync_file(file.fileno())
        draft.replace(path)
        for other in path.parent.glob(f"{generation.name}-*.duckdb"):
            if other != path:
                other.unlink()
    except (OSError, duckdb.Error):
        for leftover in (draft, Path(f"{draft}.wal")):
            with contextlib.suppress(OSError):
                leftover.unlink()


def forget(settings: Settings, kept: Sequence[int]) -> None:
    """Remove what belongs to generations that are gone, and what killed readers left."""
    for path in folder(settings).glob("*"):
        number = path.name.partition("-")[0]
        if not (path.suffix == ".duckdb" and number.isdigit() and int(number) in kept):
            with contextlib.suppress(OSError):
                path.unlink()


def folder(settings: Settings) -> Path:
    """Return the directory of these files."""
    return settings.store / "newer"


def _path(settings: Settings, generation: Generation, names: Sequence[str]) -> Path:
    import hashlib

    digest = hashlib.sha256("\n".join((generation.published_at, *names)).encode()).hexdigest()
    return folder(settings) / f"{generation.name}-{digest[:16]}.duckdb"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
