"""A file that is arriving: its bytes on disk, their hashes, and what makes resuming safe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from caniload.errors import ArtefactError
from caniload.loaders.fetch.hashing import CHUNK_BYTES
from caniload.loaders.fetch.http import shown
from caniload.loaders.fetch.retry import TransientError
from caniload.loaders.fetch.sniff import HEAD_BYTES, sniff

RESUMABLE_BYTES = 1 << 20
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
        git = self.git_sha1 if self.size_bytes is not None else None
        return any((self.sha256, self.sha256_prefix, self.md5, git))

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


class Part:
    """The bytes that have arrived, their hashes, and the ETag that makes resuming safe."""

    def __init__(self, wanted: Wanted) -> None:
        """Take up what an earlier try left beside the target."""
        self.wanted = wanted
        self.path = wanted.target.with_name(wanted.target.name + ".part")
        self.label = wanted.target.with_name(wanted.target.name + ".part.json")
        self.etag: str | None = None
        self.labelled = self.label.exists()
        self.furthest = 0
        self.resumed = False
        self.restart()
        if self.path.exists():
            self._take_up()

    def restart(self) -> None:
        """Forget the bytes so far; a git blob's hash begins with its size."""
        self.size = 0
        self.resumed = False
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
        self.resumed = self.size > 0

    @property
    def resumable(self) -> bool:
        """Whether a hash or a strong ETag can tell that later bytes belong to these."""
        strong = self.etag is not None and not self.etag.startswith("W/")
        return self.size > 0 and (strong or self.wanted.pinned)

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
        """Remove the bytes and forget them."""
        self.path.unlink(missing_ok=True)
        self.label.unlink(missing_ok=True)
        self.restart()

    def finish(self) -> Arrived:
        """Check size and hashes and give the file its name; a wrong one is removed.

        Where an earlier process's bytes are in it, they may be to blame: it is tried once more.
        """
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
            failure = ArtefactError(
                wanted.hub, f"{wanted.what}: {wrong}", "try again; if it stays, tell the publisher"
            )
            again = self.resumed
            self.discard()
            raise TransientError(failure) if again else failure
        self.path.replace(wanted.target)
        if self.labelled:
            self.label.unlink(missing_ok=True)
        return Arrived(self.size, sha256, self.etag)
