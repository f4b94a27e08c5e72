"""Stands of torch.hub and of the hubs whose addresses a package states, for the contract."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from loopback import weight_files
from loopback.github import GitHub, Repository
from loopback.server import Server
from stands import WEIGHTS, Packed, Raise, Stand

from caniload.handles import Handle

HUBCONF = b"dependencies = ['torch']\n\n\ndef tiny(pretrained=False):\n    return None\n"


def torchhub(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve a repository whose weights lie in it, and which is asked for with a token."""
    files = {"hubconf.py": HUBCONF, "model.safetensors": WEIGHTS}
    hub = GitHub(server, token="github_secret")
    repository = hub.add(Repository("tiny/model", files))
    monkeypatch.setenv("CANILOAD_TORCHHUB_ENDPOINT", server.base)
    monkeypatch.setenv("GITHUB_TOKEN", "github_secret")
    handle = Handle("torchhub", "tiny/model/tiny", repository.commit)

    def publish(archive: bytes) -> Handle:
        repository.archive = archive
        return handle

    members = {f"{repository.top}{path}": body for path, body in files.items()}
    return Stand(
        handle,
        "/zipball/",
        "Bearer github_secret",
        lambda root: (root / "repo" / "model.safetensors").read_bytes(),
        file="repo/model.safetensors",
        packed=Packed("zip", publish, members, repository.top),
        gaps={"link": "a link becomes a small file that holds its target, as torch.hub makes it"},
    )


def torchvision(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve weights whose name states the start of their sha256."""
    name = weight_files.hashed("tiny", WEIGHTS)
    url = weight_files.serve(server, f"/models/{name}", WEIGHTS)
    entries = {"defaults": {}, "weights": {"Tiny_Weights.V1": ["tiny", url, 20000]}}
    data = weight_files.state(tmp_path / "data", "torchvision", "0.28.0", entries)
    monkeypatch.setenv("CANILOAD_DATA", str(data))
    monkeypatch.setenv("CANILOAD_TORCHVISION_ENDPOINT", server.base)
    return Stand(
        Handle("torchvision", "Tiny_Weights.V1", "0.28.0"),
        name,
        None,
        lambda root: (root / "checkpoints" / name).read_bytes(),
        file=f"checkpoints/{name}",
    )


def timm(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve a tag whose weights lie at an address of their own; the others are of `hf`."""
    name = weight_files.hashed("tiny", WEIGHTS)
    url = weight_files.serve(server, f"/releases/{name}", WEIGHTS)
    entries = {
        "architectures": {"tiny": ["in1k"]},
        "urls": {"tiny.in1k": url},
        "repositories": {},
        "configs": {"tiny.in1k": {"architecture": "tiny", "pretrained_cfg": {"tag": "in1k"}}},
    }
    data = weight_files.state(tmp_path / "data", "timm", "1.0.31", entries)
    monkeypatch.setenv("CANILOAD_DATA", str(data))
    monkeypatch.setenv("CANILOAD_TIMM_ENDPOINT", server.base)
    return Stand(
        Handle("timm", "tiny.in1k", "1.0.31"),
        name,
        None,
        lambda root: (root / name).read_bytes(),
        file=name,
    )


def keras(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve an application's weights, whose md5 the package states."""
    url = weight_files.serve(server, "/keras-applications/tiny/tiny_kernels.h5", WEIGHTS)
    row = ["tiny_kernels.h5", url, hashlib.md5(WEIGHTS).hexdigest()]
    entries = {"applications": {"Tiny": {"top": row, "notop": row}}}
    data = weight_files.state(tmp_path / "data", "keras", "3.15.1", entries)
    monkeypatch.setenv("CANILOAD_DATA", str(data))
    monkeypatch.setenv("CANILOAD_KERAS_ENDPOINT", server.base)
    return Stand(
        Handle("keras", "Tiny", "3.15.1"),
        "tiny_kernels.h5",
        None,
        lambda root: (root / "models" / "tiny_kernels.h5").read_bytes(),
        file="models/tiny_kernels.h5",
    )


STANDS: dict[str, Raise] = {
    "torchhub": torchhub,
    "torchvision": torchvision,
    "timm": timm,
    "keras": keras,
}
"""The hubs of this module by name."""
