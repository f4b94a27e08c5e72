"""GitHub as torch.hub uses it: which commit a branch is, its tree as a zip, one file of it.

`GITHUB_TOKEN` is sent where it is set, as torch.hub itself does, and to no host that a redirect
leads to. `CANILOAD_TORCHHUB_ENDPOINT` names a mirror of both api.github.com and github.com; the
token goes to it in their place. Refusals by the rate limit are told by
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

from __future__ import annotations

import os
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2

from caniload.errors import ArtefactError, HubError
from caniload.loaders.fetch.http import open_client, raise_for_status, transient, translate
from caniload.loaders.fetch.retry import TransientError, retry_after, retrying
from caniload.settings import Settings

HUB = "torchhub"
COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_TOKEN_HINT = "wait, or set GITHUB_TOKEN, which has a limit of its own"


@dataclass(frozen=True, slots=True)
class Repository:
    """Name a repository."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def mirror() -> str:
    """Return the mirror that the environment names, or nothing."""
    return os.environ.get("CANILOAD_TORCHHUB_ENDPOINT", "").rstrip("/")


def mirror_host() -> str:
    """Return host and port of the mirror, or nothing."""
    return urlsplit(mirror()).netloc


def headers(accept: str = "*/*") -> dict[str, str]:
    """Return the headers of a request to GitHub itself."""
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    sent = {"Accept": accept}
    return {**sent, "Authorization": f"Bearer {token}"} if token else sent


def commit_of(repository: Repository, ref: str | None, settings: Settings) -> str:
    """Return the 40 digits that a branch, a tag or the default branch stands for now."""
    path = f"commits/{quote(ref or 'HEAD', safe='')}"
    what = f"{repository} at {ref}" if ref else f"the default branch of {repository}"
    text = (
        _ask(repository, path, "application/vnd.github.sha", what, settings)
        .decode("ascii", "replace")
        .strip()
    )
    if not COMMIT.match(text):
        raise HubError(HUB, "unresolved", f"{what}: the answer is no commit", "name a commit")
    return text


def file_of(repository: Repository, commit: str, path: str, settings: Settings) -> bytes:
    """Return one file of a commit."""
    return _ask(
        repository,
        f"contents/{quote(path)}?ref={commit}",
        "application/vnd.github.raw+json",
        f"{path} of {repository}",
        settings,
    )


def zip_address(repository: Repository, commit: str) -> str:
    """Return where a commit's zip is served.

    Without a token that is the address torch.hub uses, which the API's rate limit spares; with
    one it is the API's, which serves private repositories.
    """
    if "Authorization" in headers():
        return f"{mirror() or 'https://api.github.com'}/repos/{repository}/zipball/{commit}"
    return f"{mirror() or 'https://github.com'}/{repository}/zipball/{commit}"


def check(response: httpx2.Response, what: str) -> None:
    """Raise what a refusing answer of GitHub means; the rate limit is never a matter of access."""
    status = response.status_code
    if status < 400:
        return
    if status in (403, 429):
        said = response.read()[:4096].lower()
        spent = response.headers.get("X-RateLimit-Remaining") == "0"
        if status == 429 or spent or b"rate limit" in said or "Retry-After" in response.headers:
            wait = retry_after(response.headers)
            reset = response.headers.get("X-RateLimit-Reset", "")
            if wait is None and spent and reset.isdigit():
                wait = max(0.0, int(reset) - time.time())
            when = "" if wait is None else f" for {wait:.0f} s"
            busy = HubError(
                HUB, "throttled", f"{what}: GitHub's rate limit is used up{when}", _TOKEN_HINT
            )
            raise TransientError(busy, wait)
    if status == 401:
        raise HubError(
            HUB,
            "gated",
            f"{what}: access is refused (401)",
            "GITHUB_TOKEN is not valid; set another or unset it",
        )
    if status == 403:
        raise HubError(
            HUB, "gated", f"{what}: access is refused (403)", "set a GITHUB_TOKEN that may read it"
        )
    if status == 404:
        raise HubError(
            HUB,
            "missing",
            f"{what}: not there, or private",
            "check the name; if it is private, set GITHUB_TOKEN",
        )
    if status == 422:
        raise HubError(
            HUB, "missing", f"{what}: there is no such commit, branch or tag", "check it"
        )
    raise_for_status(response, HUB, what)


def check_commit(archive: Path, commit: str, what: str) -> None:
    """Refuse a zip that says it is of another commit; `git archive` writes the commit into it."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            said = zipped.comment.decode("ascii", "replace")
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ArtefactError(HUB, f"{what}: the zip is broken: {error}", "try again") from error
    if COMMIT.match(said) and said != commit:
        raise ArtefactError(
            HUB, f"{what}: the zip is of commit {said}, asked was {commit}", "tell the publisher"
        )


def _ask(repository: Repository, path: str, accept: str, what: str, settings: Settings) -> bytes:
    """Ask the API for something small."""
    address = f"{mirror() or 'https://api.github.com'}/repos/{repository}/{path}"

    def once() -> bytes:
        try:
            response = client.get(address, headers=headers(accept))
        except httpx2.HTTPError as error:
            failure = translate(error, HUB, what)
            raise (TransientError(failure) if transient(error) else failure) from error
        check(response, what)
        return response.content

    with open_client(settings) as client:
        return retrying(once, settings)
