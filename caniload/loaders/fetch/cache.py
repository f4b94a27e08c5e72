"""What was fetched and is kept: where it lies, whether it is whole, listing and removing it.

Layout below `settings.artefacts`: ``<hub>/<locator>/<revision>/<selection>/`` holds `files/`
and `artefact.json`, which is written before the folder gets its name, so that a folder that
is there is whole. `.partial/` holds unfinished fetches, `.locks/` one lock an artefact.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from caniload.errors import BusyError, DiskFullError, PermissionDeniedError, StoreError
from caniload.handles import Handle, parse
from caniload.loaders.fetch.hashing import hash_file
from caniload.records import FileFact
from caniload.settings import Settings

SCHEMA = 1
"""Version of `artefact.json`; a folder of another version is fetched anew."""

LOCK_WAIT_SECONDS = 3600.0
"""How long one process waits for another that fetches the same artefact."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Describe one artefact in the cache; `used_at` is when it was last handed out."""

    handle: Handle
    selection: str
    place: Path
    single: bool
    format: str | None
    files: tuple[FileFact, ...]
    resolved_by: str
    resolved_at: datetime
    used_at: datetime
    note: dict[str, str]

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(fact.size_bytes for fact in self.files)

    @property
    def root(self) -> Path:
        """The directory of the files, or the file itself where there is exactly one by design."""
        files = self.place / "files"
        return files / self.files[0].path if self.single else files


def place_of(settings: Settings, handle: Handle, selection: str) -> Path:
    """Return the folder of an artefact; the handle has a revision."""
    revision = _segment(handle.revision or "unresolved")
    return settings.artefacts / handle.hub / _segment(handle.locator) / revision / selection


def partial_of(settings: Settings, handle: Handle, selection: str) -> Path:
    """Return the folder in which an unfinished fetch of an artefact is kept, to be resumed."""
    return settings.artefacts / ".partial" / _key(handle, selection)


@contextmanager
def locked(settings: Settings, handle: Handle, selection: str) -> Iterator[None]:
    """Hold the lock of one artefact; raise `BusyError` if another process keeps it too long."""
    folder = settings.artefacts / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{_key(handle, selection)}.lock", timeout=LOCK_WAIT_SECONDS)
    try:
        with lock:
            yield
    except Timeout as error:
        raise BusyError(
            f"another process has been fetching {handle.source} for an hour",
            "end it, or wait",
        ) from error


@contextmanager
def disk(settings: Settings) -> Iterator[None]:
    """Translate what the file system of the cache refuses into caniload's errors."""
    try:
        yield
    except OSError as error:
        where = f"the cache at {settings.cache}"
        why = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"{where} is full", "free space: caniload cache rm") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PermissionDeniedError(
                f"{where} cannot be written: {why}", "set CANILOAD_CACHE to a writable folder"
            ) from error
        raise StoreError(
            f"{where} cannot be used: {why}", "set CANILOAD_CACHE to another folder"
        ) from error


def read(place: Path) -> Stored | None:
    """Return what lies in an artefact's folder, or None where nothing whole does."""
    marker = place / "artefact.json"
    try:
        text = marker.read_text("utf-8")
        used = marker.stat().st_mtime
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            return None
        return Stored(
            handle=parse(data["handle"]),
            selection=place.name,
            place=place,
            single=data["single"],
            format=data["format"],
            files=tuple(FileFact(**fact) for fact in data["files"]),
            resolved_by=data["resolved_by"],
            resolved_at=datetime.fromisoformat(data["resolved_at"]),
            used_at=datetime.fromtimestamp(used, UTC),
            note=data["note"],
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def commit(partial: Path, stored: Stored) -> Stored:
    """Give the files in ``partial/files`` their final name, marker first, replacing older ones."""
    staging = partial.with_name(partial.name + ".whole")
    _discard(staging)
    staging.mkdir(parents=True)
    (partial / "files").rename(staging / "files")
    data = {
        "schema": SCHEMA,
        "handle": str(stored.handle),
        "single": stored.single,
        "format": stored.format,
        "files": [fact.model_dump() for fact in stored.files],
        "resolved_by": stored.resolved_by,
        "resolved_at": stored.resolved_at.isoformat(),
        "note": stored.note,
    }
    (staging / "artefact.json").write_text(json.dumps(data, indent=1), "utf-8")
    _discard(stored.place)
    stored.place.parent.mkdir(parents=True, exist_ok=True)
    staging.rename(stored.place)
    shutil.rmtree(partial, ignore_errors=True)
    return stored


def touch(stored: Stored) -> None:
    """Note that an artefact was used now."""
    (stored.place / "artefact.json").touch()


def intact(stored: Stored, *, hashes: bool) -> bool:
    """Tell whether every file is there with its size and, if asked, its sha256."""
    for fact in stored.files:
        path = stored.place / "files" / fact.path
        try:
            if path.stat().st_size != fact.size_bytes:
                return False
        except OSError:
            return False
        if hashes and hash_file(path).sha256 != fact.sha256:
            return False
    return True


def newest(settings: Settings, handle: Handle, selection: str) -> Stored | None:
    """Return the artefact of a source that was resolved last, whatever its revision."""
    folder = settings.artefacts / handle.hub / _segment(handle.locator)
    found = [read(place.parent) for place in folder.glob(f"*/{selection}/artefact.json")]
    whole = [stored for stored in found if stored is not None]
    return max(whole, key=lambda stored: stored.resolved_at, default=None)


def list_artefacts(settings: Settings) -> tuple[Stored, ...]:
    """Return every artefact in the cache, the longest unused first."""
    found = [read(path.parent) for path in settings.artefacts.glob("[!.]*/*/*/*/artefact.json")]
    whole = [stored for stored in found if stored is not None]
    return tuple(sorted(whole, key=lambda stored: (stored.used_at, str(stored.handle))))


def remove(
    settings: Settings, handle: Handle | None = None, *, unused_for: timedelta | None = None
) -> tuple[Stored, ...]:
    """Remove artefacts and return them: all, those of a source or revision, or those long unused.

    Without any limit the unfinished fetches go too. Raises `PermissionDeniedError`.
    """
    before = None if unused_for is None else datetime.now(UTC) - unused_for
    gone: list[Stored] = []
    with disk(settings):
        for stored in list_artefacts(settings):
            if handle is not None and not _covers(handle, stored):
                continue
            if before is not None and stored.used_at > before:
                continue
            with locked(settings, stored.handle, stored.selection):
                _discard(stored.place)
            gone.append(stored)
        if handle is None and unused_for is None and (settings.artefacts / ".partial").exists():
            shutil.rmtree(settings.artefacts / ".partial")
    return tuple(gone)


def _covers(handle: Handle, stored: Stored) -> bool:
    """Tell whether a handle that may lack revision and format means this artefact."""
    return handle.source == stored.handle.source and all(
        wanted is None or wanted == has
        for wanted, has in (
            (handle.revision, stored.handle.revision),
            (handle.format, stored.format),
        )
    )


def _discard(place: Path) -> None:
    """Remove a folder so that it never stands half-empty under its name."""
    if place.exists():
        aside = place.with_name(f".{place.name}.gone")
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
        shutil.rmtree(aside)


def _key(handle: Handle, selection: str) -> str:
    name = f"{handle.source}@{handle.revision}/{selection}"
    return f"{_segment(handle.locator)[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _segment(text: str) -> str:
    """Write a locator as one path segment: readable, and unlike that of any other locator."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:80]
    if plain == text:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
