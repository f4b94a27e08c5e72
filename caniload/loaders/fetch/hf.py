"""The `hf` hub: Hugging Face and whatever speaks its protocol at `HF_ENDPOINT`.

huggingface_hub asks and authenticates (endpoint, token, repository information, the meaning
of refusals); the bytes come through `download`, which hashes them as they arrive. Its own
cache is not used, and neither is Xet: plain HTTP serves every file and can be verified.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.facts import Facts
from caniload.loaders.fetch import hf_facts, hf_files
from caniload.loaders.fetch.download import Wanted, download, need
from caniload.loaders.fetch.hashing import hash_file
from caniload.loaders.fetch.http import open_client, transient, translate
from caniload.loaders.fetch.retry import TRANSIENT, TransientError, retry_after, retrying
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact, digest
from caniload.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub.hf_api import HfApi, ModelInfo, RepoSibling

WORKERS = 8
"""How many files are downloaded at once; huggingface_hub's own number."""

T = TypeVar("T")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


class HfHub:
    """Serve the files of one artefact of a repository at one commit."""

    name = "hf"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at a full commit; a branch, a tag or nothing is asked for."""
        _checked(handle)
        if handle.revision is not None and _COMMIT.match(handle.revision):
            return handle
        info = _info(handle, settings)
        if info.sha is None or not _COMMIT.match(info.sha):
            raise HubError("hf", "unresolved", f"the hub names no commit for {handle}")
        return handle.at(info.sha)

    def selection(self, handle: Handle) -> str:
        """One folder a format, variant and subfolder of a revision."""
        parts = [handle.format or "default", handle.variant, handle.subfolder]
        text = "-".join(part for part in parts if part)
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text)
        return plain if plain == text else f"{plain}-{digest(parts)[:8]}"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the artefact's files, eight at a time, each verified against the listing."""
        info = _info(handle, order.settings)
        form, chosen = _choose(handle, info)
        files = into / "files"
        files.mkdir(exist_ok=True)
        need(files, sum(file.size or 0 for file in chosen), handle.source)
        facts = _download_all(handle, chosen, files, order)
        renamed = "" if info.id == handle.locator else f", renamed to {info.id}"
        return Laid(
            handle=Handle(
                "hf", handle.locator, handle.revision, None, form or handle.format, handle.variant
            ),
            root=files,
            files=facts,
            resolved_by=f"Hugging Face hub{renamed}",
            format=form,
            note={"listing": _listing(chosen)},
        )

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask the hub whether the commit still lists the same files."""
        info = _info(handle, order.settings)
        return _listing(_choose(handle, info)[1]) == note.get("listing")

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the twenty repositories that the hub's search puts first."""
        _online()
        models = _asked(lambda: list(_api().list_models(search=query, limit=20)), query, settings)
        return tuple(
            Found(
                Handle("hf", model.id),
                model.pipeline_tag or "",
                hf_files.claims((), model.tags or (), model.library_name),
            )
            for model in models
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what tags and file list say; nothing is downloaded."""
        info = _info(_checked(handle), settings)
        paths = [sibling.rfilename for sibling in info.siblings or ()]
        return hf_files.claims(paths, info.tags or (), info.library_name)

    def facts(self, handle: Handle, settings: Settings) -> Facts:
        """Return what the repository and the headers of its safetensors files say."""
        info = _info(_checked(handle), settings)

        def address(path: str, commit: str) -> str:
            return _address(handle.locator, path, commit)

        return hf_facts.facts(handle, info, settings, address, _check)


def listed(settings: Settings, what: str, **asked: Any) -> list[ModelInfo]:
    """Return what `HfApi.list_models` lists, all its pages; raises `HubError`.

    Its pages are asked for again by huggingface_hub itself, which says so in its log.
    """
    _online()
    logging.getLogger("huggingface_hub.utils._http").setLevel(logging.ERROR)
    once = replace(settings, http_retries=0)
    return _asked(lambda: list(_api().list_models(**asked)), what, once)


def _api() -> HfApi:
    """Return the client at the endpoint that the environment names now."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), library_name="caniload")


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _address(repository: str, path: str, revision: str | None) -> str:
    """Return where the hub serves a file at a revision."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repository, path, revision=revision, endpoint=_endpoint())


def _online() -> None:
    """Respect the ecosystem's own switches."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise HubError("hf", "offline", f"{name} forbids asking the hub", f"unset {name}")


def _checked(handle: Handle) -> Handle:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(handle.locator)
    except HFValidationError as error:
        raise BadInputError(
            f"{handle.locator!r} is not a repository", "write hf:owner/name"
        ) from error
    return handle


def _info(handle: Handle, settings: Settings) -> ModelInfo:
    """Ask for a repository at a revision, with sizes and hashes of its files."""
    _online()
    info = _asked(
        lambda: _api().model_info(
            handle.locator,
            revision=handle.revision,
            files_metadata=True,
            timeout=settings.http_timeout_seconds,
        ),
        str(handle),
        settings,
    )
    if info.disabled:
        raise HubError("hf", "disabled", f"{handle.source} was disabled by the hub")
    return info


def _asked(call: Callable[[], T], what: str, settings: Settings) -> T:
    """Make a call of huggingface_hub with retries, its errors translated."""

    def once() -> T:
        try:
            return call()
        except httpx2.HTTPError as error:
            raise _translated(error, what) from error
        except (ValueError, TypeError, KeyError) as error:
            raise HubError(
                "hf",
                "server",
                f"{what}: the answer is not that of a Hugging Face hub",
                "check HF_ENDPOINT, the proxy, or a log-in page of the network",
            ) from error
        except ConnectionError as error:
            raise HubError("hf", "offline", f"{what}: {error}", "unset HF_HUB_OFFLINE") from error

    return retrying(once, settings)


def _translated(error: httpx2.HTTPError, what: str) -> HubError | TransientError:
    """Say what an error of huggingface_hub means, by one table."""
    from huggingface_hub import errors

    if not isinstance(error, errors.HfHubHTTPError):
        failure = translate(error, "hf", what)
        return TransientError(failure) if transient(error) else failure
    status, headers = error.response.status_code, error.response.headers
    terms = f"accept its terms on its page, then {_LOG_IN}"
    private = f"check the name; if it is private, {_LOG_IN}"
    refusals: tuple[tuple[type[Exception], str, str, str], ...] = (
        (errors.GatedRepoError, "gated", "is gated", terms),
        (errors.DisabledRepoError, "disabled", "was disabled by the hub", ""),
        (errors.RevisionNotFoundError, "missing", "has no such revision", "check it"),
        (errors.RemoteEntryNotFoundError, "missing", "lacks a file that was listed", ""),
        (errors.RepositoryNotFoundError, "missing", "is not there, or private", private),
    )
    for kind, reason, says, hint in refusals:
        if isinstance(error, kind):
            return HubError("hf", reason, f"{what} {says}", hint)
    if status == 429:
        wait_seconds = retry_after(headers) or _reset(headers)
        hint = "try again later" if wait_seconds is None else f"try again in {wait_seconds:.0f} s"
        busy = HubError("hf", "throttled", f"{what}: too many requests", f"{hint}, or {_LOG_IN}")
        return TransientError(busy, wait_seconds)
    if status in (401, 403):
        said = headers.get("X-Error-Message") or f"the hub answered {status}"
        return HubError("hf", "gated", f"{what}: access is refused: {said}", _LOG_IN)
    if status in (404, 410):
        return HubError("hf", "missing", f"{what}: not there ({status})", "check the name")
    failure = HubError("hf", "server", f"{what}: the hub answered {status}", "try again later")
    return TransientError(failure, retry_after(headers)) if status in TRANSIENT else failure


def _reset(headers: httpx2.Headers) -> float | None:
    """Return the seconds after which the hub's own rate limit header says that it resets."""
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None


def _choose(handle: Handle, info: ModelInfo) -> tuple[str | None, list[RepoSibling]]:
    """Return the format, chosen if the handle names none, and the files of the artefact."""
    listed = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    for path in listed:
        parts = PurePosixPath(path).parts
        if path.startswith("/") or ".." in parts or "\\" in path or not parts:
            raise ArtefactError("hf", f"{handle.source} lists a path outside itself: {path!r}")
    there = hf_files.formats(listed, handle.subfolder)
    form = handle.format or next(iter(there), None)
    if form is None:
        paths: tuple[str, ...] = ()
    else:
        paths = hf_files.select(listed, form, handle.variant, handle.subfolder)
    if not paths:
        wanted = f"{form or 'model'} files" + (f" ({handle.variant})" if handle.variant else "")
        where = f" in {handle.subfolder}" if handle.subfolder else ""
        raise HubError(
            "hf",
            "missing",
            f"{handle.source} has no {wanted}{where}",
            f"it has {', '.join(there)}" if there else "its list shows no weights that are known",
        )
    return form, [listed[path] for path in paths]


def _listing(files: list[RepoSibling]) -> str:
    return digest([[f.rfilename, f.size, f.lfs.sha256 if f.lfs else f.blob_id] for f in files])


def _download_all(
    handle: Handle, chosen: list[RepoSibling], files: Path, order: Order
) -> tuple[FileFact, ...]:
    """Download several files at once; the first failure ends all."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    _online()
    total = sum(file.size or 0 for file in chosen)
    done: dict[str, int] = {}
    stop = threading.Event()
    headers = build_hf_headers(library_name="caniload")

    def one(client: httpx2.Client, file: RepoSibling) -> FileFact:
        path = file.rfilename

        def on_bytes(so_far: int, _total: int | None) -> None:
            done[path] = so_far
            order.tell(handle, path, sum(list(done.values())), total)

        target = files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        sha256 = file.lfs.sha256 if file.lfs else None
        if sha256 is not None and target.is_file() and hash_file(target).sha256 == sha256:
            return FileFact(path=path, size_bytes=target.stat().st_size, sha256=sha256)
        url = _address(handle.locator, path, handle.revision)
        wanted = Wanted(
            url,
            target,
            "hf",
            size_bytes=file.size,
            sha256=sha256,
            git_sha1=None if file.lfs else file.blob_id,
            headers=headers,
            check=lambda response: _check(response, f"{handle.source}, {path}"),
        )
        arrived = download(client, wanted, order.settings, on_bytes, stop)
        return FileFact(path=path, size_bytes=arrived.size_bytes, sha256=arrived.sha256)

    with open_client(order.settings) as client, ThreadPoolExecutor(WORKERS) as pool:
        futures: list[Future[FileFact]] = [pool.submit(one, client, file) for file in chosen]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            failed = next((f for f in futures if f.done() and f.exception() is not None), None)
            if failed is not None:
                failed.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
        return tuple(sorted((f.result() for f in futures), key=lambda fact: fact.path))


def _check(response: httpx2.Response, what: str) -> None:
    """Raise what a refusing answer to a download means."""
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    try:
        hf_raise_for_status(response)
    except httpx2.HTTPError as error:
        raise _translated(error, what) from error
