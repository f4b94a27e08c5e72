"""What every hub that downloads must do, over loopback servers that refuse, stall and lie."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from loopback import faults
from loopback.server import Server
from stands import STANDS, WEIGHTS, Stand

from caniload.errors import ArtefactError, DiskFullError, HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch import cache
from caniload.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(params=STANDS)
def stand(
    request: pytest.FixtureRequest,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stand:
    made: Stand = STANDS[request.param](server, tmp_path, monkeypatch)
    return made


def _leftovers(settings: Settings) -> list[str]:
    """Names of artefacts that stand in the cache, whole or not."""
    return [
        os.path.relpath(path, settings.artefacts) for path in settings.artefacts.glob("[!.]*/*/*/*")
    ]


def test_fetch_lays_the_published_bytes_and_the_second_time_asks_nobody(
    stand: Stand, server: Server, settings: Settings
) -> None:
    first = fetch.fetch(stand.handle, settings)
    asked = len(server.asked)
    second = fetch.fetch(stand.handle, settings)
    assert stand.weights(Path(first.root)) == WEIGHTS
    assert not first.from_cache
    assert second.from_cache
    assert len(server.asked) == asked
    assert second.handle == first.handle == str(parse(first.handle))
    assert parse(first.handle).revision == stand.handle.revision
    fact = next(fact for fact in first.files if fact.path == "model.safetensors")
    assert fact.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert fact.size_bytes == len(WEIGHTS)


@pytest.mark.parametrize("stand", ["hf", "url"], indirect=True)
@pytest.mark.parametrize("name", faults.REFUSALS)
def test_each_refusal_has_its_reason_and_leaves_nothing_that_looks_whole(
    stand: Stand, server: Server, settings: Settings, name: str
) -> None:
    fault, reason = faults.REFUSALS[name]
    server.fail(stand.path, fault)
    started = time.monotonic()
    with pytest.raises(HubError) as caught:
        fetch.fetch(stand.handle, settings)
    assert caught.value.reason == reason
    assert isinstance(caught.value, ArtefactError) == (caught.value.reason == "artefact")
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert time.monotonic() - started < 20
    assert _leftovers(settings) == []
    server.faults.clear()
    assert stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS


def test_a_server_error_is_tried_again(stand: Stand, server: Server, settings: Settings) -> None:
    server.fail(stand.path, faults.status(503), times=1)
    assert stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS


def test_retry_after_is_kept_to(stand: Stand, server: Server, settings: Settings) -> None:
    server.fail(stand.path, faults.status(429, Retry_After="1"), times=1)
    started = time.monotonic()
    assert stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS
    assert time.monotonic() - started >= 1.0


def test_a_token_never_follows_a_redirect_to_another_host(
    stand: Stand, server: Server, other: Server, settings: Settings
) -> None:
    target = next(iter(server.paths()), None)
    assert target is None
    other.files = server.files
    other.routes = server.routes
    server.fail(stand.path, faults.redirected(other.elsewhere))
    assert stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS
    sent = [
        asked.headers.get("authorization") for asked in server.asked if stand.path in asked.path
    ]
    got = [asked.headers.get("authorization") for asked in other.asked]
    assert sent[-1] == stand.secret
    assert got
    assert set(got) == {None}


def test_refresh_asks_the_hub_again_and_a_dead_download_shows(
    stand: Stand, server: Server, settings: Settings
) -> None:
    fetch.fetch(stand.handle, settings)
    asked = len(server.asked)
    again = fetch.fetch(stand.handle, settings, refresh=True)
    assert len(server.asked) > asked
    assert stand.weights(Path(again.root)) == WEIGHTS
    server.fail("/", faults.status(404))
    with pytest.raises(HubError) as caught:
        fetch.fetch(stand.handle, settings, refresh=True)
    assert caught.value.reason == "missing"
    assert fetch.fetch(stand.handle, settings).from_cache


def test_a_file_damaged_in_the_cache_is_fetched_anew(stand: Stand, settings: Settings) -> None:
    first = fetch.fetch(stand.handle, settings)
    root = Path(first.root)
    path = root if root.is_file() else root / "model.safetensors"
    path.write_bytes(WEIGHTS[:-1])
    assert stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS
    path.write_bytes(WEIGHTS[:-1] + b"x")
    assert fetch.fetch(stand.handle, settings).from_cache
    repaired = fetch.fetch(stand.handle, settings, verify=True)
    assert not repaired.from_cache
    assert stand.weights(Path(repaired.root)) == WEIGHTS


def test_progress_reaches_the_whole_size(stand: Stand, settings: Settings) -> None:
    seen: list[int] = []
    fetch.fetch(
        stand.handle, settings, on_progress=lambda progress: seen.append(progress.done_bytes)
    )
    assert max(seen) >= len(WEIGHTS)


def test_what_does_not_fit_on_the_disk_is_refused_before_a_byte_is_written(
    server: Server, settings: Settings
) -> None:
    server.files["/model.onnx"] = WEIGHTS
    server.fail("model.onnx", faults.boasting)
    with pytest.raises(DiskFullError, match="are free"):
        fetch.fetch(Handle("url", f"{server.base}/model.onnx"), settings)
    assert cache.list_artefacts(settings) == ()
