"""A Hugging Face hub: the requests that huggingface_hub makes, answered as the real one does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlencode

from loopback.server import Answer, Asked, Server, content

LARGE = (".safetensors", ".bin", ".h5", ".onnx", ".msgpack")


@dataclass
class Repository:
    """One repository at one commit, reachable as `main` and as its commit."""

    id: str
    files: dict[str, bytes]
    tags: list[str] = field(default_factory=list)
    library_name: str | None = None
    gated: bool = False
    private: bool = False
    disabled: bool = False
    readers: tuple[str, ...] = ()
    """Tokens whose owners accepted the terms."""
    said: dict[str, object] = field(default_factory=dict)
    """More that the API says: cardData, pipeline_tag, lastModified."""

    @property
    def commit(self) -> str:
        listing = sorted(
            (path, hashlib.sha1(body).hexdigest()) for path, body in self.files.items()
        )
        return hashlib.sha1(json.dumps(listing).encode()).hexdigest()


class HuggingFace:
    """Add the protocol to a server; repositories can be renamed by `moved`."""

    def __init__(self, server: Server, page: int = 1000) -> None:
        self.page = page
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, str] = {}
        server.routes.append(self.answer)

    def add(self, repository: Repository) -> Repository:
        self.repositories[repository.id] = repository
        return repository

    def answer(self, asked: Asked) -> Answer | None:
        path = unquote(asked.path)
        if path == "/api/models":
            return self._list(asked)
        if path.startswith("/api/models/"):
            return self._info(path.removeprefix("/api/models/"), asked)
        name, resolve, rest = path.lstrip("/").partition("/resolve/")
        if resolve:
            revision, _, file = rest.partition("/")
            return self._file(name, revision, file, asked)
        return None

    def _list(self, asked: Asked) -> Answer:
        """Answer a page, and name the next one in a Link header as the hub does."""
        query = parse_qs(asked.query)

        def said(name: str) -> str:
            return query.get(name, [""])[0]

        found = [
            r
            for r in self.repositories.values()
            if said("search").lower() in r.id.lower()
            and (not said("author") or r.id.startswith(f"{said('author')}/"))
            and (not said("pipeline_tag") or r.said.get("pipeline_tag") == said("pipeline_tag"))
            and all(word in (*r.tags, r.library_name) for word in query.get("filter", []))
        ]
        start = int(said("cursor") or 0)
        size = min(self.page, int(said("limit") or self.page))
        answer = _json([_described(r, False) for r in found[start : start + size]])
        if start + size < len(found):
            kept = {name: values for name, values in query.items() if name != "cursor"}
            more = urlencode({**kept, "cursor": [str(start + size)]}, doseq=True)
            host = asked.headers["host"]
            answer.headers["Link"] = f'<http://{host}/api/models?{more}>; rel="next"'
        return answer

    def _info(self, rest: str, asked: Asked) -> Answer:
        name, _, revision = rest.partition("/revision/")
        if name in self.moved:
            there = f"/api/models/{self.moved[name]}"
            tail = f"/revision/{revision}" if revision else ""
            query = f"?{asked.query}" if asked.query else ""
            return Answer(b"", 307, {"Location": there + tail + query})
        repository = self.repositories.get(name)
        if repository is None or (repository.private and not _reader(repository, asked)):
            return _refusal(401 if "authorization" not in asked.headers else 404, "RepoNotFound")
        if repository.disabled:
            return _refusal(403, "", "Access to this resource is disabled.")
        if revision not in ("", "main", repository.commit):
            return _refusal(404, "RevisionNotFound")
        return _json(_described(repository, "blobs" in asked.query))

    def _file(self, name: str, revision: str, file: str, asked: Asked) -> Answer:
        repository = self.repositories.get(self.moved.get(name, name))
        if repository is None:
            return _refusal(401, "RepoNotFound")
        if repository.gated and not _reader(repository, asked):
            return _refusal(403 if "authorization" in asked.headers else 401, "GatedRepo")
        if revision not in ("main", repository.commit):
            return _refusal(404, "RevisionNotFound")
        body = repository.files.get(file)
        if body is None:
            return _refusal(404, "EntryNotFound")
        digest = hashlib.sha256(body).hexdigest() if file.endswith(LARGE) else blob_id(body)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": repository.commit}
        return content(body, asked, headers)


def blob_id(body: bytes) -> str:
    """Return git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def _described(repository: Repository, blobs: bool) -> dict[str, object]:
    siblings = []
    for path, body in repository.files.items():
        sibling: dict[str, object] = {"rfilename": path}
        if blobs:
            sibling |= {"size": len(body), "blobId": blob_id(body)}
            if path.endswith(LARGE):
                sha256 = hashlib.sha256(body).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(body), "pointerSize": 130}
        siblings.append(sibling)
    return {
        "id": repository.id,
        "modelId": repository.id,
        "sha": repository.commit,
        "tags": repository.tags,
        "library_name": repository.library_name,
        "gated": "manual" if repository.gated else False,
        "private": repository.private,
        "disabled": False,
        "siblings": siblings,
        **repository.said,
    }


def _reader(repository: Repository, asked: Asked) -> bool:
    return asked.headers.get("authorization", "").removeprefix("Bearer ") in repository.readers


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})


def _refusal(status: int, code: str, message: str = "") -> Answer:
    headers = {"X-Error-Code": code} if code else {}
    if message:
        headers["X-Error-Message"] = message
    return Answer(json.dumps({"error": message or code}).encode(), status, headers)
