"""One file over HTTP: resumed where it broke off, hashed while it arrives, checked at the end."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2

from caniload.errors import ArtefactError, DiskFullError, HubError
from caniload.loaders.fetch.http import raise_for_status, transient, translate
from caniload.loaders.fetch.part import Arrived, Part, Wanted
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.loaders.fetch.sniff import HEAD_BYTES, sniff
from caniload.settings import Settings

__all__ = ["Arrived", "Wanted", "download", "need"]

SLOWEST_BYTES_PER_SECOND = 1024
"""Below this, averaged over twice the silence that is allowed, a download counts as stalled."""

PROGRESS_BYTES = 1 << 20
"""How much a try that breaks off must have gained for the count of tries to start anew."""

SPARE_BYTES = 64 << 20
"""What a download leaves free on the disk."""


def download(
    client: httpx2.Client,
    wanted: Wanted,
    settings: Settings,
    on_bytes: Callable[[int, int | None], None] | None = None,
    stop: threading.Event | None = None,
) -> Arrived:
    """Download to `wanted.target`; an earlier try's part beside it is resumed.

    `on_bytes` hears bytes so far and bytes expected; `stop` gives up at the next byte. Raises
    `ArtefactError` for a wrong size or hash or for content that is no model, `DiskFullError`
    before writing what does not fit, and `HubError` once tries are used up; the part stays for
    the next call unless it is wrong.
    """
    part = Part(wanted)

    def tell(so_far: int, total: int | None) -> None:
        if stop is not None and stop.is_set():
            raise HubError(wanted.hub, "unreachable", f"{wanted.what}: given up")
        if on_bytes is not None:
            on_bytes(so_far, total)

    return retrying(lambda: _attempt(client, wanted, part, settings, tell), settings, stop)


def need(folder: Path, size_bytes: int, what: str) -> None:
    """Raise `DiskFullError` unless so many bytes, and some to spare, are free at a folder."""
    free = shutil.disk_usage(folder).free
    if size_bytes + SPARE_BYTES > free:
        raise DiskFullError(
            f"{what} needs {size_bytes:,} bytes, {free:,} are free",
            "free space (caniload cache rm) or set CANILOAD_CACHE to another disk",
        )


def _attempt(
    client: httpx2.Client,
    wanted: Wanted,
    part: Part,
    settings: Settings,
    on_bytes: Callable[[int, int | None], None],
) -> Arrived:
    if wanted.size_bytes is not None and part.size == wanted.size_bytes and part.path.exists():
        return part.finish()
    headers = dict(wanted.headers)
    if part.size and not part.resumable:
        part.restart()
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.etag and not part.etag.startswith("W/"):
            headers["If-Range"] = part.etag
    try:
        with client.stream("GET", wanted.url, headers=headers) as response:
            if response.status_code in (206, 416) and not _continues(response, part):
                part.discard()
                raise TransientError(HubError(wanted.hub, "server", f"{wanted.what}: bad range"))
            if wanted.check is not None:
                wanted.check(response)
            raise_for_status(response, wanted.hub, wanted.what)
            if response.status_code != 206:
                part.restart()
            total = _expect(response, wanted, part)
            resumed = part.etag if part.size else None
            part.label_with(response.headers.get("ETag", resumed), total)
            with part.path.open("r+b" if part.size else "wb") as out:
                if part.size:
                    out.seek(part.size)
                    out.truncate()
                on_bytes(part.size, total)
                for chunk in _paced(_body(response), settings):
                    out.write(chunk)
                    part.add(chunk)
                    on_bytes(part.size, total)
            if total is not None and part.size < total:
                raise httpx2.RemoteProtocolError("the body ended early")
    except httpx2.HTTPError as error:
        failure = translate(error, wanted.hub, wanted.what)
        if not transient(error):
            raise failure from error
        progressed = part.size >= part.furthest + PROGRESS_BYTES
        part.furthest = max(part.size, part.furthest)
        raise TransientError(failure, progressed=progressed) from error
    return part.finish()


def _continues(response: httpx2.Response, part: Part) -> bool:
    """Tell whether an answer to a range begins where the part ends, in the same version.

    Ranges of an encoded body count its encoded bytes, which a part does not hold.
    """
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {part.size}-")
    etag = response.headers.get("ETag")
    same = part.etag is None or etag is None or part.etag == etag
    return begins and same and _plain(response)


def _expect(response: httpx2.Response, wanted: Wanted, part: Part) -> int | None:
    """Return the whole size that is announced; refuse a wrong one and one that does not fit."""
    length = response.headers.get("Content-Length", "")
    total = part.size + int(length) if length.isdigit() and _plain(response) else None
    if total is not None and wanted.size_bytes is not None and total != wanted.size_bytes:
        head = next(response.iter_bytes(HEAD_BYTES), b"") if not part.size else b""
        strange = sniff(head, wanted.target.name)
        part.discard()
        raise ArtefactError(
            wanted.hub,
            f"{wanted.what}: {strange or f'{total:,} bytes are served'}, "
            f"{wanted.size_bytes:,} were published",
            "try again; if it stays, tell the publisher",
        )
    missing = (total if total is not None else wanted.size_bytes or 0) - part.size
    need(part.path.parent, max(0, missing), wanted.what)
    return total if total is not None else wanted.size_bytes


def _body(response: httpx2.Response) -> Iterator[bytes]:
    """Yield the bytes of the file as they arrive; only an encoding that was forced is undone."""
    return response.iter_raw() if _plain(response) else response.iter_bytes()


def _plain(response: httpx2.Response) -> bool:
    return bool(response.headers.get("Content-Encoding", "identity") == "identity")


def _paced(chunks: Iterator[bytes], settings: Settings) -> Iterator[bytes]:
    """Pass chunks on; raise `httpx2.ReadTimeout` when they only drip."""
    window = 2 * settings.http_timeout_seconds
    since, got = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        got += len(chunk)
        now = time.monotonic()
        if now - since >= window:
            if got < SLOWEST_BYTES_PER_SECOND * (now - since):
                raise httpx2.ReadTimeout("the download only drips")
            since, got = now, 0
