"""Kaggle's model API: versions, file lists, archives behind a redirect, and its refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qs

from loopback.server import Answer, Asked, Server, content
from loopback.tfhub import Storage, tar_gz


@dataclass
class Variation:
    """One variation at its current version."""

    locator: str
    version: int
    files: dict[str, bytes]
    consent: bool = False
    private: bool = False
    readers: tuple[str, ...] = ()
    """Authorization headers that may read it."""
    archive: bytes | None = None
    """What is served in place of the files' archive."""


class Kaggle:
    """Add the API to a server; with a storage, archives are redirected to it."""

    def __init__(self, server: Server, storage: Storage | None = None) -> None:
        self.variations: dict[str, Variation] = {}
        self.storage = storage
        server.routes.append(self.answer)

    def add(self, variation: Variation) -> Variation:
        self.variations[variation.locator] = variation
        return variation

    def answer(self, asked: Asked) -> Answer | None:
        if not asked.path.startswith("/api/v1/models/"):
            return None
        rest = asked.path.removeprefix("/api/v1/models/")
        if rest == "list":
            return self._search(asked)
        parts = rest.split("/")
        found = self.variations.get("/".join(parts[:4]))
        who = asked.headers.get("authorization", "")
        if found is None or (found.private and who not in found.readers):
            return _refusal("Permission 'models.get' was denied")
        tail = parts[4:]
        if tail == ["get"]:
            return _json({"versionNumber": found.version, "slug": parts[3]})
        if tail[:1] != [str(found.version)]:
            return _json({"code": 404, "message": "Not found"}, 404)
        if found.consent and who not in found.readers:
            return _refusal("User has not consented to terms of use.")
        if tail[1:] == ["files"]:
            asked_for = parse_qs(asked.query)
            most = int((asked_for.get("page_size") or asked_for.get("pageSize") or ["20"])[0])
            listed = [{"name": name, "size": len(body)} for name, body in found.files.items()]
            more = "more" if len(listed) > most else ""
            return _json({"files": listed[:most], "nextPageToken": more})
        if tail[1:2] == ["download"]:
            name = "/".join(tail[2:])
            body = found.files.get(name) if name else found.archive or tar_gz(found.files)
            if body is None:
                return _json({"code": 404, "message": "Not found"}, 404)
            if self.storage is None:
                return content(body, asked)
            there = self.storage.put(f"{found.locator}/{name}", body)
            return Answer(b"", 302, {"Location": there})
        return None

    def _search(self, asked: Asked) -> Answer:
        models: dict[str, list[dict[str, str]]] = {}
        for locator in self.variations:
            owner, model, framework, slug = locator.split("/")
            if f"search={model}" in asked.query:
                models.setdefault(f"{owner}/{model}", []).append(
                    {"framework": framework, "slug": slug}
                )
        return _json(
            {"models": [{"ref": ref, "title": ref, "instances": i} for ref, i in models.items()]}
        )


def _json(value: object, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"})


def _refusal(message: str) -> Answer:
    return _json({"code": 403, "message": message}, 403)
