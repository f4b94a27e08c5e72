"""Fetch what a night needs ahead of the runs, each artefact once, within a budget of disk."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from caniload.errors import BusyError, HubError
from caniload.handles import Handle, parse
from caniload.loaders.fetch import cache, fetch
from caniload.loaders.hub import OnProgress
from caniload.records import FetchedArtefact
from caniload.settings import Settings

WORKERS = 2
"""Artefacts fetched at once: a hub gives each download its own speed, up to a point."""

Got = FetchedArtefact | HubError


class Supply:
    """Artefacts by handle: asked for ahead, waited for when they are needed."""

    def __init__(
        self,
        settings: Settings,
        *,
        verify: bool = True,
        disk_bytes: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Take where to fetch to.

        With `verify` the hub is asked again for what lies in the cache, so that a download that
        is dead does not hide behind it. `disk_bytes` is what the cache may take.
        """
        self.settings = settings
        self.verify = verify
        self.disk_bytes = disk_bytes
        self._on_progress = on_progress
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="fetch")
        self._lock = threading.Lock()
        self._asked: dict[tuple[Handle, str | None], Future[Got]] = {}
        self._there: dict[Handle, FetchedArtefact] = {}

    def have(self, artefacts: Iterable[FetchedArtefact]) -> None:
        """Take artefacts that were laid down while the night was planned, as local files are.

        Their handles keep no path, so that they could not be found again.
        """
        self._there.update((_whole(parse(each.handle)), each) for each in artefacts)

    def ahead(self, wanted: Iterable[tuple[Handle, str | None]]) -> None:
        """Begin to fetch handles, each with the hash that pins its file if there is one."""
        for handle, sha256 in wanted:
            if _whole(handle) not in self._there:
                self._future(handle, sha256)

    def get(self, handle: Handle, sha256: str | None = None) -> Got:
        """Wait for an artefact and return it, or its hub's "no"; raises `DiskFullError`."""
        there = self._there.get(_whole(handle))
        if there is not None:
            form = handle.format or there.format
            return there.model_copy(update={"handle": str(handle), "format": form})
        return self._future(handle, sha256).result()

    def let_go(self, handles: Sequence[Handle]) -> tuple[str, ...]:
        """Forget artefacts that no later cell needs; return what had to leave the cache.

        What was used longest ago goes first, until the rest fits the budget; it is fetched again
        another night.
        """
        with self._lock:
            for key in [key for key in self._asked if key[0] in set(handles)]:
                if self._asked[key].done():
                    del self._asked[key]
            busy = {key[0].source for key in self._asked}
        if self.disk_bytes is None:
            return ()
        kept = cache.list_artefacts(self.settings)
        excess = sum(each.size_bytes for each in kept) - self.disk_bytes
        removed: list[str] = []
        for stored in kept:
            if excess <= 0:
                break
            if stored.handle.source in busy:
                continue
            try:
                gone = cache.remove(self.settings, stored.handle)
            except BusyError:
                continue
            excess -= sum(each.size_bytes for each in gone)
            removed += [str(each.handle) for each in gone]
        return tuple(removed)

    def close(self) -> None:
        """Stop fetching; what is half fetched goes on another time."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _future(self, handle: Handle, sha256: str | None) -> Future[Got]:
        with self._lock:
            key = (handle, sha256)
            if key not in self._asked:
                self._asked[key] = self._pool.submit(self._fetch, handle, sha256)
            return self._asked[key]

    def _fetch(self, handle: Handle, sha256: str | None) -> Got:
        try:
            return fetch(
                handle,
                self.settings,
                refresh=self.verify,
                sha256=sha256,
                on_progress=self._on_progress,
            )
        except HubError as error:
            return error


def _whole(handle: Handle) -> Handle:
    """Return a handle of everything at a revision, whichever format is read of it."""
    return replace(handle, format=None, variant=None)
