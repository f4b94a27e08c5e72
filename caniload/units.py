"""Sizes and durations as people write them: 4GB, 512MiB, 90s, 10m, 14d."""

from __future__ import annotations

import re

from caniload.errors import BadInputError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?\Z", re.IGNORECASE)
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(s|min|m|h|d|w|)\Z", re.IGNORECASE)

DAY_SECONDS = 86400.0


def size_bytes(text: str) -> int:
    """Read a size such as 4GB, 512MiB or 1000; raises `BadInputError`."""
    match = _SIZE.match(text.strip())
    if match is None or not float(match[1]):
        raise BadInputError(f"{text!r} is not a size", "write a size as 4GB or 512MiB")
    unit = match[2].lower()
    factor = _BINARY[unit] if match[3] and unit else _UNITS[unit]
    return int(float(match[1]) * factor)


def count(text: str) -> int:
    """Read a number of parameters such as 100M or 1.5G; raises `BadInputError`."""
    try:
        return size_bytes(text)
    except BadInputError as error:
        raise BadInputError(
            f"{text!r} is not a number of parameters", "write a number as 100M or 1.5G"
        ) from error


def duration(text: str) -> float:
    """Read a duration such as 600, 90s, 10m, 1h or 14d as seconds; raises `BadInputError`."""
    match = _DURATION.match(text.strip())
    if match is None or not float(match[1]):
        raise BadInputError(f"{text!r} is not a duration", "write a duration as 90s, 10m or 14d")
    return float(match[1]) * _SECONDS[match[2].lower()]


def shard(text: str) -> tuple[int, int]:
    """Read I/N, I counted from 1; raises `BadInputError`."""
    index, slash, of = text.partition("/")
    if not slash or not index.isdigit() or not of.isdigit() or not 1 <= int(index) <= int(of):
        raise BadInputError(f"{text!r} is no shard", "write --shard 1/4 for the first of four")
    return int(index), int(of)
