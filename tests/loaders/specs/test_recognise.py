"""Formats are told by content: names and suffixes may lie."""

from __future__ import annotations

import bz2
import gzip
import json
import struct
import zipfile
from pathlib import Path

import pytest

from caniload.loaders.recognise import Recognised, format_of, recognise

SAFETENSORS = struct.pack("<Q", 2) + b"{}"


def archive(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name in names:
            target.writestr(name, "x")
    return path


def varint_field(number: int, value: int) -> bytes:
    return bytes([number << 3, value])


def bytes_field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2, len(body)]) + body


META = bytes_field(1, b"tags")
SAVED_MODEL = varint_field(1, 1) + bytes_field(2, META + bytes_field(7, b"objects"))
ONNX = varint_field(1, 8) + bytes_field(2, b"pytorch") + bytes_field(7, b"graph")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("weights.bin", SAFETENSORS, "safetensors"),
        ("model.txt", b"\x89HDF\r\n\x1a\n" + bytes(64), "h5-weights"),
        ("model.bin", b"\x89HDF\r\n\x1a\n" + bytes(64) + b"model_config", "h5"),
        ("tiny.h5.bz2", bz2.compress(b"\x89HDF\r\n\x1a\n" + bytes(64)), "h5-weights"),
        ("tiny.gz", gzip.compress(b"\x89HDF\r\n\x1a\nmodel_config", mtime=0), "h5"),
        ("notes.bz2", bz2.compress(b"notes"), None),
        ("model.pt", b"\x1c\0\0\0TFL3" + bytes(64), "tflite"),
        ("model", b"GGUF" + bytes(64), "gguf"),
        ("model.h5", b"\x80\x02}q\0.", "pt"),
        ("model.pb", ONNX, "onnx"),
        ("cut.onnx", ONNX[:14], "onnx"),
        ("model.onnx", SAVED_MODEL, "saved-model"),
        ("model.onnx", varint_field(1, 1) + bytes_field(2, META), "tf1-saved-model"),
        ("graph.pb", bytes_field(1, b"node") * 3 + bytes_field(4, b"v"), "tf1-graph"),
        ("README.md", b"# A model\n\nIt is good.\n" * 9, None),
        ("page.html", b"<!doctype html><html><head></head></html>", None),
        ("empty.safetensors", b"", None),
        ("config.json", b'{"model_type": "bert"}', None),
        ("noise", bytes(range(7, 251)), None),
    ],
)
def test_files(tmp_path: Path, name: str, data: bytes, expected: str | None) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert format_of(path) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["config.json", "metadata.json", "model.weights.h5"], "keras"),
        (["m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"], "torchscript"),
        (["m/data.pkl", "m/data/0", "m/version"], "pt"),
        (["m/archive_format", "m/models/model.json"], "pt2"),
        (["photos/a.jpg"], None),
    ],
)
def test_zip_archives(tmp_path: Path, names: list[str], expected: str | None) -> None:
    assert format_of(archive(tmp_path / "model.zip", names)) == expected


def test_a_truncated_zip_is_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.keras", ["config.json", "model.weights.h5"])
    path.write_bytes(path.read_bytes()[:-30])
    assert format_of(path) is None


def test_a_hugging_face_directory_names_its_loaders(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(SAFETENSORS)
    archive(tmp_path / "pytorch_model.bin", ["archive/data.pkl"])
    assert recognise(tmp_path) == [Recognised("safetensors"), Recognised("pt", ("torch-file",))]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    plain = ("transformers", "keras-hub")
    assert recognise(tmp_path) == [Recognised("safetensors", plain), Recognised("bin", plain)]
    (tmp_path / "modules.json").write_text("[]")
    every = ("transformers", "sentence-transformers", "keras-hub")
    assert recognise(tmp_path)[0] == Recognised("safetensors", every)


def test_a_saved_model_directory_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(SAVED_MODEL)
    assert recognise(tmp_path) == [Recognised("saved-model", ("saved-model",))]
    single = tmp_path / "m.onnx"
    single.write_bytes(ONNX)
    assert recognise(single) == [Recognised("onnx", ("onnx",))]


def test_hidden_files_and_broken_configurations_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "model.onnx").write_bytes(ONNX)
    (tmp_path / "config.json").write_text("{broken")
    assert recognise(tmp_path) == []


def test_what_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        recognise(tmp_path / "nothing")


def test_a_timm_directory_and_a_keras_preset_name_their_own_loaders(tmp_path: Path) -> None:
    timm, preset = tmp_path / "timm", tmp_path / "preset"
    timm.mkdir()
    preset.mkdir()
    (timm / "model.safetensors").write_bytes(SAFETENSORS)
    (timm / "config.json").write_text('{"architecture": "resnet18", "pretrained_cfg": {}}')
    assert recognise(timm) == [Recognised("safetensors", ("timm",))]
    (preset / "model.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (preset / "config.json").write_text('{"class_name": "B", "registered_name": "hub>B"}')
    (preset / "metadata.json").write_text("{}")
    assert recognise(preset) == [Recognised("keras-preset", ("keras-hub",))]
