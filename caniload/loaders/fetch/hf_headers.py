"""Headers of safetensors files, read over HTTP range requests: what is inside, undownloaded.

The format is https://huggingface.co/docs/safetensors/index#format: eight bytes of length, then
JSON with dtype, shape and place of each tensor. Ranges are clamped to the file's size, since
hubs are seen to stall on a range that goes past it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2

from caniload.errors import ArtefactError
from caniload.loaders.fetch.http import raise_for_status, shown, transient, translate
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.settings import Settings

FIRST_BYTES = 100_000
"""What is asked for at first; huggingface_hub's own number, which holds 97 % of all headers."""

MOST_BYTES = 100_000_000
"""The longest header that the format allows."""


@dataclass(frozen=True, slots=True)
class Header:
    """Say how many tensors a file holds, and how many elements of each dtype."""

    tensors: int
    elements: dict[str, int]


@dataclass(frozen=True, slots=True)
class Remote:
    """Name a file on a hub: address, size in bytes, request headers, what a refusal means."""

    url: str
    size_bytes: int
    headers: Mapping[str, str]
    check: Callable[[httpx2.Response], None]
    hub: str = "hf"


def read_header(client: httpx2.Client, remote: Remote, settings: Settings) -> Header:
    """Return what a safetensors file says of itself, with one or two range requests.

    Raises `HubError`, or `ArtefactError` where the header is none, or does not fit the size.
    """
    start = _first(client, remote, min(FIRST_BYTES, remote.size_bytes), settings)
    if len(start) < 8:
        raise _wrong(remote, "is too short to be a safetensors file")
    (length,) = struct.unpack("<Q", start[:8])
    if not 2 <= length <= min(MOST_BYTES, remote.size_bytes - 8):
        raise _wrong(remote, "has no safetensors header")
    if len(start) < 8 + length:
        start = _first(client, remote, 8 + length, settings)
    try:
        return _counted(json.loads(start[8 : 8 + length]), remote.size_bytes - 8 - length)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(remote, f"has a broken safetensors header: {error}") from error


def _counted(header: dict[str, dict[str, list[int]]], data_bytes: int) -> Header:
    """Count elements by dtype; raise `ValueError` where the tensors do not fill the file."""
    header.pop("__metadata__", None)
    elements: dict[str, int] = {}
    end = 0
    for name, tensor in header.items():
        dtype, shape = str(tensor["dtype"]), tensor["shape"]
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError(f"the shape of {name!r} is none")
        elements[dtype] = elements.get(dtype, 0) + math.prod(shape)
        end = max(end, int(tensor["data_offsets"][1]))
    if end != data_bytes:
        raise ValueError(f"its tensors end at {end:,} of {data_bytes:,} bytes")
    return Header(len(header), elements)


def _first(client: httpx2.Client, remote: Remote, count: int, settings: Settings) -> bytes:
    """Return the first `count` bytes; a server that ignores ranges is hung up on after them."""
    headers = {**remote.headers, "Range": f"bytes=0-{count - 1}"}

    def once() -> bytes:
        try:
            with client.stream("GET", remote.url, headers=headers) as response:
                remote.check(response)
                raise_for_status(response, remote.hub, shown(remote.url))
                got = bytearray()
                for chunk in response.iter_bytes():
                    got += chunk
                    if len(got) >= count:
                        break
                return bytes(got[:count])
        except httpx2.HTTPError as error:
            failure = translate(error, remote.hub, shown(remote.url))
            raise (TransientError(failure) if transient(error) else failure) from error

    got = retrying(once, settings)
    if len(got) < count:
        raise _wrong(remote, f"ended after {len(got):,} of {count:,} bytes")
    return got


def _wrong(remote: Remote, why: str) -> ArtefactError:
    return ArtefactError(remote.hub, f"{shown(remote.url)} {why}", "tell the publisher")
