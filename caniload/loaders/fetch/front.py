"""The front door: from a handle to files on this machine, out of the cache or from the hub."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from caniload.errors import ArtefactError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch import cache
from caniload.loaders.hub import Hub, Laid, OnProgress, Order, hub_of
from caniload.records import FetchedArtefact, FileFact, utcnow
from caniload.settings import Settings


def resolve(handle: Handle, settings: Settings) -> Handle:
    """Return the handle at an immutable revision, asking its hub where it names none.

    Where only the content can tell (a URL without a hash) the content is fetched. Raises
    `HubError` with a reason, `ArtefactError`, or an input error.
    """
    resolved = hub_of(handle).resolve(handle, settings)
    if resolved.revision is None:
        with cache.disk(settings):
            hub, order = hub_of(resolved), Order(settings)
            stored = _cached(hub, resolved, order, refresh=False, verify=False)[0]
        return resolved.at(stored.handle.revision)
    return resolved


def fetch(
    handle: Handle,
    settings: Settings,
    *,
    refresh: bool = False,
    verify: bool = False,
    sha256: str | None = None,
    on_progress: OnProgress | None = None,
) -> FetchedArtefact:
    """Lay the files of an artefact down on this machine and say exactly what they are.

    A whole artefact in the cache is used: its sizes are checked always, its hashes with
    `verify`. `refresh` asks the hub again: it must still serve the same bytes, else they are
    fetched anew. `sha256` pins the file that the hub serves (a wheel, a URL's file). Raises
    `HubError` with a reason, `ArtefactError` when what arrived is not what was published,
    `DiskFullError`, `PermissionDeniedError`, or an input error.
    """
    started = time.perf_counter()
    hub = hub_of(handle)
    order = Order(settings, sha256, on_progress)
    if not hub.cached:
        laid = hub.lay(handle, Path(), order)
        return _artefact(
            laid.handle, laid.root, laid.files, laid.resolved_by, utcnow(), started, laid.format
        )
    resolved = hub.resolve(handle, settings)
    with cache.disk(settings):
        stored, hit = _cached(hub_of(resolved), resolved, order, refresh=refresh, verify=verify)
        cache.touch(stored)
    chosen = replace(
        resolved,
        revision=stored.handle.revision,
        format=stored.handle.format or resolved.format,
        variant=stored.handle.variant or resolved.variant,
    )
    root, files = _sub(chosen, stored)
    return _artefact(
        chosen, root, files, stored.resolved_by, stored.resolved_at, started, stored.format, hit
    )


def _cached(
    hub: Hub, handle: Handle, order: Order, *, refresh: bool, verify: bool
) -> tuple[cache.Stored, bool]:
    """Return the whole artefact in the cache, fetched now if need be, and whether it was there."""
    settings, selection = order.settings, hub.selection(handle)
    with cache.locked(settings, handle, selection):
        if handle.revision is None:
            stored = cache.newest(settings, handle, selection)
        else:
            stored = cache.read(cache.place_of(settings, handle, selection))
        if stored is not None and cache.intact(stored, hashes=verify or refresh):
            _pinned(hub, stored, order)
            if not refresh:
                return stored, True
            if hub.recheck(stored.handle, stored.note, order):
                return stored, True
        partial = cache.partial_of(settings, handle, selection)
        partial.mkdir(parents=True, exist_ok=True)
        laid = hub.lay(handle, partial, order)
        if not laid.files or laid.handle.revision is None:
            raise HubError(hub.name, "missing", f"{handle.source} holds no files to load")
        if handle.revision is not None:
            return _store(settings, partial, laid, selection), False
        with cache.locked(settings, laid.handle, selection):  # others ask for the revision itself
            return _store(settings, partial, laid, selection), False


def _store(settings: Settings, partial: Path, laid: Laid, selection: str) -> cache.Stored:
    now = utcnow()
    return cache.commit(
        partial,
        cache.Stored(
            handle=laid.handle,
            selection=selection,
            place=cache.place_of(settings, laid.handle, selection),
            single=laid.root.is_file(),
            format=laid.format,
            files=laid.files,
            resolved_by=laid.resolved_by,
            resolved_at=now,
            used_at=now,
            note=laid.note,
        ),
    )


def _pinned(hub: Hub, stored: cache.Stored, order: Order) -> None:
    """Refuse a cached artefact whose published file is not the pinned one."""
    has = stored.note.get("sha256")
    if order.sha256 is not None and has is not None and has != order.sha256:
        raise ArtefactError(
            hub.name,
            f"{stored.handle.source} has sha256 {has}, pinned was {order.sha256}",
            "the pin or the publisher changed; pin anew only if the change is meant",
        )


def _sub(handle: Handle, stored: cache.Stored) -> tuple[Path, tuple[FileFact, ...]]:
    """Narrow an artefact to the folder or file that the handle's subfolder names."""
    if handle.subfolder is None:
        return stored.root, stored.files
    sub, files = handle.subfolder, stored.place / "files"
    for fact in stored.files:
        if fact.path == sub:
            name = PurePosixPath(sub).name
            return files / sub, (fact.model_copy(update={"path": name}),)
    inside = tuple(
        fact.model_copy(update={"path": fact.path.removeprefix(f"{sub}/")})
        for fact in stored.files
        if fact.path.startswith(f"{sub}/")
    )
    if not inside:
        tops = sorted({fact.path.split("/")[0] for fact in stored.files})
        shown = ", ".join(tops[:8]) + (", …" if len(tops) > 8 else "")
        raise HubError(
            handle.hub,
            "missing",
            f"{handle.source} at {handle.revision} has no folder {sub!r}",
            f"it holds {shown}",
        )
    return files / sub, inside


def _artefact(
    handle: Handle,
    root: Path,
    files: tuple[FileFact, ...],
    resolved_by: str,
    resolved_at: datetime,
    started: float,
    form: str | None,
    from_cache: bool = False,
) -> FetchedArtefact:
    return FetchedArtefact(
        handle=str(handle),
        root=str(root),
        format=form or handle.format,
        files=files,
        resolved_by=resolved_by,
        resolved_at=resolved_at,
        fetch_seconds=round(time.perf_counter() - started, 6),
        from_cache=from_cache,
    )
