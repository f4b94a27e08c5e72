"""Answers kept for as long as the state of the store that they were made of."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

MOST_BYTES = 64_000_000
"""What all kept answers of one state may take, compressed forms included."""

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Reply:
    """Hold one answer as it is sent, plain and compressed, with all its headers but two.

    `headers` are complete for the plain form, `packed_headers` for the compressed.
    """

    body: bytes
    etag: bytes
    headers: Headers = field(default_factory=list)
    packed: bytes | None = None
    packed_headers: Headers = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return 1000 + len(self.body) + (len(self.packed) if self.packed else 0)


class Kept:
    """Keep the answers that were asked for last, up to a number of bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        self._replies: OrderedDict[bytes, Reply] = OrderedDict()
        self._bytes = 0
        self._most_bytes = most_bytes

    def get(self, key: bytes) -> Reply | None:
        """Return the answer to a request, if it is kept."""
        found = self._replies.get(key)
        if found is not None:
            self._replies.move_to_end(key)
        return found

    def put(self, key: bytes, reply: Reply) -> None:
        """Keep an answer; those asked for longest ago make room."""
        former = self._replies.pop(key, None)
        if former is not None:
            self._bytes -= former.size_bytes
        if reply.size_bytes > self._most_bytes // 4:
            return
        self._replies[key] = reply
        self._bytes += reply.size_bytes
        while self._bytes > self._most_bytes:
            _, oldest = self._replies.popitem(last=False)
            self._bytes -= oldest.size_bytes

    def latest(self, count: int) -> list[bytes]:
        """Return what was asked for last, the latest first."""
        return list(reversed(self._replies))[:count]

    def __len__(self) -> int:
        """Count the answers."""
        return len(self._replies)


def etag(body: bytes) -> bytes:
    """Return the validator of an answer: weak, since it may be sent compressed or not."""
    return b'W/"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
