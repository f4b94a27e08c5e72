"""The `onnx` hub: the ONNX Model Zoo's files, named and hashed by its manifest.

The manifest at commit b1eeaa1 is committed data, so a name in it is resolved without asking
anybody; other names are looked up in the hub's own. Files lie in Git LFS, at the address that
onnx's `hub.py` makes (https://github.com/onnx/onnx/blob/03f2a6e/onnx/hub.py). The zoo's README at
that commit says that LFS downloads end on 2025-07-01 and that the models moved to
https://huggingface.co/onnxmodelzoo. `CANILOAD_ONNX_ENDPOINT` names a mirror of the repository.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx2

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.http import open_client, raise_for_status, transient, translate
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings

MANIFEST = "ONNX_HUB_MANIFEST.json"

_FILES = "https://media.githubusercontent.com/media/onnx/models/main"
_TEXTS = "https://raw.githubusercontent.com/onnx/models/main"
_REVISION = re.compile(r"sha256-([0-9a-f]{64})\Z")
_ENDED = "LFS downloads of the ONNX Model Zoo ended on 2025-07-01, says its README"


class OnnxHub:
    """Serve one file of the manifest."""

    name = "onnx"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at the file's hash, its locator the path that the manifest has.

        Nobody is asked for what the committed manifest names, nor for a path with a hash.
        """
        if handle.format not in (None, "onnx"):
            raise HubError(
                self.name, "missing", f"the ONNX hub has no {handle.format}", "leave the format out"
            )
        if handle.revision is not None and not _REVISION.match(handle.revision):
            raise BadInputError(
                f"{handle.revision!r} is not the revision of a file",
                "write @sha256-<64 hex digits>, or none",
            )
        found = _find(handle.locator, _listed(settings))
        if found is None and handle.revision is not None:
            return handle
        path, entry = found or _ask(handle.locator, settings)
        return replace(handle, locator=path, revision=_revision(handle, path, entry))

    def selection(self, handle: Handle) -> str:
        """The file is the whole artefact."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the file and verify size and hash."""
        path, entry = _entry(handle.locator, order.settings)
        _revision(handle, path, entry)
        files = into / "files"
        files.mkdir(exist_ok=True)
        target = files / PurePosixPath(path).name
        wanted = Wanted(
            _address(path),
            target,
            self.name,
            size_bytes=entry["size_bytes"],
            sha256=entry["sha256"],
            check=lambda response: _refuse(response, path),
        )
        with open_client(order.settings) as client:
            try:
                arrived = download(
                    client,
                    wanted,
                    order.settings,
                    lambda done, total: order.tell(handle, target.name, done, total),
                )
            except ArtefactError as error:
                if "Git LFS pointer" not in error.message:
                    raise
                raise ArtefactError(self.name, error.message, _moved(path)) from error
        for stray in files.iterdir():
            if stray != target:
                shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
        named = Handle(self.name, path, f"sha256-{arrived.sha256}", None, "onnx")
        fact = FileFact(path=target.name, size_bytes=arrived.size_bytes, sha256=arrived.sha256)
        note = {"sha256": arrived.sha256}
        return Laid(named, target, (fact,), "ONNX hub manifest", "onnx", note)

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the file is still served in the size that the manifest states."""
        path, entry = _entry(handle.locator, order.settings)
        try:
            with open_client(order.settings) as client:
                response = client.head(_address(path))
        except httpx2.HTTPError:
            return False
        same = response.headers.get("Content-Length") == str(entry["size_bytes"])
        return response.status_code == 200 and same and entry["sha256"] == note.get("sha256")

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the files whose path, name or tags hold the query, at most twenty."""
        wanted = query.lower()
        return tuple(
            Found(
                Handle(self.name, path, f"sha256-{entry['sha256']}"),
                f"{entry['model']}, opset {entry['opset']}",
                _claims(entry),
            )
            for path, entry in _listed(settings).items()
            if wanted in " ".join((path, entry["model"], *entry["tags"])).lower()
        )[:20]

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the manifest says of a file."""
        return _claims(_entry(handle.locator, settings)[1])


def _revision(handle: Handle, path: str, entry: dict[str, Any]) -> str:
    """Return the manifest's revision of a file; raise `HubError` if the handle has another."""
    has = f"sha256-{entry['sha256']}"
    if handle.revision not in (None, has):
        raise HubError("onnx", "missing", f"{path} is {has} now, not {handle.revision}")
    return has


