"""Read safetensors files with the standard library, so that the artefact is read by other eyes.

Format: 8 bytes little-endian header length, a JSON header, then the data that the header's
offsets point into (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_HEADER_BYTES = 100_000_000
"""The format's own limit for the header."""

ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U64": 8,
    "U32": 4,
    "U16": 2,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True)
class Tensor:
    """One tensor as the file states it; `data` is a view into the mapped file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: memoryview


def read(path: Path) -> Iterator[Tensor]:
    """Yield every tensor of a file; raises `ValueError` where the file breaks the format."""
    size = path.stat().st_size
    if size < 8:
        raise ValueError(f"{path.name}: shorter than a safetensors header")
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise ValueError(f"{path.name}: the header is longer than the file or the limit")
        header = json.loads(stream.read(length))
        whole = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
    base = 8 + length
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        shape = tuple(int(extent) for extent in entry["shape"])
        count = 1
        for extent in shape:
            count *= extent
        if not 0 <= begin <= end <= size - base:
            raise ValueError(f"{path.name}: tensor {name!r} lies outside the file")
        wide = ITEM_BYTES.get(entry["dtype"])
        if wide is not None and count * wide != end - begin:
            raise ValueError(f"{path.name}: tensor {name!r} has {end - begin} bytes for {shape}")
        yield Tensor(name, entry["dtype"], shape, whole[base + begin : base + end])


def read_all(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Return the tensors of several files by name."""
    return {tensor.name: tensor for path in paths for tensor in read(path)}
