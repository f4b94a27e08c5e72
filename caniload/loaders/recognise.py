"""Tell by content which model formats a file or directory holds; names and suffixes may lie."""

from __future__ import annotations

import bz2
import gzip
import json
import mmap
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SAFETENSORS_HEADER_MAX = 100_000_000
_HUGGING_FACE = ("safetensors", "bin", "tf-h5", "flax")
_TIMM = ("safetensors", "bin", "pt")
_LOADERS: dict[str, tuple[str, ...]] = {
    "onnx": ("onnx",),
    "saved-model": ("saved-model",),
    "tf1-saved-model": ("tf1-graph", "saved-model"),
    "tf1-graph": ("tf1-graph",),
    "tflite": ("litert",),
    "keras": ("keras-file",),
    "h5": ("keras-file",),
    "h5-weights": ("keras-file",),
    "keras-preset": ("keras-hub",),
    "torchscript": ("torchscript",),
    "pt2": ("torch-export",),
    "pt": ("torch-file",),
}
"""The loaders of each format as a stranger's file; hubs and directories may know better."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_WHOLE = b"model_config"
_PACKED_MAX = 1 << 28
_ORDER = ("safetensors", "bin", "tf-h5", "flax", "onnx", *(k for k in _LOADERS if k != "onnx"))
_MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class Recognised:
    """Name one format found, and the built-in loaders that read it as it lies there."""

    format: str
    loaders: tuple[str, ...] = ()


def reads(loader: str, form: str) -> bool:
    """Tell whether a loader reads a format where it lies alone, as an export leaves it.

    A format of which nothing is known here is read by whoever says so.
    """
    return loader in _LOADERS.get(form, (loader,))


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
    """Recognise a directory: a preset, a checkpoint of a library's, a SavedModel, loose files."""
    config = _json(path / "config.json")
    if _is_preset(path, config):
        return [Recognised("keras-preset", _LOADERS["keras-preset"])]
    kinds: dict[str, None] = {}
    for file in _files(path):
        if kind := format_of(file):
            kinds[kind] = None
    hub, timm = _hugging_face(path, config), "architecture" in config and "pretrained_cfg" in config
    found = []
    for kind in kinds:
        if timm:
            kind = "bin" if kind == "pt" and (path / "pytorch_model.bin").is_file() else kind
            found.append(Recognised(kind, ("timm",) if kind in _TIMM else _LOADERS.get(kind, ())))
        elif hub:
            kind = {"pt": "bin", "h5-weights": "tf-h5"}.get(kind, kind)
            loaders = hub if kind in _HUGGING_FACE else _LOADERS.get(kind, ())
            if kind in ("tf-h5", "flax"):
                loaders = tuple(each for each in hub if each == "transformers")
            found.append(Recognised(kind, loaders))
        else:
            found.append(Recognised(kind, _LOADERS.get(kind, ())))
    if hub and (path / "flax_model.msgpack").is_file():
        found.append(Recognised("flax", tuple(each for each in hub if each == "transformers")))
    return sorted(dict.fromkeys(found), key=lambda each: _order(each.format))


def _is_preset(path: Path, config: dict[str, object]) -> bool:
    """Tell whether a directory is a KerasHub preset: its configuration names a Keras class."""
    keras = "registered_name" in config and "class_name" in config
    return keras and (path / "metadata.json").is_file()


def _json(path: Path) -> dict[str, object]:
    """Read a JSON object; {} where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _hugging_face(path: Path, config: dict[str, object]) -> tuple[str, ...]:
    """Return the loaders for a Hugging Face directory, by its configuration files."""
    modules = (path / "modules.json").is_file()
    loaders = ["transformers"] if "model_type" in config else []
    loaders += ["sentence-transformers"] if modules else []
    loaders += ["keras-hub"] if "model_type" in config else []
    return tuple(loaders)


def format_of(path: Path) -> str | None:
    """Return the format of one file, by its first bytes and structure; None if unknown."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(64)
    if head.startswith((b"BZh", b"\x1f\x8b")):
        return _packed(path, head)
    if head.startswith(_HDF5):
        return _hdf5(path)
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


def _packed(path: Path, head: bytes) -> str | None:
    """Look into one file packed by bzip2 or gzip: Keras weights are published so."""
    opener = bz2.open if head.startswith(b"BZh") else gzip.open
    try:
        with opener(path, "rb") as stream:
            inside = stream.read(_PACKED_MAX)
    except (OSError, EOFError):
        return None
    if not inside.startswith(_HDF5):
        return None
    return "h5" if _WHOLE in inside else "h5-weights"


def _hdf5(path: Path) -> str | None:
    """Tell a whole Keras model, whose attribute holds its configuration, from weights alone.

    Keras writes the attribute `model_config` beside the group `model_weights`
    (keras/src/legacy/saving/legacy_h5_format.py); what holds neither is left to be weights.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return "h5" if held.find(_WHOLE) != -1 else "h5-weights"


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
        return "saved-model" if _has_objects(path) else "tf1-saved-model"
    graph = {1: 2, 2: 2, 3: 0, 4: 2}
    if path.suffix == ".pb" and 1 in kinds and kinds.items() <= graph.items():
        return "tf1-graph"
    return None


def _has_objects(path: Path) -> bool:
    """Tell whether a SavedModel is TensorFlow 2's: its meta graph has an object graph.

    meta_graph.proto: MetaGraphDef.object_graph_def is field 7; TensorFlow 1 has none.
    """
    with path.open("rb") as stream:
        data = stream.read()
    at = 0
    while at < len(data):
        tag, used = _varint(data[at : at + 10], 0)
        if not used:
            return False
        at += used
        if tag & 7 == 0:
            at += _varint(data[at : at + 10], 0)[1]
            continue
        length, used = _varint(data[at : at + 10], 0)
        begin, at = at + used, at + used + length
        if tag >> 3 == 2 and any(n == 7 for n, _ in _fields_of(data[begin:at])):
            return True
    return False


def _fields_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (number, wire type) of the fields of a message in memory."""
    return _walk(lambda at: data[at : at + 20], len(data))


def _fields(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """Yield (number, wire type) of a protobuf message's own fields, skipping their bodies."""
    with path.open("rb") as stream:

        def peek(at: int) -> bytes:
            stream.seek(at)
            return stream.read(20)

        yield from _walk(peek, size)


def _walk(peek: Callable[[int], bytes], size: int) -> Iterator[tuple[int, int]]:
    """Yield (number, wire type) of the fields that begin at 0; stop at what is no protobuf."""
    at = 0
    while at < size:
        chunk = peek(at)
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
