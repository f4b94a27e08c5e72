"""Archives that attack: paths, links, devices, bombs, floods, lies."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback.server import Server

from caniload.errors import ArtefactError
from caniload.handles import Handle
from caniload.loaders import fetch
from caniload.loaders.fetch.archives import Limits, is_archive, unpack
from caniload.settings import Settings


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes], pack: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", pack) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return out.getvalue()


def _tar(*members: tuple[str, bytes, bytes, str], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, body, kind, link in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(body), kind, link
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def _zip_link() -> bytes:
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return _zip((info, b"/etc/passwd"))


FILE, LINK, HARD, FIFO = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE
ATTACKS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip parent": ("a.zip", lambda: _zip(("ok", b"1"), ("../out", b"2")), "outside"),
    "zip deep parent": ("a.zip", lambda: _zip(("a/../../out", b"2")), "outside"),
    "zip absolute": ("a.zip", lambda: _zip(("/tmp/out", b"2")), "outside"),
    "zip backslash": ("a.zip", lambda: _zip(("..\\out", b"2")), "outside"),
    "zip drive": ("a.zip", lambda: _zip(("C:/out", b"2")), "outside"),
    "zip long name": ("a.zip", lambda: _zip(("n" * 300, b"2")), "no file can have"),
    "zip link": ("a.zip", _zip_link, "link"),
    "zip as both": ("a.zip", lambda: _zip(("a", b"1"), ("a/b", b"2")), "file and folder"),
    "zip bomb": (
        "a.zip",
        lambda: _zip(("zeros", bytes(8 << 20)), pack=zipfile.ZIP_DEFLATED),
        "bytes",
    ),
    "zip flood": ("a.zip", lambda: _zip(*((f"f{n}", b"") for n in range(60))), "more than 50"),
    "zip cut off": ("a.zip", lambda: _zip(("a", bytes(999)))[:-40], "broken"),
    "tar parent": ("a.tar.gz", lambda: _tar(("../out", b"2", FILE, "")), "outside"),
    "tar absolute": ("a.tar.gz", lambda: _tar(("/tmp/out", b"2", FILE, "")), "outside"),
    "tar link": ("a.tgz", lambda: _tar(("l", b"", LINK, "/etc")), "link"),
    "tar link then file": (
        "a.tgz",
        lambda: _tar(("l", b"", LINK, ".."), ("l/out", b"2", FILE, "")),
        "link",
    ),
    "tar hard link": ("a.tar", lambda: _tar(("l", b"", HARD, "/etc/passwd"), mode="w"), "link"),
    "tar pipe": ("a.tar", lambda: _tar(("p", b"", FIFO, ""), mode="w"), "device"),
    "tar bomb": ("a.tar.gz", lambda: _tar(("zeros", bytes(8 << 20), FILE, "")), "bytes"),
    "tar twice": (
        "a.tar.xz",
        lambda: _tar(("a", b"1", FILE, ""), ("./a", b"2", FILE, ""), mode="w:xz"),
        "twice",
    ),
    "tar cut off": ("a.tar.gz", lambda: _tar(("a", bytes(9999), FILE, ""))[:-30], "broken"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_nothing_lies_outside(name: str, tmp_path: Path) -> None:
    file, make, why = ATTACKS[name]
    box = tmp_path / "box"
    box.mkdir()
    archive = box / file
    archive.write_bytes(make())
    before = set(tmp_path.rglob("*"))
    limits = Limits(files=50, ratio=20, small_bytes=1 << 20)
    with pytest.raises(ArtefactError, match=why):
        unpack(archive, box / "into", "url", limits)
    new = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(box / "into") for path in new)
    assert not any(path.is_symlink() for path in new)
    assert sum(path.stat().st_size for path in new if path.is_file()) <= 1 << 20


def test_a_bomb_that_lies_about_its_size_is_stopped_while_unpacking(tmp_path: Path) -> None:
    body = bytearray(_zip(("zeros", bytes(8 << 20)), pack=zipfile.ZIP_DEFLATED))
    for position in (22, body.rindex(b"PK\x01\x02") + 24):
        body[position : position + 4] = (100).to_bytes(4, "little")
    archive = tmp_path / "a.zip"
    archive.write_bytes(body)
    with pytest.raises(ArtefactError):
        unpack(archive, tmp_path / "into", "url", Limits(ratio=20, small_bytes=1 << 20))
    assert sum(p.stat().st_size for p in (tmp_path / "into").rglob("*")) <= 1 << 20


def test_a_plain_archive_gives_its_files_with_their_hashes(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(_zip(("b/x.txt", b"abc"), ("a.txt", b""), ("d/", b"")))
    facts = unpack(archive, tmp_path / "into", "url")
    assert [(fact.path, fact.size_bytes) for fact in facts] == [("a.txt", 0), ("b/x.txt", 3)]
    assert facts[1].sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (tmp_path / "into" / "b" / "x.txt").read_bytes() == b"abc"


def test_a_keras_file_is_a_zip_that_stays_packed(tmp_path: Path) -> None:
    keras = tmp_path / "m.keras"
    keras.write_bytes(_zip(("config.json", b"{}")))
    assert not is_archive(keras)
    assert is_archive(keras.rename(tmp_path / "m.zip"))


def test_an_attack_that_is_served_reaches_nobody(server: Server, settings: Settings) -> None:
    server.files["/a.zip"] = _zip(("../../../out", b"2"))
    with pytest.raises(ArtefactError, match="outside"):
        fetch.fetch(Handle("url", f"{server.base}/a.zip"), settings)
    assert list(settings.home.rglob("out")) == []
    assert list(settings.artefacts.glob("[!.]*/*/*/*")) == []
