"""One state of the store held open, and who swaps it for a newer one while requests go on.

A snapshot is immutable: a generation and the finished segments that were newer when it was
opened. It is closed when it was replaced and the last question that it answers has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from caniload import __version__
from caniload.catalog import generations, segments
from caniload.catalog.store import Store, open_store
from caniload.errors import CaniloadError, StoreError
from caniload.publish.service.kept import Kept
from caniload.settings import Settings

R = TypeVar("R")

THREADS = 2
"""Questions that one process answers at once; each has a connection to the store of its own."""

WAITING = 256
"""Questions that may wait for a thread; one more is told to come again."""

QUESTION_SECONDS = 20.0
"""How long a question may take before DuckDB is told to stop."""

LISTS = 24
"""Whole lists that a snapshot keeps, so that the next page is cut and not made."""

_log = logging.getLogger("caniload.serve")


class GoneError(Exception):
    """Raised when a snapshot was replaced and closed before a question came to it."""


class BusyServiceError(CaniloadError):
    """Raised when too many questions wait already, or one took too long."""


class Snapshot:
    """Hold the store in one state, a connection for each thread, and the answers given of it."""

    def __init__(self, stores: list[Store]) -> None:
        """Take over stores that were opened in one state."""
        first = stores[0]
        self.number = first.generation.number
        self.published_at = first.generation.published_at
        self.newer = len(first.newer)
        self.token = _token(first.generation, first.newer)
        self.kept = Kept()
        self._lists: dict[object, Any] = {}
        self._every = stores
        self._idle = list(stores)
        self._lock = threading.Lock()
        self._retired = False
        self._closed = False

    def ask(self, question: Callable[[Store], R]) -> R:
        """Answer a question in the thread that calls; no more than `THREADS` may at once.

        Raises `GoneError` when it is closed already.
        """
        with self._lock:
            if self._closed:
                raise GoneError
            store = self._idle.pop()
        timer = threading.Timer(QUESTION_SECONDS, store.database.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return question(store)
        except Exception as error:
            if type(error).__name__ == "InterruptException":
                raise BusyServiceError("the question takes too long", "narrow it") from error
            raise
        finally:
            timer.cancel()
            with self._lock:
                self._idle.append(store)
                self._maybe_close()

    def once(self, key: object, make: Callable[[], R]) -> R:
        """Return what was made for this key before, else make it: a list that pages are cut of."""
        with self._lock:
            if key in self._lists:
                return cast("R", self._lists[key])
        made = make()
        with self._lock:
            while len(self._lists) >= LISTS:
                del self._lists[next(iter(self._lists))]
            self._lists[key] = made
        return made

    def retire(self) -> None:
        """Close as soon as nobody asks any more."""
        with self._lock:
            self._retired = True
            self._maybe_close()

    def _maybe_close(self) -> None:
        """Close if it was replaced and nobody asks; the lock is held."""
        if self._retired and not self._closed and len(self._idle) == len(self._every):
            self._closed = True
            for store in self._every:
                store.close()


class Keeper:
    """Hold the current snapshot and look for a newer state of the store."""

    def __init__(self, settings: Settings, every_seconds: float = 1.0) -> None:
        """Remember where the store lies and how often to look."""
        self.settings = settings
        self.every_seconds = every_seconds
        self.problem: str | None = None
        self._snapshot: Snapshot | None = None
        self._threads = ThreadPoolExecutor(THREADS, "question")
        self._opener = ThreadPoolExecutor(1, "opener")
        self._waiting = 0

    @property
    def current(self) -> Snapshot:
        """The snapshot that questions are answered from now."""
        assert self._snapshot is not None, "the service was asked before it started"
        return self._snapshot

    async def start(self) -> None:
        """Open the first snapshot; raises `StoreError`."""
        loop = asyncio.get_running_loop()
        self._snapshot = await loop.run_in_executor(self._opener, opened, self.settings)

    async def watch(self, warm: Callable[[Snapshot, Snapshot], Awaitable[None]]) -> None:
        """Swap in each newer state, for ever; `warm` asks it what the former one was asked.

        A store that cannot be read leaves the former snapshot in place and says so in `problem`.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.every_seconds)
            try:
                token = await loop.run_in_executor(self._opener, seen, self.settings)
                if token != self.current.token:
                    fresh = await loop.run_in_executor(self._opener, opened, self.settings)
                    await warm(self.current, fresh)
                    former, self._snapshot = self.current, fresh
                    former.retire()
                    _log.info("generation %d, %d newer segments", fresh.number, fresh.newer)
                self.problem = None
            except Exception:  # noqa: BLE001 - the watch goes on
                if self.problem is None:
                    _log.exception("the store cannot be read anew; the former state stays")
                self.problem = "the store cannot be read anew; the former state stays"

    async def ask(self, snapshot: Snapshot, question: Callable[[Store], R]) -> R:
        """Answer a question in one of the threads; raises `BusyServiceError`."""
        if self._waiting >= WAITING:
            raise BusyServiceError("too many questions wait", "come again in a second")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answered, snapshot, question)
        finally:
            self._waiting -= 1

    def _answered(self, snapshot: Snapshot, question: Callable[[Store], R]) -> R:
        """Ask the snapshot, or the one that took its place before the thread was free."""
        while True:
            try:
                return snapshot.ask(question)
            except GoneError:
                snapshot = self.current

    def stop(self) -> None:
        """Let go of threads and store."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._opener.shutdown(wait=True, cancel_futures=True)
        if self._snapshot is not None:
            self._snapshot.retire()


def opened(settings: Settings) -> Snapshot:
    """Open every connection of a snapshot in one state of the store; raises `StoreError`.

    A publisher may come between two of them; then they are opened again.
    """
    for _ in range(10):
        with contextlib.ExitStack() as undo:
            stores = [undo.enter_context(open_store(settings)) for _ in range(THREADS)]
            if len({_token(store.generation, store.newer) for store in stores}) == 1:
                undo.pop_all()
                return Snapshot(stores)
    raise StoreError("the store changes faster than it can be opened", "try again")


def seen(settings: Settings) -> str:
    """Return the token of the state that the store is in now, opening nothing."""
    found = generations.read_current(settings)
    if found is None:
        return ""
    return _token(found, tuple(segments.finished(settings, found.segments)))


def _token(generation: generations.Generation, newer: tuple[str, ...]) -> str:
    """Name a state of the store, as told by this version of caniload."""
    parts = (
        __version__,
        str(generation.number),
        generation.data,
        generation.published_at,
        *newer,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
