"""Read protobuf messages field by field without a schema, standard library only.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

Bytes = Union[bytes, memoryview]

VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)
_MAX_GROUPS = 100


class MalformedError(ValueError):
    """Raised when bytes are no protobuf message."""


def fields(data: Bytes) -> Iterator[tuple[int, Bytes]]:
    """Yield (number, body) of every length-delimited field of a message; others are passed over.

    Raises `MalformedError` where the bytes end early or hold no field.
    """
    at, end, depth = 0, len(data), 0
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise MalformedError("a field has number 0")
        if wire == VARINT:
            _, at = _varint(data, at)
        elif wire == FIXED64:
            at += 8
        elif wire == FIXED32:
            at += 4
        elif wire == BYTES:
            length, at = _varint(data, at)
            if not depth:
                yield number, data[at : at + length]
            at += length
        elif wire == GROUP and depth < _MAX_GROUPS:
            depth += 1
        elif wire == GROUP_END and depth:
            depth -= 1
        else:
            raise MalformedError(f"a field has wire type {wire}")
        if at > end:
            raise MalformedError("the last field is cut short")
    if depth:
        raise MalformedError("a group has no end")


def all_of(data: Bytes, number: int) -> Iterator[Bytes]:
    """Yield the bodies of one field."""
    return (body for found, body in fields(data) if found == number)


def text(data: Bytes) -> str:
    """Return a string field's text."""
    return bytes(data).decode("utf-8", "replace")


def _varint(data: Bytes, at: int) -> tuple[int, int]:
    """Read a varint at a place; return its value and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise MalformedError("a number is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedError("a number is longer than 10 bytes")
