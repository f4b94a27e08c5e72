"""Stands of the hubs around TensorFlow, Kaggle and ONNX, for the contract that all hubs keep."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from loopback import onnx_hub
from loopback.kaggle import Kaggle, Variation
from loopback.server import Server
from loopback.tfhub import Module, TfHubServer, tar_gz
from stands import WEIGHTS, Packed, Raise, Stand

from caniload.handles import Handle

_SHARD = "variables/variables.data-00000-of-00001"


def tfhub(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve a SavedModel's archive at an address of TF Hub."""
    members = {"saved_model.pb": b"\x08\x01\x12\x00", _SHARD: WEIGHTS}
    module = TfHubServer(server).add(Module("tiny/model", 1, compressed=tar_gz(members)))
    monkeypatch.setenv("CANILOAD_TFHUB_ENDPOINT", server.base)
    handle = Handle("tfhub", "tiny/model", "1")

    def publish(other: bytes) -> Handle:
        module.compressed = other
        return handle

    return Stand(
        handle,
        "tiny/model/1",
        None,
        lambda root: (root / _SHARD).read_bytes(),
        file=_SHARD,
        packed=Packed("tar.gz", publish, members),
    )


def kaggle(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve a variation whose terms the token's owner accepted."""
    files = {"config.json": b"{}", "model.safetensors": WEIGHTS}
    variation = Kaggle(server).add(Variation("tiny/model/transformers/small", 3, files))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KAGGLE_CONFIG_DIR", raising=False)
    monkeypatch.setenv("KAGGLE_API_ENDPOINT", server.base)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "kaggle_secret")
    handle = Handle("kaggle", variation.locator, "3")

    def publish(other: bytes) -> Handle:
        variation.archive = other
        return handle

    return Stand(
        handle,
        "/3/download",
        "Bearer kaggle_secret",
        lambda root: (root / "model.safetensors").read_bytes(),
        packed=Packed("tar.gz", publish, files),
    )


def onnx(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve a mirror of the ONNX Model Zoo with one file."""
    path = "validated/vision/tiny/model/tiny-7.onnx"
    onnx_hub.publish(server, {path: ("Tiny", 7, WEIGHTS)})
    monkeypatch.setenv("CANILOAD_ONNX_ENDPOINT", server.base + onnx_hub.PREFIX)
    return Stand(
        Handle("onnx", path, f"sha256-{hashlib.sha256(WEIGHTS).hexdigest()}"),
        "tiny-7.onnx",
        None,
        lambda root: root.read_bytes(),
        file="tiny-7.onnx",
    )


STANDS: dict[str, Raise] = {"tfhub": tfhub, "kaggle": kaggle, "onnx": onnx}
"""The hubs of this module by name; the garden downloads nothing and has no stand."""
