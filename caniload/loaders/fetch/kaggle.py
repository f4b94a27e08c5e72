"""The `kaggle` hub: one variation of a Kaggle model at a version.

Kaggle's HTTP is spoken directly, through `download`: kagglehub 1.0.3 would bring requests,
kagglesdk and tqdm onto the host, unpack archives itself and neither resume across processes nor
state a sha256. The paths are those that kagglesdk 0.1.38 names for its requests
(``/api/v1/models/…``) and that Kaggle's pages give for curl; `KAGGLE_API_ENDPOINT` is what
kagglehub 0.3.13 read for another host.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from caniload.errors import BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.archives import unpack
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.http import open_client, raise_for_status, transient, translate
from caniload.loaders.fetch.kaggle_login import authorization
from caniload.loaders.fetch.retry import TransientError, retrying
from caniload.loaders.fetch.storage import StorageHash, refuse_spoilt, unchanged
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_FRAMEWORK = {
    "keras": "keras-preset",
    "tensorflow1": "saved-model",
    "tensorflow2": "saved-model",
    "tflite": "tflite",
    "tfjs": "tfjs",
    "pytorch": "pt",
    "transformers": "safetensors",
    "onnx": "onnx",
    "flax": "flax",
    "gguf": "gguf",
}
"""The format that a framework's files have as a rule; the framework is written in lower case."""

_WEIGHTS = {
    "keras-preset": re.compile(r"[^/]*\.weights\.(h5|json)\Z"),
    "saved-model": re.compile(r"saved_model\.pb\Z"),
    "tflite": re.compile(r".*\.tflite\Z"),
    "tfjs": re.compile(r"(.*/)?model\.json\Z"),
    "pt": re.compile(r".*\.(pt|pth)\Z"),
    "safetensors": re.compile(r".*\.safetensors\Z"),
    "onnx": re.compile(r".*\.onnx\Z"),
    "flax": re.compile(r"(.*/)?flax_model\.msgpack\Z"),
    "gguf": re.compile(r".*\.gguf\Z"),
    "keras": re.compile(r".*\.keras\Z"),
    "bin": re.compile(r"(.*/)?pytorch_model[^/]*\.bin\Z"),
}
"""The file that has to be there for the format to be said."""

_SAID = {
    "keras-preset": (None, "keras-hub"),
    "saved-model": ("tensorflow", "tensorflow-hub"),
    "tflite": ("litert", "litert"),
    "pt": ("pytorch", None),
    "safetensors": (None, "transformers"),
    "onnx": ("onnxruntime", "onnx"),
    "flax": ("jax", "transformers"),
}


class KaggleHub:
    """Serve the files of a model's variation at a version."""

    name = "kaggle"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at a version; without one Kaggle is asked for the current."""
        named = _named(handle)
        if named.revision is not None:
            return named
        number = _asked(f"{_path(named)}/get", named, settings).get("versionNumber")
        if not isinstance(number, int) or number < 1:
            raise HubError("kaggle", "unresolved", f"Kaggle names no version of {named.source}")
        return named.at(str(number))

    def selection(self, handle: Handle) -> str:
        """A variation is fetched whole; the format says how its files are to be read."""
        return handle.format or "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the variation's archive, verify it, unpack it below ``into/files``."""
        handle = _named(handle)
        parts, files = into / "parts", into / "files"
        parts.mkdir(exist_ok=True)
        shutil.rmtree(files, ignore_errors=True)
        target = parts / "model.tar.gz"
        stated = StorageHash()

        def check(response: httpx2.Response) -> None:
            _refuse(response, handle)
            stated.note(response)

        wanted = Wanted(
            _download_url(handle),
            target,
            self.name,
            sha256=order.sha256,
            headers=authorization(),
            check=check,
        )
        with open_client(order.settings) as client:
            arrived = download(
                client,
                wanted,
                order.settings,
                lambda done, total: order.tell(handle, target.name, done, total),
            )
        stated.verify(target, self.name, str(handle))
        facts = unpack(target, files, self.name)
        target.unlink()
        note = {"sha256": arrived.sha256, "etag": arrived.etag or ""}
        form = _format(handle, facts)
        named = Handle(self.name, handle.locator, handle.revision, None, form)
        return Laid(named, files, facts, "Kaggle", form, note)

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether Kaggle still serves the same archive, by its ETag."""
        url = _download_url(handle)
        return unchanged(url, note.get("etag", ""), order.settings, authorization())

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the variations of the models that Kaggle's search puts first."""
        path = f"/api/v1/models/list?search={quote(query)}&pageSize=20"
        models = _asked(path, Handle(self.name, query), settings).get("models") or []
        found = []
        for model in models:
            for each in model.get("instances") or []:
                locator = f"{model.get('ref')}/{each.get('framework')}/{each.get('slug')}"
                try:
                    handle = _named(Handle(self.name, locator))
                except BadInputError:
                    continue
                found.append(Found(handle, str(model.get("title") or ""), _said(handle)))
        return tuple(found)

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the handle's framework and the list of files say; nothing is downloaded."""
        resolved = self.resolve(handle, settings)
        path = f"{_path(resolved)}/{resolved.revision}/files?pageSize=200"
        files = _asked(path, resolved, settings).get("files") or []
        names = [str(each.get("name", "")) for each in files]
        held = [
            Claim(f"file list holds {form}", form, *_SAID.get(form, (None, None)))
            for form, pattern in _WEIGHTS.items()
            if any(pattern.match(name) for name in names)
        ]
        return (*_said(resolved), *held)


