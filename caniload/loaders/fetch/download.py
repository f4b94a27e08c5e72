"""One file over HTTP: resumed where it broke off, hashed while it arrives, checked at the end."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from caniload.errors import ArtefactError, DiskFullError, HubError
from caniload.loaders.fetch.hashing import CHUNK_BYTES
from caniload.loaders.fetch.http import raise_for_status, shown, transient, translate
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.loaders.fetch.sniff import HEAD_BYTES, sniff
from caniload.settings import Settings

SLOWEST_BYTES_PER_SECOND = 1024
"""Below this, averaged over twice the silence that is allowed, a download counts as stalled."""

PROGRESS_BYTES = 1 << 20
"""How much a try that breaks off must have gained for the count of tries to start anew."""

SPARE_BYTES = 64 << 20
"""What a download leaves free on the disk."""

RESUMABLE_BYTES = 4 << 20
"""What is smaller is fetched anew in the next process; a label would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Describe one file to download: where from, where to, and what is known of it.

    `check` raises what a refusing answer means at this hub, `TransientError` if it may pass.
    """

    url: str
    target: Path
    hub: str
    size_bytes: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None
    md5: str | None = None
    sha256_prefix: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[httpx2.Response], None] | None = None

    @property
    def pinned(self) -> bool:
        """Whether a published hash can tell if bytes that came earlier still fit."""
        return any((self.sha256, self.sha256_prefix, self.md5))

    @property
    def what(self) -> str:
        """The address as messages show it."""
        return shown(self.url)


@dataclass(frozen=True, slots=True)
class Arrived:
    """State what came: size, sha256, and the ETag to ask with later."""

    size_bytes: int
    sha256: str
    etag: str | None


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
    part = _Part(wanted)

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


class _Part:
    """The bytes that have arrived, their hashes, and the ETag that makes resuming safe."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.path = wanted.target.with_name(wanted.target.name + ".part")
        self.label = wanted.target.with_name(wanted.target.name + ".part.json")
        self.etag: str | None = None
        self.labelled = self.label.exists()
        self.furthest = 0
        self.restart()
        if self.path.exists():
            self._take_up()

    def restart(self) -> None:
        """Forget the bytes so far; a git blob's hash begins with its size."""
        self.size = 0
        self.head = b""
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        size = self.wanted.size_bytes
        self.git = (
            hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            if self.wanted.git_sha1 is not None and size is not None
            else None
        )

    def _take_up(self) -> None:
        """Hash what an earlier process left; drop it where nothing says that it still fits."""
        try:
            self.etag = json.loads(self.label.read_text("utf-8"))["etag"]
        except (OSError, ValueError, KeyError, TypeError):
            self.etag = None
        if self.etag is None and not self.wanted.pinned:
            self.path.unlink()
            return
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                self.add(chunk)
        self.furthest = self.size

    def label_with(self, etag: str | None, total: int | None) -> None:
        """Note which version the bytes are of, on disk too where another process may resume."""
        self.etag = etag
        if total is None or total >= RESUMABLE_BYTES:
            self.label.write_text(json.dumps({"etag": etag}), "utf-8")
            self.labelled = True
        elif self.labelled:
            self.label.unlink(missing_ok=True)
            self.labelled = False

    def add(self, chunk: bytes) -> None:
        """Count and hash a chunk; refuse what is no model as soon as its start is known."""
        known = len(self.head) >= HEAD_BYTES
        self.size += len(chunk)
        if not known:
            self.head += chunk[:HEAD_BYTES]
            if len(self.head) >= HEAD_BYTES:
                self.refuse_strange()
        self.sha256.update(chunk)
        if self.wanted.md5 is not None:
            self.md5.update(chunk)
        if self.git is not None:
            self.git.update(chunk)

    def refuse_strange(self) -> None:
        """Refuse a web page, an error message or a Git LFS pointer."""
        strange = sniff(self.head[:HEAD_BYTES], self.wanted.target.name)
        if strange is not None:
            self.discard()
            raise ArtefactError(
                self.wanted.hub,
                f"{self.wanted.what}: {strange}",
                "look at the address in a browser",
            )

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.label.unlink(missing_ok=True)
        self.restart()

    def finish(self) -> Arrived:
        """Check size and hashes and give the file its name; a wrong one is removed."""
        self.refuse_strange()
        wanted, sha256 = self.wanted, self.sha256.hexdigest()
        wrong = None
        if wanted.size_bytes is not None and self.size != wanted.size_bytes:
            wrong = f"{self.size:,} bytes came, {wanted.size_bytes:,} were published"
        elif wanted.sha256 is not None and sha256 != wanted.sha256:
            wrong = f"sha256 is {sha256}, expected was {wanted.sha256}"
        elif not sha256.startswith(wanted.sha256_prefix or ""):
            wrong = f"sha256 is {sha256}, published was {wanted.sha256_prefix}…"
        elif wanted.md5 is not None and self.md5.hexdigest() != wanted.md5:
            wrong = f"md5 is {self.md5.hexdigest()}, published was {wanted.md5}"
        elif self.git is not None and self.git.hexdigest() != wanted.git_sha1:
            wrong = f"git hash is {self.git.hexdigest()}, published was {wanted.git_sha1}"
        if wrong is not None:
            self.discard()
            raise ArtefactError(
                wanted.hub, f"{wanted.what}: {wrong}", "try again; if it stays, tell the publisher"
            )
        self.path.replace(wanted.target)
        if self.labelled:
            self.label.unlink(missing_ok=True)
        return Arrived(self.size, sha256, self.etag)


def _attempt(
    client: httpx2.Client,
    wanted: Wanted,
    part: _Part,
    settings: Settings,
    on_bytes: Callable[[int, int | None], None],
) -> Arrived:
    if wanted.size_bytes is not None and part.size == wanted.size_bytes and part.path.exists():
        return part.finish()
    headers = dict(wanted.headers)
    if part.size and part.etag is None and not wanted.pinned:
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
            part.label_with(response.headers.get("ETag"), total)
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


def _continues(response: httpx2.Response, part: _Part) -> bool:
    """Tell whether an answer to a range begins where the part ends, in the same version."""
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {part.size}-")
    etag = response.headers.get("ETag")
    return begins and (part.etag is None or etag is None or part.etag == etag)


def _expect(response: httpx2.Response, wanted: Wanted, part: _Part) -> int | None:
    """Return the whole size that is announced; refuse a wrong one and one that does not fit."""
    length = response.headers.get("Content-Length", "")
    plain = response.headers.get("Content-Encoding", "identity") == "identity"
    total = part.size + int(length) if length.isdigit() and plain else None
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
    if response.headers.get("Content-Encoding", "identity") == "identity":
        return response.iter_raw()
    return response.iter_bytes()


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
