"""Take in finished segments that other machines measured, each observation once.

A segment is checked whole before anything is kept; `segment_checks` says how. Imports pydantic;
no query does this.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from caniload.catalog import generations, segment_places
from caniload.catalog.answers import IngestReport
from caniload.catalog.segment_checks import Checker, Handed
from caniload.catalog.segments import INGESTED, MARKER, OBSERVATIONS, SETTLEMENTS
from caniload.errors import CaniloadError, CorruptSegmentError, UnreadableFileError
from caniload.settings import Settings


def ingest(settings: Settings, places: Iterable[Path | str]) -> IngestReport:
    """Copy finished segments into this home; keyed by observation id, so doing it twice is once.

    A place is a segment's folder, its `run.json`, a folder of segments, or the URL of any of
    them. What is refused is named in the report with the reason; raises `CorruptSegmentError`
    when nothing was any good, `UnreadableFileError` for a place that is not there or is not
    reached.
    """
    added = known = 0
    rejected: list[tuple[str, str]] = []
    kept: list[str] = []
    runs: dict[str, None] = {}
    with contextlib.closing(_checked(places, settings)) as checked:
        for name, opened, checking in checked:
            try:
                with opened:
                    handed = checking.result()
                    new, name_kept = _take(settings, handed, name)
            except CorruptSegmentError as error:
                rejected.append((name, error.message))
                continue
            if name_kept is not None:
                kept.append(name_kept)
            runs[handed.run_id] = None
            added += new
            known += len(handed.ids) - new
    if rejected and not (added or known or kept):
        raise CorruptSegmentError(
            f"{rejected[0][0]}: {rejected[0][1]}", "copy it again from where it was measured"
        )
    return IngestReport(added, known, tuple(rejected), tuple(kept), tuple(runs))


_Checking = tuple[str, contextlib.ExitStack, Future[Handed]]
"""What a segment is called, what holds its folder open, and what comes of its check."""


def _checked(places: Iterable[Path | str], settings: Settings) -> Generator[_Checking, None, None]:
    """Open and check segments on all cores, a few ahead of the one that is kept; in their order.

    What is wrong with a place is raised when the segments before it have been yielded.
    """
    checker, workers = Checker(), len(os.sched_getaffinity(0))
    waiting: deque[_Checking] = deque()
    unread: CaniloadError | None = None

    def check(held: contextlib.ExitStack, opened: AbstractContextManager[Path]) -> Handed:
        return checker.check(held.enter_context(opened))

    try:
        with ThreadPoolExecutor(workers, thread_name_prefix="checks") as pool:
            try:
                for name, opened in _segments(places, settings):
                    held = contextlib.ExitStack()
                    waiting.append((name, held, pool.submit(check, held, opened)))
                    if len(waiting) > workers:
                        yield waiting.popleft()
            except CaniloadError as error:
                unread = error
            while waiting:
                yield waiting.popleft()
            if unread is not None:
                raise unread
    finally:
        for _, held, checking in waiting:
            checking.cancel()
            held.close()


def _take(settings: Settings, handed: Handed, place: str) -> tuple[int, str | None]:
    """Keep what is new of a segment; return how many observations, and under which name."""
    with generations.translating(settings.segments):
        settings.segments.mkdir(parents=True, exist_ok=True)
        have = _known(settings, handed.run_id)
        new = [key for key in handed.ids if key not in have]
        if new or not (handed.ids or _names(settings, handed.run_id)):
            return len(new), _keep(settings, handed, new, place)
    return 0, None


def _segments(
    places: Iterable[Path | str], settings: Settings
) -> Iterator[tuple[str, AbstractContextManager[Path]]]:
    """Yield the segments that places mean: what each is called, and its folder once opened."""
    for place in places:
        if segment_places.is_url(str(place)):
            for url in segment_places.listed(str(place)):
                yield segment_places.shown(url), segment_places.downloaded(url, settings.home)
        else:
            for folder in _folders(Path(place)):
                yield str(folder), contextlib.nullcontext(folder)


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


def _known(settings: Settings, run_id: str) -> set[str]:
    """Return the observation ids of a run that this home already has as finished segments."""
    import duckdb

    found: set[str] = set()
    names = _names(settings, run_id)
    if not names:
        return found
    with duckdb.connect(":memory:") as database:
        for name in names:
            path = str(settings.segments / name / OBSERVATIONS)
            rows = database.execute("SELECT id FROM read_parquet(?)", [path]).fetchall()
            found.update(row[0] for row in rows)
    return found


def _names(settings: Settings, run_id: str) -> list[str]:
    """Return the finished segments of a run: its own folder and later additions."""
    names = [run_id, *(path.name for path in settings.segments.glob(f"{run_id}.part*"))]
    return [name for name in names if (settings.segments / name / MARKER).exists()]


def _keep(settings: Settings, handed: Handed, new: list[str], place: str) -> str:
    """Copy a segment, or what is new of it, under a name of its own; whole or not at all.

    `ingested.json` says whose it is: who measured, where it came from, when it was taken in.
    """
    have = _names(settings, handed.run_id)
    name = handed.run_id if not have else f"{handed.run_id}.part{len(have) + 1}"
    target = settings.segments / name
    draft = Path(tempfile.mkdtemp(prefix=".ingest-", dir=settings.segments))
    try:
        for file in (OBSERVATIONS, SETTLEMENTS):
            shutil.copyfile(handed.folder / file, draft / file)
        if len(new) < len(handed.ids):
            _only(draft / OBSERVATIONS, new)
        told = {
            "run_id": handed.run_id,
            "observer": handed.observer,
            "caniload_version": handed.caniload_version,
            "machine": handed.machine,
            "from": place,
            "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (draft / INGESTED).write_text(json.dumps(told, indent=1), encoding="utf-8")
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
            "CREATE TABLE kept AS SELECT * FROM read_parquet(?) "
            "WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [str(path), ids],
        )
        quoted = str(path).replace("'", "''")
        database.execute(f"COPY kept TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
