"""Weight files at plain addresses, and tables that state them as a package would."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from loopback.server import Server


def hashed(stem: str, body: bytes, suffix: str = ".pth") -> str:
    """Return a file name that states the start of its sha256, as torch.hub wants it."""
    return f"{stem}-{hashlib.sha256(body).hexdigest()[:8]}{suffix}"


def serve(server: Server, path: str, body: bytes) -> str:
    """Serve a file; return an address at the public host that the mirror stands in for."""
    server.files[path] = body
    return f"https://weights.example{path}"


def state(data: Path, package: str, version: str, entries: dict[str, object]) -> Path:
    """Write a package's table below a data folder, which `CANILOAD_DATA` is to name."""
    table = {"package": package, "version": version, "source": "test", "entries": entries}
    folder = data / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{package}.json").write_text(json.dumps(table), "utf-8")
    return data
