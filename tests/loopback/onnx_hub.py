"""A mirror of the ONNX Model Zoo: its manifest and its files."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from loopback.server import Server

PREFIX = "/zoo"


def publish(server: Server, models: dict[str, tuple[str, int, bytes]]) -> None:
    """Serve files by path, each with its model's name and opset, and a manifest of them all."""
    manifest: list[dict[str, Any]] = []
    for path, (name, opset, body) in models.items():
        server.files[f"{PREFIX}/{path}"] = body
        manifest.append(
            {
                "model": name,
                "model_path": path,
                "onnx_version": "1.9",
                "opset_version": opset,
                "metadata": {
                    "model_sha": hashlib.sha256(body).hexdigest(),
                    "model_bytes": len(body),
                    "tags": ["vision"],
                },
            }
        )
    server.files[f"{PREFIX}/ONNX_HUB_MANIFEST.json"] = json.dumps(manifest).encode()
