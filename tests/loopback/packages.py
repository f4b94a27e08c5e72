"""A package index (PEP 503) with wheels made on the spot."""

from __future__ import annotations

import hashlib
import io
import zipfile

from loopback.server import Answer, Server


def members(
    name: str, version: str, files: dict[str, bytes], requires: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """Return files and the least metadata that pip accepts beside them."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    inside = dict(files)
    inside[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: A tiny model.\n{needs}"
    ).encode()
    inside[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    inside[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in inside).encode()
    return inside


def packed(inside: dict[str, bytes]) -> bytes:
    """Make a wheel of its members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, body in inside.items():
            archive.writestr(path, body)
    return out.getvalue()


def wheel(
    name: str, version: str, files: dict[str, bytes], requires: tuple[str, ...] = ()
) -> bytes:
    """Make a wheel that holds files and the least metadata that pip accepts."""
    return packed(members(name, version, files, requires))


def publish(server: Server, name: str, wheels: dict[str, bytes]) -> None:
    """Put wheels (file name to bytes) on the index with their hashes."""
    links = []
    for file, body in wheels.items():
        server.files[f"/packages/{file}"] = body
        digest = hashlib.sha256(body).hexdigest()
        links.append(f'<a href="/packages/{file}#sha256={digest}">{file}</a>')
    page = f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>"
    page_bytes = page.encode()
    kind = {"Content-Type": "text/html"}
    path = f"/index/{name}/"
    server.routes.append(
        lambda asked: Answer(page_bytes, 200, kind) if asked.path == path else None
    )