def _claims(entry: dict[str, Any]) -> tuple[Claim, ...]:
    says = f"manifest: {entry['model']}, opset {entry['opset']}"
    return (Claim(says, "onnx", "onnxruntime", "onnx"),)


def _listed(settings: Settings) -> dict[str, Any]:
    """Return the committed manifest's entries by path."""
    table = read_table("onnx_hub", settings)
    entries: dict[str, Any] = {} if table is None else table["entries"]
    return entries


def _entry(name: str, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Find a path or a model's name in the committed manifest, else in the hub's own."""
    found = _find(name, _listed(settings))
    return found or _ask(name, settings)


def _find(name: str, entries: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the one path that a name means; raise `BadInputError` where it means several."""
    if name in entries:
        return name, entries[name]
    named = [path for path, entry in entries.items() if entry["model"].lower() == name.lower()]
    if len(named) > 1:
        choices = ", ".join(f"onnx:{path} (opset {entries[path]['opset']})" for path in named)
        raise BadInputError(f"{name!r} is {len(named)} files of the ONNX hub", f"write {choices}")
    return (named[0], entries[named[0]]) if named else None


def _ask(name: str, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Look a name up in the hub's own manifest; raise `HubError` with the nearest."""
    base = _endpoint() or _TEXTS

    def once() -> Any:
        try:
            with open_client(settings) as client:
                response = client.get(f"{base}/{MANIFEST}")
                raise_for_status(response, "onnx", MANIFEST)
                listed = response.json()
                if not isinstance(listed, list):
                    raise TypeError("the manifest is no list")
                return listed
        except httpx2.HTTPError as error:
            failure = translate(error, "onnx", MANIFEST)
            raise (TransientError(failure) if transient(error) else failure) from error

    try:
        entries: dict[str, dict[str, Any]] = {
            str(each["model_path"]): {
                "model": str(each["model"]),
                "opset": int(each["opset_version"]),
                "sha256": _hash(each["metadata"]["model_sha"]),
                "size_bytes": int(each["metadata"]["model_bytes"]),
                "tags": [str(tag) for tag in each["metadata"].get("tags", [])],
            }
            for each in retrying(once, settings)
        }
    except (ValueError, KeyError, TypeError) as error:
        raise HubError(
            "onnx", "server", f"{MANIFEST} is not the ONNX hub's", "check CANILOAD_ONNX_ENDPOINT"
        ) from error
    found = _find(name, entries)
    if found is None:
        models = [str(entry["model"]) for entry in entries.values()]
        known = [*entries, *models, *_listed(settings)]
        near = dict.fromkeys(difflib.get_close_matches(name, known, 3))
        hint = f"did you mean {' or '.join(near)}?" if near else ""
        raise HubError("onnx", "missing", f"no model of the ONNX hub is named {name!r}", hint)
    return found


def _hash(text: Any) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"{text!r} is not a sha256")
    return text


def _endpoint() -> str:
    return os.environ.get("CANILOAD_ONNX_ENDPOINT", "").rstrip("/")


def _address(path: str) -> str:
    return f"{_endpoint() or _FILES}/{quote(path)}"


def _refuse(response: httpx2.Response, path: str) -> None:
    """Raise `HubError` for a file that the zoo no longer serves, saying where it went."""
    if response.status_code in (404, 410):
        says = f"{path}: not there ({response.status_code})"
        raise HubError("onnx", "missing", says, _moved(path))


def _moved(path: str) -> str:
    """Say what to do about a file that Git LFS no longer serves."""
    if _endpoint():
        return "the mirror lacks the file itself: fetch it with `git lfs pull` there"
    stem = PurePosixPath(path).stem
    return f"{_ENDED}; look for hf:onnxmodelzoo/{stem}, or set CANILOAD_ONNX_ENDPOINT to a mirror"
