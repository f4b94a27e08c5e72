"""Write a PNG file of noise: what graphs that decode pictures are given, byte for byte the same.

TensorFlow's DecodeJpeg takes PNG files, too (its documentation says so), and PNG loses nothing.
"""

from __future__ import annotations

import struct
import zlib

from . import inputs
from .signature import SIZE


def png(stream: str, seed: int, size: int = SIZE) -> bytes:
    """Return a PNG file of `size` x `size` RGB noise, uncompressed within its zlib stream.

    Level 0 is written the same by every zlib, so that the bytes depend on the seed alone.
    """
    levels = inputs.uniform(seed, stream, size * size * 3)
    row = size * 3
    raw = b"".join(
        b"\0" + bytes(int((level + 1) * 127.5) for level in levels[at : at + row])
        for at in range(0, len(levels), row)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk: length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
