"""Pages of a list: a cursor names the last row that was seen, so that no row comes twice.

Rows have an order of their own that new evidence does not change; a page holds what comes after
the cursor's row, be that row there still or not.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from caniload.publish.service.problems import NoSuchPageError

Row = TypeVar("Row")
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """Hold the rows of one page, the cursor of the next, and how many rows there are in all."""

    rows: list[Row]
    next: str | None
    total: int


def encode(name: str, key: Key) -> str:
    """Return a cursor of a list: opaque, safe in a URL."""
    text = json.dumps([name, *key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(name: str, cursor: str, length: int) -> Key:
    """Return the key that a cursor holds; raises `NoSuchPageError`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _none() from error
    if (
        not isinstance(found, list)
        or len(found) != length + 1
        or found[0] != name
        or not all(isinstance(part, str) for part in found)
    ):
        raise _none()
    return tuple(found[1:])


def page(
    name: str, rows: Sequence[Row], key: Callable[[Row], Key], cursor: str | None, limit: int
) -> Part[Row]:
    """Return one page of rows, which need not be sorted; rows of one key keep their order."""
    keyed: list[tuple[Key, Row]] = []
    for found, row in sorted(((key(row), row) for row in rows), key=lambda pair: pair[0]):
        again = int(keyed[-1][0][-1]) + 1 if keyed and keyed[-1][0][:-1] == found else 0
        keyed.append(((*found, f"{again:06d}"), row))
    if cursor is not None and keyed:
        after = decode(name, cursor, len(keyed[0][0]))
        kept = [pair for pair in keyed if pair[0] > after]
    else:
        kept = keyed
    shown = kept[:limit]
    following = encode(name, shown[-1][0]) if len(kept) > limit else None
    return Part([row for _, row in shown], following, len(keyed))


def words(*values: Any) -> Key:
    """Return values as a key: text, None first."""
    return tuple("" if value is None else str(value) for value in values)


def _none() -> NoSuchPageError:
    return NoSuchPageError("no page begins at this cursor", "leave the cursor out to begin")
