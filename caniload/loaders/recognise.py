"""Tell by content which model formats a file or directory holds; names and suffixes may lie."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SAFETENSORS_HEADER_MAX = 100_000_000
_HUGGING_FACE = ("safetensors", "bin")
_LOADERS = {"onnx": ("onnx",)}
_MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class Recognised:
    """Name one format found, and the built-in loaders that read it as it lies there."""

    format: str
    loaders: tuple[str, ...] = ()


def recognise(path: Path) -> list[Recognised]:
    """Return the formats that a file or directory holds, by content, the preferred first.

    Formats without a loader yet are named with no loaders. An empty list means that nothing is
    known. Raises `OSError` where the path cannot be read.
    """
    if path.is_dir():
        return _directory(path)
    found = format_of(path)
    return [Recognised(found, _LOADERS.get(found, ()))] if found else []


def _directory(path: Path) -> list[Recognised]:
    """Recognise a directory: a SavedModel, a Hugging Face checkpoint, loose files."""
    kinds: dict[str, None] = {}
    for file in _files(path):
        if kind := format_of(file):
            kinds[kind] = None
    hub = _hugging_face(path)
    found = []
    for kind in kinds:
        kind = "bin" if kind == "pt" and hub else kind
        found.append(Recognised(kind, hub if kind in _HUGGING_FACE else _LOADERS.get(kind, ())))
    return sorted(dict.fromkeys(found), key=lambda each: _order(each.format))


def _files(path: Path) -> Iterator[Path]:
    """Yield the files of a directory tree, hidden ones and endless trees left out."""
    count = 0
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        if file.is_file() and not any(part.startswith(".") for part in inside):
            yield file
            count += 1
            if count == _MAX_FILES:
                return


def _order(name: str) -> int:
    known = ("safetensors", "bin", "onnx", "keras", "h5", "saved-model", "tflite", "pt")
    return known.index(name) if name in known else len(known)


def _hugging_face(path: Path) -> tuple[str, ...]:
    """Return the loaders for a Hugging Face directory, by its configuration files."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    modules = (path / "modules.json").is_file()
    if not isinstance(config, dict) or not ("model_type" in config or modules):
        return ()
    loaders = ["transformers"] if "model_type" in config else []
    loaders += ["sentence-transformers"] if modules else []
    loaders += ["keras-hub"] if "model_type" in config else []
    return tuple(loaders)


def format_of(path: Path) -> str | None:
    """Return the format of one file, by its first bytes and structure; None if unknown."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(64)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "h5"
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"GGUF"):
        return "gguf"
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return "pt"
    if len(head) > 8:
        (length,) = struct.unpack("<Q", head[:8])
        if head[8:9] == b"{" and 2 <= length <= _SAFETENSORS_HEADER_MAX:
            return "safetensors"
    return _protobuf(path, size)


def _zip(path: Path) -> str | None:
    """Tell Keras archives, TorchScript, exported programs and state dicts apart by members."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return None
    if "model.weights.h5" in names and "config.json" in names:
        return "keras"
    inner = {name.partition("/")[2] for name in names}
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return "pt2"
    if any(name.startswith("code/") for name in inner) and "constants.pkl" in inner:
        return "torchscript"
    return "pt" if "data.pkl" in inner else None


def _protobuf(path: Path, size: int) -> str | None:
    """Tell ONNX, SavedModel and GraphDef apart by the fields of their outermost message.

    Field numbers: onnx.proto ModelProto (1 ir_version, 7 graph), saved_model.proto (1 schema
    version, 2 meta_graphs), graph.proto GraphDef (1 node, 2 library,
    3 version, 4 versions).
    """
    fields = list(_fields(path, size))
    kinds = dict(fields)
    if kinds.get(1) == 0 and kinds.get(7) == 2:
        return "onnx"
    if set(kinds) == {1, 2} and kinds[1] == 0 and kinds[2] == 2:
        return "saved-model"
    graph = {1: 2, 2: 2, 3: 0, 4: 2}
    if path.suffix == ".pb" and 1 in kinds and kinds.items() <= graph.items():
        return "tf1-graph"
    return None


def _fields(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """Yield (number, wire type) of a protobuf message's own fields, skipping their bodies."""
    with path.open("rb") as stream:
        at = 0
        while at < size:
            stream.seek(at)
            chunk = stream.read(20)
            tag, used = _varint(chunk, 0)
            number, wire = tag >> 3, tag & 7
            if not used or not 1 <= number <= 1000 or wire not in (0, 1, 2, 5):
                return
            yield number, wire
            if wire == 0:
                _, more = _varint(chunk, used)
                at += used + more
            elif wire == 2:
                length, more = _varint(chunk, used)
                at += used + more + length
            else:
                more = 1
                at += used + (8 if wire == 1 else 4)
            if not more:
                return


def _varint(chunk: bytes, at: int) -> tuple[int, int]:
    """Read a varint; returns value and bytes used, 0 bytes where there is none."""
    value = 0
    for index, byte in enumerate(chunk[at : at + 10]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, index + 1
    return 0, 0
