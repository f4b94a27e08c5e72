"""GitHub: a commit's zip, which commit a branch is, one file; with a rate limit and secrets."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from dataclasses import dataclass, field

from loopback.server import Answer, Asked, Server, content

LIMITED = Answer(
    b'{"message": "API rate limit exceeded for 127.0.0.1. (But here is the good news: ...)"}',
    403,
    {"Content-Type": "application/json", "X-RateLimit-Remaining": "0"},
)
"""What GitHub answers when the requests of an hour are used up; it is no 429."""


@dataclass
class Repository:
    """One repository with one commit, which `branches` point at; `archive` replaces its zip."""

    id: str
    files: dict[str, bytes]
    branches: tuple[str, ...] = ("HEAD", "main")
    private: bool = False
    links: dict[str, str] = field(default_factory=dict)
    archive: bytes | None = None

    @property
    def commit(self) -> str:
        listing = "".join(
            f"{path} {hashlib.sha1(body).hexdigest()}\n"
            for path, body in sorted(self.files.items())
        )
        return hashlib.sha1(listing.encode()).hexdigest()

    @property
    def top(self) -> str:
        """The one folder of the zip."""
        return f"{self.id.replace('/', '-')}-{self.commit[:7]}/"

    def zipped(self) -> bytes:
        """The zip as `git archive` makes it: the folder first, the commit as comment."""
        if self.archive is not None:
            return self.archive
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = self.commit.encode()
            archive.writestr(zipfile.ZipInfo(self.top), b"")
            for path, body in sorted(self.files.items()):
                archive.writestr(zipfile.ZipInfo(self.top + path), body, zipfile.ZIP_DEFLATED)
            for path, leads in self.links.items():
                info = zipfile.ZipInfo(self.top + path)
                info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, leads)
        return out.getvalue()


class GitHub:
    """Serve both the site and its API; zips from another host where one is given, as in life."""

    def __init__(self, server: Server, *, token: str = "", codeload: Server | None = None) -> None:
        self.repositories: dict[str, Repository] = {}
        self.token, self.codeload, self.limited = token, codeload, False
        server.routes.append(self.answer)

    def add(self, repository: Repository) -> Repository:
        self.repositories[repository.id] = repository
        return repository

    def answer(self, asked: Asked) -> Answer | None:
        api = asked.path.startswith("/repos/")
        parts = asked.path.removeprefix("/repos/").lstrip("/").split("/", 3)
        if len(parts) != 4:
            return None
        repository = self.repositories.get("/".join(parts[:2]))
        known = asked.headers.get("authorization") == f"Bearer {self.token}"
        if api and self.limited and not known:
            return LIMITED
        if api and "authorization" in asked.headers and not known:
            return Answer(b'{"message": "Bad credentials"}', 401)
        if repository is None or (repository.private and not known):
            return Answer(b'{"message": "Not Found"}', 404)
        kind, rest = parts[2:]
        if kind == "zipball":
            return self._zip(repository, rest, asked)
        if kind == "contents" and api:
            body = repository.files.get(rest)
            return (
                Answer(b'{"message": "Not Found"}', 404) if body is None else content(body, asked)
            )
        if kind == "commits" and api:
            if rest in (*repository.branches, repository.commit, repository.commit[:7]):
                return Answer(repository.commit.encode())
            return Answer(b'{"message": "No commit found for SHA: nothing"}', 422)
        return None

    def _zip(self, repository: Repository, commit: str, asked: Asked) -> Answer:
        if commit != repository.commit:
            return Answer(b"404: Not Found", 404)
        if self.codeload is None:
            return content(repository.zipped(), asked)
        path = f"/{repository.id}/legacy.zip/{commit}"
        self.codeload.files[path] = repository.zipped()
        return Answer(b"", 302, {"Location": self.codeload.base + path})
