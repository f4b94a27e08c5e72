"""Segments that lie elsewhere: listed, fetched and written by URL, through fsspec.

Any protocol that fsspec has (https://filesystem-spec.readthedocs.io): `file` and `memory` come with
it, `http` is ours, `s3` needs s3fs, `gs` gcsfs, `hf` huggingface_hub. A URL means a
segment's folder, its `run.json`, or a folder of segments; a web server that lists nothing serves
the first two. Credentials are those that the protocol's own library finds, and never stored.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from caniload.catalog.segment_checks import MAX_MARKER_BYTES, MAX_TABLE_BYTES
from caniload.catalog.segments import MARKER, OBSERVATIONS, SETTLEMENTS
from caniload.errors import CorruptSegmentError, UnreadableFileError

if TYPE_CHECKING:
    import duckdb

FILES = {OBSERVATIONS: MAX_TABLE_BYTES, SETTLEMENTS: MAX_TABLE_BYTES, MARKER: MAX_MARKER_BYTES}
"""The files of a segment, its marker last, each with what it may weigh in bytes."""

BLOCK = 1 << 20

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Tell a URL from a path."""
    return _URL.match(text) is not None


def shown(url: str) -> str:
    """Return a URL as it may be printed and stored: without user, password and query."""
    if not is_url(url):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def listed(url: str) -> tuple[str, ...]:
    """Return the URLs of the segments that a URL means; raises `UnreadableFileError`."""
    base = url.removesuffix(f"/{MARKER}").rstrip("/")
    with _reaching(url) as (files, path):
        root = path.removesuffix(f"/{MARKER}").rstrip("/")
        if root != path.rstrip("/") or files.exists(f"{root}/{MARKER}"):
            return (base,)
        try:
            names = sorted(each.rstrip("/").rpartition("/")[2] for each in files.ls(root, False))
        except NotImplementedError:
            names = []
        found = [name for name in names if files.exists(f"{root}/{name}/{MARKER}")]
    if not found:
        raise UnreadableFileError(
            shown(url), f"no {MARKER} lies there", "give the URL of a finished segment"
        )
    return tuple(f"{base}/{name}" for name in found)


@contextlib.contextmanager
def downloaded(url: str, home: Path) -> Iterator[Path]:
    """Copy a segment's files into a folder for as long as it is read.

    Raises `CorruptSegmentError` for what lacks a file or is too large, `UnreadableFileError`.
    """
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".fetched-", dir=home))
    try:
        with _reaching(url) as (files, path):
            for name, most in FILES.items():
                _copy(files, f"{path.rstrip('/')}/{name}", folder / name, most)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, url: str) -> str:
    """Write a finished segment below a URL, `run.json` last, and return where it lies.

    Nobody takes in a segment without its marker, so that one half written is not seen. Writing
    it again is the same. Raises `UnreadableFileError` when the place cannot be written.
    """
    with _reaching(url) as (files, path):
        target = f"{path.rstrip('/')}/{folder.name}"
        files.makedirs(target, exist_ok=True)
        for name in FILES:
            files.put_file(str(folder / name), f"{target}/{name}")
    return f"{url.rstrip('/')}/{folder.name}"


def in_place(database: duckdb.DuckDBPyConnection, url: str) -> list[str]:
    """Let DuckDB read below a URL, and return the names of the finished segments there."""
    with _reaching(url) as (files, path):
        database.register_filesystem(files)
        names = (each.rstrip("/").rpartition("/")[2] for each in files.ls(path, False))
        return sorted(name for name in names if files.exists(f"{path}/{name}/{MARKER}"))


def _copy(files: Any, source: str, target: Path, most: int) -> None:
    """Copy one file, and stop where it is larger than such a file can be."""
    try:
        with files.open(source, "rb") as remote, target.open("wb") as local:
            left = most
            while block := remote.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise CorruptSegmentError(f"{target.name} is larger than {most:,} bytes")
                local.write(block)
    except FileNotFoundError:
        raise CorruptSegmentError(
            f"it holds no {target.name}; only finished runs are taken"
        ) from None


@contextlib.contextmanager
def _reaching(url: str) -> Iterator[tuple[Any, str]]:
    """Find who serves a URL and turn what goes wrong there into our words."""
    try:
        import fsspec
    except ImportError as error:
        raise UnreadableFileError(shown(url), "fsspec is not installed", "install it") from error
    try:
        if urlsplit(url).scheme.lower() in ("http", "https"):
            from caniload.catalog.web_files import WebFiles

            web = WebFiles(MAX_TABLE_BYTES)
            with web.client:
                yield web, url
        else:
            yield fsspec.core.url_to_fs(url, use_listings_cache=False)
    except UnreadableFileError:
        raise
    except CorruptSegmentError:
        raise
    except ImportError as error:
        raise UnreadableFileError(shown(url), str(error), "install that package") from error
    except Exception as error:  # each protocol's library raises its own
        line = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise UnreadableFileError(
            shown(url), line.replace(url, shown(url)), "check the URL and who may read it"
        ) from error
