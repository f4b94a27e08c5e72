"""Files of a web server as fsspec has file systems: read whole, listed never.

fsspec's own needs aiohttp; httpx2 is here already, and drops credentials on a redirect to
another origin.
"""

from __future__ import annotations

import tempfile
from typing import IO, Any

import fsspec
import httpx2

from caniload import __version__

SECONDS = 30.0
IN_MEMORY = 64_000_000
BLOCK = 1 << 20


class WebFiles(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Read a web server's files; `most` is how many bytes one may have."""

    protocol = ("http", "https")
    cachable = False

    def __init__(self, most: int, **options: Any) -> None:
        """Take the limit; certificates and proxies are those of the environment."""
        super().__init__(**options)
        self.most = most
        self.client = httpx2.Client(
            follow_redirects=True,
            max_redirects=10,
            timeout=SECONDS,
            headers={"User-Agent": f"caniload/{__version__}", "Accept-Encoding": "identity"},
        )

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    def exists(self, path: str, **_: Any) -> bool:
        """Ask for a file without its bytes."""
        answer = self.client.head(path)
        if answer.status_code in (404, 410):
            return False
        answer.raise_for_status()
        return True

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Refuse: a web server has no listing that all agree on."""
        raise NotImplementedError("a web server lists nothing")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name and size."""
        answer = self.client.head(path)
        if answer.status_code in (404, 410):
            raise FileNotFoundError(path)
        answer.raise_for_status()
        size = answer.headers.get("Content-Length")
        return {"name": path, "type": "file", "size": None if size is None else int(size)}

    def open(self, path: str, mode: str = "rb", **_: Any) -> IO[bytes]:
        """Fetch a file and return it open, on disk where it is large; at most `most` bytes."""
        kept: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        try:
            with self.client.stream("GET", path) as answer:
                if answer.status_code in (404, 410):
                    raise FileNotFoundError(path)
                answer.raise_for_status()
                size = 0
                for block in answer.iter_bytes(BLOCK):
                    size += len(block)
                    kept.write(block)
                    if size > self.most:
                        break
        except BaseException:
            kept.close()
            raise
        kept.seek(0)
        return kept
