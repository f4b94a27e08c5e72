"""Trying again: with back-off, with what `Retry-After` says, and never for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from caniload.errors import HubError
from caniload.settings import Settings

T = TypeVar("T")

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

LONGEST_WAIT_SECONDS = 60.0
"""A server that asks for more than this is not waited for: its answer is reported."""

_FIRST_WAIT_SECONDS, _MOST_BACKOFF_SECONDS = 0.25, 8.0


class TransientError(Exception):
    """Raised by a call that may succeed if tried again; never leaves `retrying`.

    `error` is what to raise when no try is left, `wait_seconds` what the server asked for.
    `progressed` says that the try came further than any before, which renews the tries.
    """

    def __init__(
        self, error: HubError, wait_seconds: float | None = None, *, progressed: bool = False
    ) -> None:
        """Keep the final error, the wait and whether anything was gained."""
        super().__init__(str(error))
        self.error = error
        self.wait_seconds = wait_seconds
        self.progressed = progressed


def retrying(call: Callable[[], T], settings: Settings, stop: threading.Event | None = None) -> T:
    """Call until it succeeds, at most `settings.http_retries` more times without progress.

    Waits double from a quarter of a second to eight seconds, with jitter; a `Retry-After` up
    to a minute is kept to, a longer one ends the tries, and so does `stop`.
    """
    failures, stop = 0, stop or threading.Event()
    while True:
        try:
            return call()
        except TransientError as transient:
            failures = 1 if transient.progressed else failures + 1
            asked = transient.wait_seconds
            failure = transient
        backoff = min(_MOST_BACKOFF_SECONDS, _FIRST_WAIT_SECONDS * 2 ** (failures - 1))
        spent = failures > settings.http_retries or (asked or 0) > LONGEST_WAIT_SECONDS
        wait_seconds = asked if asked is not None else backoff * random.uniform(0.8, 1.2)
        if spent or stop.wait(wait_seconds):
            raise failure.error from failure.__cause__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, as number or as HTTP date."""
    text = (headers.get("Retry-After") or "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
