"""The `url` hub: one file, or one archive, at an HTTP address.

The revision is ``sha256-`` and the hash of the file that is served. A handle that names it is
pinned; one that does not is recorded with what came. An archive (.zip, .whl, .tar, .tar.gz, …)
is unpacked under limits and a subfolder chooses inside it.
"""

from __future__ import annotations

import netrc
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2

from caniload.errors import ArtefactError, BadInputError
from caniload.handles import Handle
from caniload.loaders.fetch.archives import is_archive, unpack
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.http import open_client
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings

_REVISION = re.compile(r"sha256-([0-9a-f]{64})\Z")


class UrlHub:
    """Serve a file from its address; credentials come from the user's netrc, never a handle."""

    name = "url"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Check the address; without a hash in the handle only the content can tell it."""
        _pin(handle)
        _checked(handle.locator)
        return handle

    def selection(self, handle: Handle) -> str:
        """The whole file or archive; a subfolder is chosen in it afterwards."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the file, verify its hash, unpack it if it is an archive."""
        url, pinned = _checked(handle.locator), _pin(handle)
        if pinned and order.sha256 and pinned != order.sha256:
            raise ArtefactError(
                self.name, f"the handle says sha256 {pinned}, the pin says {order.sha256}"
            )
        parts, files = into / "parts", into / "files"
        parts.mkdir(exist_ok=True)
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        target = parts / _file_name(url)
        wanted = Wanted(url, target, self.name, sha256=pinned or order.sha256)
        with open_client(order.settings, _netrc()) as client:
            arrived = download(
                client,
                wanted,
                order.settings,
                lambda done, total: order.tell(handle, target.name, done, total),
            )
        note = {"sha256": arrived.sha256, "etag": arrived.etag or ""}
        named = Handle(self.name, handle.locator, f"sha256-{arrived.sha256}")
        if is_archive(target):
            facts = unpack(target, files, self.name)
            target.unlink()
            return Laid(named, files, facts, "the file's own hash", note=note)
        target.rename(files / target.name)
        fact = FileFact(path=target.name, size_bytes=arrived.size_bytes, sha256=arrived.sha256)
        return Laid(named, files / target.name, (fact,), "the file's own hash", note=note)

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the file is unchanged since its ETag; a server without ETags cannot say."""
        if not note.get("etag"):
            return False
        headers = {"If-None-Match": note["etag"]}
        try:
            with open_client(order.settings, _netrc()) as client:
                return client.head(handle.locator, headers=headers).status_code == 304
        except httpx2.HTTPError:
            return False

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """An address offers itself alone."""
        if not query.startswith(("http://", "https://")):
            return ()
        return (Found(Handle(self.name, _checked(query))),)

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """An address claims nothing."""
        return ()


def _checked(url: str) -> str:
    """Refuse addresses that are not HTTP, and credentials, which a record would keep."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInputError(f"{url!r} is not a web address", "write url:https://host/path/file")
    if parts.username is not None or parts.password is not None:
        raise BadInputError(
            f"the address of {parts.hostname} holds credentials, which would be recorded",
            "put them into ~/.netrc",
        )
    return url


def _pin(handle: Handle) -> str | None:
    """Return the hash that the handle's revision names."""
    if handle.revision is None:
        return None
    match = _REVISION.match(handle.revision)
    if match is None:
        raise BadInputError(
            f"{handle.revision!r} is not the revision of a file", "write @sha256-<64 hex digits>"
        )
    return match.group(1)


def _file_name(url: str) -> str:
    """Return the last part of the path as a plain file name."""
    name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-")[-120:]
    return plain if plain.strip(".") else "file"


def _netrc() -> httpx2.Auth | None:
    """Return the user's netrc as authentication, if there is a readable one."""
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return httpx2.NetRCAuth(str(path)) if path.is_file() else None
    except (netrc.NetrcParseError, OSError):
        return None
