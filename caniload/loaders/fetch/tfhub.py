"""The `tfhub` hub: modules, Lite and TF.js models at the addresses of tfhub.dev.

The protocol is that of tensorflow_hub 0.16.1 (`compressed_module_resolver`) and of
https://tensorflow.org/hub/hosting: a query picks the form, and the answer is a tar.gz or a
.tflite file, today after redirects to Kaggle and its storage. `CANILOAD_TFHUB_ENDPOINT` names a
mirror. Versions are TF Hub's own: Kaggle counts its versions anew, so a redirect's is not taken.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from caniload.errors import BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.archives import unpack
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.http import open_client, raise_for_status, transient, translate
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.loaders.fetch.storage import StorageHash, refuse_spoilt, unchanged
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.fetch.tfhub_files import lay_files
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings

QUERIES = {
    "saved-model": "tf-hub-format=compressed",
    "tflite": "lite-format=tflite",
    "tfjs": "tfjs-format=compressed",
}
"""What each form of a model is asked for with; the first is the default."""

_PREFIXES = {"lite-model": "tflite", "tfjs-model": "tfjs"}
_KIND = {"Module": "saved-model", "Lite": "tflite", "Tfjs": "tfjs"}
_CLAIMED = {"saved-model": ("tensorflow", "tensorflow-hub"), "tflite": ("litert", "litert")}
_NAME = re.compile(r"[A-Za-z0-9][\w.&;=+-]*(/[\w.&;=+-]+)+\Z", re.ASCII)
_KAGGLE = re.compile(
    r"/models/([^/]+)/([^/]+)/(?:frameworks/)?([^/]+)/(?:variations/)?([^/]+)"
    r"/(?:versions/)?(\d+)/?\Z"
)


class TfHub:
    """Serve one form of a model at one version."""

    name = "tfhub"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at a version; without one the hub is asked for the newest."""
        named = _named(handle)
        return named if named.revision is not None else named.at(_newest(named, settings))

    def selection(self, handle: Handle) -> str:
        """One folder a form: SavedModel, LiteRT, TF.js."""
        return _form(_named(handle))

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the archive or file, verify it, unpack it below ``into/files``."""
        handle = _named(handle)
        form = _form(handle)
        parts, files = into / "parts", into / "files"
        parts.mkdir(exist_ok=True)
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        named = Handle(self.name, handle.locator, handle.revision, None, form)
        with open_client(order.settings) as client:
            try:
                target, note = _download(client, handle, form, parts, order)
            except HubError as error:
                if form != "tfjs" or error.reason != "missing":
                    raise
                facts = lay_files(client, _address(handle), files, order, named)
                return Laid(named, files, facts, "TF Hub", form, {})
        if form == "tflite" and not tarfile.is_tarfile(target):
            target.rename(files / target.name)
            size = (files / target.name).stat().st_size
            fact = FileFact(path=target.name, size_bytes=size, sha256=note["sha256"])
            return Laid(named, files / target.name, (fact,), "TF Hub", form, note)
        facts = unpack(target, files, self.name)
        target.unlink()
        return Laid(named, files, facts, "TF Hub", form if _holds(form, facts) else None, note)

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the address still serves the same content, by its ETag."""
        url = f"{_address(handle)}?{QUERIES[_form(handle)]}"
        return unchanged(url, note.get("etag", ""), order.settings, {})

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return what tfhub.dev's last public list names, at most twenty."""
        found = [name for name in _listed(settings) if query.lower() in name.lower()]
        return tuple(
            Found(
                Handle(
                    self.name, name, max(_listed(settings)[name]["versions"], key=int, default=None)
                ),
                _listed(settings)[name]["kind"],
                self.claims(Handle(self.name, name), settings),
            )
            for name in found[:20]
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what tfhub.dev's last public list says of a model; nobody is asked."""
        named = _named(handle)
        entry = _listed(settings).get(named.locator)
        if entry is None:
            return ()
        if entry.get("deleted"):
            return (Claim("tfhub.dev's README says that the model was deleted on 2024-03-18"),)
        form = _KIND.get(entry["kind"])
        framework, loader = _CLAIMED.get(form or "", (None, None))
        versions = entry["versions"]
        shown = (
            {named.revision: versions[named.revision]} if named.revision in versions else versions
        )
        says = {
            f"tfhub.dev's last list has it as {entry['kind']}{f', {f}' if f else ''}"
            for f in shown.values()
        }
        return tuple(Claim(each, form, framework, loader) for each in sorted(says))


def _named(handle: Handle) -> Handle:
    """Return the handle with a version in its locator's last part moved to the revision."""
    name, _, last = handle.locator.rpartition("/")
    if handle.revision is None and last.isdecimal() and "/" in name:
        handle = replace(handle, locator=name, revision=last)
    if not _NAME.match(handle.locator) or ".." in handle.locator.split("/"):
        raise BadInputError(
            f"{handle.locator!r} is not a TF Hub model", "write tfhub:publisher/name@version"
        )
    if handle.revision is not None and not re.fullmatch(r"[0-9]+", handle.revision):
        raise BadInputError(
            f"{handle.revision!r} is not a TF Hub version", "write a number, tfhub:google/spice@2"
        )
    return handle


def _form(handle: Handle) -> str:
    """Return the form that is asked for: the handle's format, else what the address implies."""
    if handle.format is None:
        return _PREFIXES.get(handle.locator.split("/")[1], "saved-model")
    if handle.format not in QUERIES:
        forms = f"write #{', #'.join(QUERIES)}, or none of them"
        raise HubError("tfhub", "missing", f"TF Hub serves no {handle.format}", forms)
    return handle.format


def _endpoint() -> str:
    return os.environ.get("CANILOAD_TFHUB_ENDPOINT", "").rstrip("/") or "https://tfhub.dev"


def _address(handle: Handle) -> str:
    """Return a model's address, as tensorflow_hub is given it."""
    version = "" if handle.revision is None else f"/{handle.revision}"
    return f"{_endpoint()}/{quote(handle.locator)}{version}"


def _download(
    client: httpx2.Client, handle: Handle, form: str, parts: Path, order: Order
) -> tuple[Path, dict[str, str]]:
    """Download what the hub serves for one form; return it and what identifies it."""
    stem = [part for part in handle.locator.split("/") if not part.isdecimal()][-1]
    target = parts / (f"{stem}.tflite" if form == "tflite" else f"{stem}.tar.gz")
    stated = StorageHash()

    def check(response: httpx2.Response) -> None:
        _refuse(response, handle, form, order.settings)
        stated.note(response)

    url = f"{_address(handle)}?{QUERIES[form]}"
    arrived = download(
        client,
        Wanted(url, target, "tfhub", sha256=order.sha256, check=check),
        order.settings,
        lambda done, total: order.tell(handle, target.name, done, total),
    )
    stated.verify(target, "tfhub", str(handle))
    return target, {"sha256": arrived.sha256, "etag": arrived.etag or ""}


def _refuse(response: httpx2.Response, handle: Handle, form: str, settings: Settings) -> None:
    """Raise `HubError` for what is gone: 404, 410, or a redirect to Kaggle's list of models."""
    page = "text/html" in response.headers.get("Content-Type", "")
    listing = page and bool(response.history) and response.url.path.rstrip("/") == "/models"
    if response.status_code in (404, 410) or listing:
        why = "sends to Kaggle's list of models" if listing else f"answered {response.status_code}"
        raise HubError(
            "tfhub",
            "missing",
            f"{handle} is gone or never was there as {form}: TF Hub {why}",
            _hint(handle, form, settings),
        )
    refuse_spoilt(response, "tfhub", str(handle))


def _hint(handle: Handle, form: str, settings: Settings) -> str:
    """Say what tfhub.dev's last public list knows in place of a model that is not there."""
    listed = _listed(settings)
    entry = listed.get(handle.locator)
    if entry is not None and entry.get("deleted"):
        return "tfhub.dev's README says that the model was deleted on 2024-03-18"
    if entry is not None and handle.revision not in entry["versions"]:
        return f"the last public list names version {', '.join(entry['versions'])}"
    forms = [
        f"tfhub:{name}@{max(other['versions'], key=int)}"
        for name, other in listed.items()
        if other.get("parent", "").rpartition("/")[0] == handle.locator
        and _KIND.get(other["kind"]) == form
    ]
    if forms:
        return f"this form of it is {' or '.join(forms[:3])}"
    return "check the name; look for it at https://www.kaggle.com/models"


def _listed(settings: Settings) -> dict[str, Any]:
    """Return the models of tfhub.dev's last public list by the names of their addresses."""
    table = read_table("tfhub", settings)
    entries: dict[str, Any] = {} if table is None else table["entries"]
    return entries


def _newest(handle: Handle, settings: Settings) -> str:
    """Ask the hub where the address without a version leads; raise `HubError` if to none."""
    address = _address(handle)

    def once() -> list[httpx2.URL]:
        try:
            with open_client(settings) as client, client.stream("GET", address) as response:
                _refuse(response, handle, _form(handle), settings)
                raise_for_status(response, "tfhub", str(handle))
                return [each.url for each in response.history] + [response.url]
        except httpx2.HTTPError as error:
            failure = translate(error, "tfhub", str(handle))
            raise (TransientError(failure) if transient(error) else failure) from error

    version = re.compile(re.escape(urlsplit(address).path) + r"/(\d+)/?\Z")
    elsewhere = ""
    for url in retrying(once, settings):
        if (found := version.match(url.path)) is not None:
            return found.group(1)
        if (moved := _KAGGLE.search(url.path)) is not None:
            *parts, number = moved.groups()
            elsewhere = f", or kaggle:{'/'.join(parts)}@{number}, to which TF Hub sends"
    known = _listed(settings).get(handle.locator, {}).get("versions", {})
    which = f" (the last public list names {', '.join(known)})" if known else ""
    raise HubError(
        "tfhub",
        "unresolved",
        f"TF Hub names no version of {handle.source}",
        f"write tfhub:{handle.locator}@<version>{which}{elsewhere}",
    )


def _holds(form: str, facts: tuple[FileFact, ...]) -> bool:
    """Tell whether an unpacked archive holds the form that was asked for."""
    paths = {fact.path for fact in facts}
    if form == "tflite":
        return any(path.endswith(".tflite") for path in paths)
    return ("model.json" if form == "tfjs" else "saved_model.pb") in paths
