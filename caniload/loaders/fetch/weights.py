"""Weight files at addresses that a package's own table states: fetched, checked, laid.

A mirror variable of a hub (``CANILOAD_<HUB>_ENDPOINT``) replaces scheme and host of such an
address; the path stays.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from caniload.errors import BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.hashing import hash_file
from caniload.loaders.fetch.http import open_client
from caniload.loaders.fetch.storage import unchanged
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import Order
from caniload.records import FileFact
from caniload.settings import Settings

_HASH = re.compile(r"-([a-f0-9]{8,64})\.")


@dataclass(frozen=True, slots=True)
class WeightFile:
    """Say where a file is served, where it goes below the artefact's root, how it is checked."""

    url: str
    path: str
    sha256_prefix: str | None = None
    md5: str | None = None


def file_name(url: str) -> str:
    """Return the name that `torch.hub` gives to an address's file: the last part of its path."""
    return PurePosixPath(urlsplit(url).path).name


def stated_hash(name: str) -> str | None:
    """Return the start of the sha256 that a file name states.

    Eight or more digits before the suffix, as `torch.hub.load_state_dict_from_url` documents
    for `check_hash`; None where there are none.
    """
    match = _HASH.search(name)
    return match.group(1) if match else None


def mirrored(url: str, hub: str) -> str:
    """Return the address at the hub's mirror, where the environment names one.

    That of `torchhub` mirrors github.com alone, and other hosts are asked as they are.
    """
    if hub == "torchhub" and urlsplit(url).hostname != "github.com":
        return url
    mirror = os.environ.get(f"CANILOAD_{hub.upper()}_ENDPOINT", "").rstrip("/")
    if not mirror:
        return url
    parts = urlsplit(url)
    return mirror + parts.path + (f"?{parts.query}" if parts.query else "")


def bring(
    wanted: Iterable[WeightFile], into: Path, handle: Handle, order: Order
) -> tuple[list[FileFact], dict[str, str]]:
    """Download files one after the other into ``into/files``; return them and their ETags."""
    facts, note = [], {}
    with open_client(order.settings) as client:
        for one in wanted:
            kept = into / "parts" / one.path
            kept.parent.mkdir(parents=True, exist_ok=True)
            arrived = download(
                client,
                Wanted(
                    mirrored(one.url, handle.hub),
                    kept,
                    handle.hub,
                    sha256=order.sha256,
                    sha256_prefix=one.sha256_prefix,
                    md5=one.md5,
                ),
                order.settings,
                lambda done, total, path=one.path: order.tell(handle, path, done, total),  # type: ignore[misc]
            )
            target = into / "files" / one.path
            target.parent.mkdir(parents=True, exist_ok=True)
            kept.replace(target)
            facts.append(
                FileFact(path=one.path, size_bytes=arrived.size_bytes, sha256=arrived.sha256)
            )
            note[f"etag {one.path}"] = arrived.etag or ""
    return facts, note


def still(wanted: Iterable[WeightFile], hub: str, note: dict[str, str], order: Order) -> bool:
    """Ask whether every file is unchanged since its ETag; False if unsure."""
    return all(
        unchanged(mirrored(one.url, hub), note.get(f"etag {one.path}", ""), order.settings, {})
        for one in wanted
    )


def empty(into: Path) -> Path:
    """Return ``into/files``, empty; what an earlier try downloaded in part is kept beside it."""
    files = into / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    return files


def write_json(root: Path, name: str, value: object) -> FileFact:
    """Write a description beside the weights; the same value gives the same bytes."""
    path = root / name
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")
    return hash_file(path)


def table(package: str, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Return the version of a package whose table is known, and the table."""
    found = read_table(package, settings)
    if found is None:
        raise HubError(
            package, "missing", f"the table of {package} is not there", "unset CANILOAD_DATA"
        )
    return str(found["version"]), found["entries"]


def pinned(handle: Handle, version: str) -> Handle:
    """Return the handle at the version whose table is known; refuse any other."""
    if handle.subfolder is not None:
        raise BadInputError(f"{handle.source} has no folders", f"write {handle.source}")
    if handle.revision not in (None, version):
        raise HubError(
            handle.hub,
            "missing",
            f"{handle.hub}'s table is known as of version {version}, not {handle.revision}",
            f"leave the version out, or write {handle.source}@{version}",
        )
    return handle.at(version)


def only_format(handle: Handle, form: str, *variants: str) -> None:
    """Refuse a format or variant that the hub does not serve."""
    if handle.format not in (None, form) or handle.variant not in (None, *variants):
        offered = " or ".join([f"#{form}", *(f"#{form}:{variant}" for variant in variants)])
        raise HubError(
            handle.hub,
            "missing",
            f"{handle.source} is not served as "
            f"#{handle.format}{':' + handle.variant if handle.variant else ''}",
            f"write {offered}, or nothing",
        )


def unknown(handle: Handle, version: str, names: Iterable[str]) -> HubError:
    """Return the error for a name that the package's table lacks, with the names near it."""
    near = difflib.get_close_matches(handle.locator, list(names), n=3)
    return HubError(
        handle.hub,
        "missing",
        f"{handle.hub} {version} lists no weights named {handle.locator!r}",
        f"did you mean {' or '.join(near)}?" if near else "check the name",
    )


def plain_name(url: str) -> str | None:
    """Return an address's file name, None where it could not lie in a folder as it is."""
    name = file_name(url)
    ok = name and name == unquote(name) and "\\" not in name and name not in (".", "..")
    return name if ok else None
