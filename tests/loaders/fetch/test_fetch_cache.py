"""The cache: whole or absent, one fetch for many askers, resumed after a kill, listed, removed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from loopback import faults
from loopback.server import Answer, Handler, Server

from caniload.errors import ArtefactError, HubError, StoreError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch import cache
from caniload.settings import Settings

BODY = os.urandom(3 << 20)
FETCH = (
    "import sys; from caniload.handles import parse; from caniload.loaders import fetch;"
    "from caniload.settings import Settings;"
    "print(fetch.fetch(parse(sys.argv[1]), Settings.read()).from_cache)"
)


def _start(handle: Handle) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(handle)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def handle(server: Server) -> Handle:
    server.files["/weights.bin"] = BODY
    return Handle("url", f"{server.base}/weights.bin")


def test_a_url_without_a_hash_is_recorded_with_what_came(
    handle: Handle, settings: Settings
) -> None:
    got = fetch.fetch(handle, settings)
    named = parse(got.handle)
    assert named.revision == f"sha256-{got.files[0].sha256}"
    assert fetch.fetch(named, settings).from_cache
    assert fetch.fetch(handle, settings).handle == got.handle
    assert fetch.resolve(handle, settings) == named


def test_a_pin_that_does_not_hold_is_an_artefact_fault(handle: Handle, settings: Settings) -> None:
    with pytest.raises(ArtefactError, match="expected was 0000"):
        fetch.fetch(handle, settings, sha256="0" * 64)
    fetch.fetch(handle, settings)
    with pytest.raises(ArtefactError, match="pinned was 0000"):
        fetch.fetch(handle, settings, sha256="0" * 64)


def test_two_processes_that_want_one_artefact_download_it_once(
    server: Server, handle: Handle, settings: Settings
) -> None:
    server.fail("weights.bin", faults.slow)
    both = [_start(handle), _start(handle)]
    said = sorted(process.communicate(timeout=30)[0].strip() for process in both)
    assert said == ["False", "True"]
    assert len(server.paths()) == 1


def test_what_is_fetched_without_a_revision_waits_for_who_holds_that_revision(
    handle: Handle, settings: Settings
) -> None:
    named = handle.at(f"sha256-{hashlib.sha256(BODY).hexdigest()}")
    with cache.locked(settings, named, "all"):
        process = _start(handle)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if list(settings.artefacts.glob(".partial/*/files/weights.bin")):
                break
            time.sleep(0.05)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.5)
        assert cache.list_artefacts(settings) == ()
    assert process.communicate(timeout=30)[0].strip() == "False"
    assert fetch.fetch(named, settings).from_cache


def test_a_killed_download_leaves_nothing_whole_and_is_resumed(
    server: Server, handle: Handle, settings: Settings
) -> None:
    def half(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.body[: 2 << 20])
        handler.wfile.flush()
        handler.server.closing.wait(30)
        handler.close_connection = True

    server.fail("weights.bin", half, times=1)
    environment = {**os.environ, "CANILOAD_HTTP_TIMEOUT": "30"}
    process = subprocess.Popen([sys.executable, "-c", FETCH, str(handle)], env=environment)
    deadline = time.monotonic() + 20
    parts: list[Path] = []
    while time.monotonic() < deadline and not any(p.stat().st_size >= 1 << 20 for p in parts):
        parts = list(settings.artefacts.glob(".partial/*/parts/*.part"))
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert parts
    assert cache.list_artefacts(settings) == ()
    got = fetch.fetch(handle, settings)
    assert Path(got.root).read_bytes() == BODY
    ranges = [asked.headers.get("range") for asked in server.asked]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert int(ranges[1].removeprefix("bytes=").rstrip("-")) >= 1 << 20
    assert list(settings.artefacts.glob(".partial/*")) == []


def test_a_file_that_changed_in_between_is_not_spliced(
    server: Server, handle: Handle, settings: Settings
) -> None:
    server.fail("weights.bin", faults.truncated, times=2)
    with pytest.raises(HubError):
        fetch.fetch(handle, settings)
    changed = os.urandom(3 << 20)
    server.files["/weights.bin"] = changed
    assert Path(fetch.fetch(handle, settings).root).read_bytes() == changed


def test_listing_and_removing(server: Server, handle: Handle, settings: Settings) -> None:
    server.files["/other.onnx"] = BODY[:1000]
    fetch.fetch(handle, settings)
    other = fetch.fetch(Handle("url", f"{server.base}/other.onnx"), settings)
    sizes = {str(stored.handle): stored.size_bytes for stored in cache.list_artefacts(settings)}
    assert sorted(sizes.values()) == [1000, len(BODY)]
    assert sizes[other.handle] == 1000
    assert cache.remove(settings, unused_for=timedelta(days=1)) == ()
    assert [str(gone.handle) for gone in cache.remove(settings, parse(other.handle))] == [
        other.handle
    ]
    assert not Path(other.root).exists()
    assert len(cache.remove(settings)) == 1
    assert cache.list_artefacts(settings) == ()


def test_a_subfolder_chooses_inside_and_a_wrong_one_says_what_there_is(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in ("export/saved_model.pb", "export/variables/v.index", "README.md"):
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"data"))
    server.files["/model.tar.gz"] = out.getvalue()
    whole = fetch.fetch(Handle("url", f"{server.base}/model.tar.gz"), settings)
    at = parse(whole.handle)
    part = fetch.fetch(Handle("url", at.locator, at.revision, "export"), settings)
    assert [fact.path for fact in part.files] == ["saved_model.pb", "variables/v.index"]
    assert (Path(part.root) / "variables" / "v.index").read_bytes() == b"data"
    with pytest.raises(HubError, match=r"no folder 'nope'.*README.md, export"):
        fetch.fetch(Handle("url", at.locator, at.revision, "nope"), settings)


def test_a_cache_that_cannot_be_used_is_one_clear_error(
    handle: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CANILOAD_CACHE", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="CANILOAD_CACHE") as caught:
        fetch.fetch(handle, Settings.read())
    assert caught.value.exit_code == 4