def _named(handle: Handle) -> Handle:
    """Return the handle, its parts checked, with a version that stands in the locator moved."""
    parts = handle.locator.split("/")
    if len(parts) == 5 and handle.revision is None and parts[4].isdecimal():
        handle = replace(handle, locator="/".join(parts[:4]), revision=parts[4])
        parts = parts[:4]
    if len(parts) != 4 or not all(_SLUG.match(part) for part in parts):
        raise BadInputError(
            f"{handle.locator!r} is not a Kaggle model",
            "write kaggle:owner/model/framework/variation@version",
        )
    if handle.revision is not None and not re.fullmatch(r"[0-9]+", handle.revision):
        raise BadInputError(f"{handle.revision!r} is not a Kaggle version", "write a number")
    return handle


def _said(handle: Handle) -> tuple[Claim, ...]:
    framework = handle.locator.split("/")[2]
    form = _FRAMEWORK.get(framework.lower())
    return (Claim(f"Kaggle lists it as {framework}", form, *_SAID.get(form or "", (None, None))),)


def _format(handle: Handle, facts: tuple[FileFact, ...]) -> str | None:
    """Return the format asked for, else that which the framework means, if the files agree.

    Raises `HubError` where the files do not hold the format asked for; None leaves it to be
    recognised by content.
    """
    held = [form for form in _WEIGHTS if any(_WEIGHTS[form].match(fact.path) for fact in facts)]
    meant = handle.format or _FRAMEWORK.get(handle.locator.split("/")[2].lower())
    if meant in held:
        return meant
    if handle.format is not None:
        has = f"it has {', '.join(held)}" if held else "no known weights are in it"
        raise HubError("kaggle", "missing", f"{handle.source} has no {handle.format} files", has)
    return None


def _endpoint() -> str:
    return os.environ.get("KAGGLE_API_ENDPOINT", "").rstrip("/") or "https://www.kaggle.com"


def _path(handle: Handle) -> str:
    return f"/api/v1/models/{quote(handle.locator)}"


def _download_url(handle: Handle) -> str:
    return f"{_endpoint()}{_path(handle)}/{handle.revision}/download"


def _asked(path: str, handle: Handle, settings: Settings) -> dict[str, Any]:
    """Ask Kaggle's API and return its answer; raise `HubError` for a refusal."""

    def once() -> Any:
        try:
            with open_client(settings) as client:
                response = client.get(f"{_endpoint()}{path}", headers=authorization())
                _refuse(response, handle)
                raise_for_status(response, "kaggle", handle.source)
                return response.json()
        except httpx2.HTTPError as error:
            failure = translate(error, "kaggle", handle.source)
            raise (TransientError(failure) if transient(error) else failure) from error
        except ValueError:
            return None

    answer = retrying(once, settings)
    if not isinstance(answer, dict):
        raise HubError(
            "kaggle",
            "server",
            f"{handle.source}: the answer is not Kaggle's",
            "check KAGGLE_API_ENDPOINT, the proxy, or a log-in page of the network",
        )
    return answer


def _refuse(response: httpx2.Response, handle: Handle) -> None:
    """Raise what a 401, 403 or 404 means; Kaggle also answers 403 for what is not there.

    Its words are known from https://github.com/keras-team/keras-hub/issues/2160 (consent) and
    https://github.com/Kaggle/kaggle-cli/issues/548 (permission, "can also mean not found").
    """
    status, headers = response.status_code, response.headers
    busy = "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0"
    if status not in (401, 403, 404) or (status == 403 and busy):
        return
    refuse_spoilt(response, "kaggle", str(handle))
    said = _message(response)
    why = f": {said}" if said else ""
    page = f"https://www.kaggle.com/models/{'/'.join(handle.locator.split('/')[:2])}"
    log_in = "set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY"
    if status == 404:
        raise HubError("kaggle", "missing", f"{handle} is not there{why}", f"check it at {page}")
    if "consent" in said.lower():
        raise HubError(
            "kaggle",
            "gated",
            f"{handle.source} asks for consent to its terms{why}",
            f"accept them at {page}, then {log_in}",
        )
    if re.search(r"permission .*(get|list|view)\b.* denied", said, re.IGNORECASE):
        raise HubError(
            "kaggle",
            "missing",
            f"{handle} is not there, or private{why}",
            f"check the name at {page}; if it is private, {log_in}",
        )
    if status == 401:
        raise HubError("kaggle", "gated", f"{handle.source}: log-in refused{why}", log_in)
    raise HubError(
        "kaggle",
        "gated",
        f"{handle.source}: access is refused ({status}){why}; "
        "Kaggle answers so for consent that is missing, and for what is private or not there",
        f"look at {page}, accept its terms if it has any, and {log_in}",
    )


def _message(response: httpx2.Response) -> str:
    """Return the one line that Kaggle's answer gives as reason, "" where it gives none."""
    response.read()
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    said = body.get("message") or (errors[0] if isinstance(errors, list) and errors else "")
    return " ".join(str(said).split())[:200].rstrip(".")
