"""Archives (zip, wheel, tar) unpacked under path, link, count and size limits.

Only regular files are written, by this module and never by the archive library's own
extraction; each is hashed as it is written.
"""

from __future__ import annotations

import errno
import hashlib
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from caniload.errors import ArtefactError, DiskFullError
from caniload.loaders.fetch.hashing import CHUNK_BYTES
from caniload.records import FileFact


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what an archive may unpack to.

    `ratio` is how many times larger than the archive the files may be; it binds only above
    `small_bytes`, since text compresses well. `links_as_text` writes a symbolic link of a zip as
    a small file that holds its target, as Python's own zipfile does; else links are refused.
    """

    files: int = 20_000
    total_bytes: int = 64 << 30
    ratio: float = 200.0
    small_bytes: int = 64 << 20
    links_as_text: bool = False


_SUFFIXES = (".zip", ".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError)


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive to unpack, whole or broken, by its name.

    The content does not tell: `.keras`, `.npz` and `.pt` files are zip archives that loaders
    read as they are. `.tar` alone is looked into, since `.pth.tar` is a habit for pickles.
    """
    name = path.name.lower()
    return name.endswith(_SUFFIXES) or (name.endswith(".tar") and tarfile.is_tarfile(path))


def unpack(
    archive: Path, into: Path, hub: str, limits: Limits | None = None
) -> tuple[FileFact, ...]:
    """Unpack an archive into an empty directory; return its files, sorted, with hashes.

    Raises `ArtefactError` for a path that leaves the directory, a link, a device, a name used
    twice, an encrypted or broken archive, too many files or too many bytes, and
    `DiskFullError` when the declared size does not fit.
    """
    into.mkdir(parents=True, exist_ok=True)
    writer = _Writer(archive, into, hub, limits or Limits())
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, writer)
        else:
            _untar(archive, writer)
    except _Disk as error:
        raise error.cause from None
    except _BROKEN as error:
        raise writer.refuse(f"is broken: {error}") from error
    return tuple(sorted(writer.facts, key=lambda fact: fact.path))


class _Disk(Exception):  # noqa: N818
    """Carry an error of our own disk past the handler for errors of the archive."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Writer:
    """Write members one after the other and keep the count against the limits."""

    def __init__(self, archive: Path, into: Path, hub: str, limits: Limits) -> None:
        self.name, self.into, self.hub, self.limits = archive.name, into, hub, limits
        packed = archive.stat().st_size
        self.most = min(limits.total_bytes, max(limits.small_bytes, int(packed * limits.ratio)))
        self.total = 0
        self.facts: list[FileFact] = []
        self.seen: set[str] = set()

    def refuse(self, why: str) -> ArtefactError:
        return ArtefactError(self.hub, f"archive {self.name} {why}", "it was not unpacked")

    def expect(self, total_bytes: int) -> None:
        """Refuse, before anything is written, what is declared too large or does not fit."""
        if total_bytes > self.most:
            raise self.refuse(f"unpacks to {total_bytes:,} bytes, more than {self.most:,} allowed")
        free = shutil.disk_usage(self.into).free
        if total_bytes > free:
            raise DiskFullError(
                f"unpacking {self.name} needs {total_bytes:,} bytes, {free:,} are free",
                "free space: caniload cache rm",
            )

    def target(self, member: str) -> Path:
        """Return where a member goes; refuse every name that is not plainly below the folder."""
        path = PurePosixPath(member)
        bad = (
            path.is_absolute()
            or ".." in path.parts
            or not path.parts
            or "\\" in member
            or "\0" in member
            or ":" in path.parts[0]
        )
        if bad:
            raise self.refuse(f"holds a path outside itself: {member!r}")
        plain = str(path)
        if plain in self.seen:
            raise self.refuse(f"holds {plain!r} twice")
        self.seen.add(plain)
        if len(self.seen) > self.limits.files:
            raise self.refuse(f"holds more than {self.limits.files:,} files")
        return self.into / plain

    def write(self, member: str, source: IO[bytes]) -> None:
        target = self.target(member)
        digest, size = hashlib.sha256(), 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            out = target.open("xb")
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise self.refuse(f"holds {member!r} as file and folder") from error
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
                raise self.refuse(f"holds a name that no file can have: {member[:60]!r}") from error
            raise _Disk(error) from error
        with out:
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                self.total += len(chunk)
                if self.total > self.most:
                    raise self.refuse(f"unpacks to more than {self.most:,} bytes")
                digest.update(chunk)
                try:
                    out.write(chunk)
                except OSError as error:
                    raise _Disk(error) from error
        path = target.relative_to(self.into).as_posix()
        self.facts.append(FileFact(path=path, size_bytes=size, sha256=digest.hexdigest()))


def _unzip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as zipped:
        members = [info for info in zipped.infolist() if not info.is_dir()]
        writer.expect(sum(info.file_size for info in members))
        for info in members:
            kind = stat.S_IFMT(info.external_attr >> 16)
            text = kind == stat.S_IFLNK and writer.limits.links_as_text
            if kind not in (0, stat.S_IFREG) and not text:
                raise writer.refuse(f"holds a link or device: {info.filename!r}")
            if info.flag_bits & 1:
                raise writer.refuse("is encrypted")
            try:
                source = zipped.open(info)
            except NotImplementedError as error:
                raise writer.refuse(f"is packed in an unknown way: {error}") from error
            with source:
                writer.write(info.filename, source)


def _untar(archive: Path, writer: _Writer) -> None:
    with tarfile.open(archive, "r:*") as tar:
        for info in tar:
            if info.isdir():
                continue
            if not info.isreg():
                raise writer.refuse(f"holds a link or device: {info.name!r}")
            source = tar.extractfile(info)
            if source is None:
                raise writer.refuse(f"holds an unreadable member: {info.name!r}")
            writer.expect(writer.total + info.size)
            with source:
                writer.write(info.name, source)
        _drain(tar, writer)


def _drain(tar: tarfile.TarFile, writer: _Writer) -> None:
    """Read on to the end, where the compression keeps its checksum; tarfile stops before it."""
    left, packed = writer.limits.small_bytes, tar.fileobj
    while packed is not None and (chunk := packed.read(CHUNK_BYTES)):
        left -= len(chunk)
        if left < 0:
            raise writer.refuse("goes on long after its end")
