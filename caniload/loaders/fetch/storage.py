"""What Google Cloud Storage says of the files it serves for Kaggle and TF Hub.

Both answer with a redirect to a signed address there. The storage states an md5 of the object in
`x-goog-hash` (https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash), which
kagglehub's `integrity.py` checks too, and refuses a spoilt signature with 403, which is the
hub's failure and no matter of permission (https://github.com/tensorflow/hub/issues/931).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

import httpx2

from caniload.errors import ArtefactError, HubError
from caniload.loaders.fetch.http import open_client
from caniload.settings import Settings


class StorageHash:
    """Keep the md5 that the storage stated while a file was downloaded, and check it."""

    def __init__(self) -> None:
        """Know no hash yet."""
        self.md5: str | None = None

    def note(self, response: httpx2.Response) -> None:
        """Take the hash from an answer's headers, if one is stated."""
        for each in response.headers.get_list("x-goog-hash", split_commas=True):
            name, _, value = each.strip().partition("=")
            if name == "md5":
                try:
                    self.md5 = base64.b64decode(value, validate=True).hex()
                except binascii.Error:
                    self.md5 = None

    def verify(self, path: Path, hub: str, what: str) -> None:
        """Raise `ArtefactError`, and remove the file, where its md5 is not what was stated."""
        if self.md5 is None:
            return
        with path.open("rb") as file:
            has = hashlib.file_digest(file, "md5").hexdigest()
        if has != self.md5:
            path.unlink()
            raise ArtefactError(
                hub,
                f"{what}: md5 is {has}, the storage stated {self.md5}",
                "try again; if it stays, tell the publisher",
            )


def refuse_spoilt(response: httpx2.Response, hub: str, what: str) -> None:
    """Raise `HubError` where the storage rejects the address that the hub itself signed."""
    if response.status_code in (400, 403) and b"SignatureDoesNotMatch" in response.read():
        raise HubError(
            hub,
            "server",
            f"{what}: the storage rejects the address that the hub signed",
            "try again later; it is no matter of permission",
        )


def unchanged(url: str, etag: str, settings: Settings, headers: dict[str, str]) -> bool:
    """Ask whether an address still serves the content with this ETag; False if unsure."""
    if not etag:
        return False
    try:
        with (
            open_client(settings) as client,
            client.stream("GET", url, headers={**headers, "If-None-Match": etag}) as response,
        ):
            same = response.headers.get("ETag") == etag
            return response.status_code == 304 or (response.status_code == 200 and same)
    except httpx2.HTTPError:
        return False
