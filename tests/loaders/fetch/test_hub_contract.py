"""What every hub that downloads must do, over loopback servers that refuse, stall and lie.

A hub comes in by its stand (see `stands`); each row below then runs for it. What cannot apply to
a hub is in its stand's `gaps`, with the reason, and is reported as skipped with it.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
import stands
import stands_tf
import stands_torch
from huggingface_hub import close_session
from loopback import faults
from loopback.attacks import ATTACKS, pack
from loopback.proxy import forwarding
from loopback.server import Server
from stands import WEIGHTS, Raise, Stand

from caniload.errors import ArtefactError, DiskFullError, HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch import cache, download
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

pytestmark = pytest.mark.slow

STANDS: dict[str, Raise] = {**stands.STANDS, **stands_torch.STANDS, **stands_tf.STANDS}

PLAIN = {"hf", "torchvision", "timm", "keras", "onnx"}
"""Hubs that serve files as they are; the others serve archives, which are unpacked."""

NO_DOWNLOAD = {"garden": "its experiments are read from the installed package"}
"""Hubs that are laid into the cache and never ask anybody."""


@pytest.fixture(params=STANDS)
def stand(
    request: pytest.FixtureRequest,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stand:
    return STANDS[request.param](server, tmp_path, monkeypatch)


def _row(stand: Stand, name: str) -> None:
    """Leave a row out where the stand declares why it cannot apply."""
    if name in stand.gaps:
        pytest.skip(f"{stand.handle.hub}, {name}: {stand.gaps[name]}")


def _whole(stand: Stand, settings: Settings) -> bool:
    """Fetch and tell whether the published weights came."""
    return stand.weights(Path(fetch.fetch(stand.handle, settings).root)) == WEIGHTS


def _asked(stand: Stand, server: Server) -> list[dict[str, str]]:
    """Headers of the requests for the file itself."""
    return [
        asked.headers
        for asked in server.asked
        if stand.path in asked.path and asked.method == "GET"
    ]


def _leftovers(settings: Settings) -> list[str]:
    """Names of artefacts that stand in the cache, whole or not."""
    return [
        os.path.relpath(path, settings.artefacts) for path in settings.artefacts.glob("[!.]*/*/*/*")
    ]


def test_every_hub_that_downloads_has_a_stand() -> None:
    downloading = {name for name, hub in load_hubs().items() if hub.cached}
    assert downloading - set(NO_DOWNLOAD) == set(STANDS)


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
    fact = next(fact for fact in first.files if fact.path == stand.file)
    assert fact.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert fact.size_bytes == len(WEIGHTS)


@pytest.mark.parametrize("name", faults.REFUSALS)
def test_each_refusal_has_its_reason_and_leaves_nothing_that_looks_whole(
    stand: Stand, server: Server, settings: Settings, name: str
) -> None:
    _row(stand, name)
    fault, usual = faults.REFUSALS[name]
    server.fail(stand.path, fault)
    started = time.monotonic()
    with pytest.raises(HubError) as caught:
        fetch.fetch(stand.handle, settings)
    assert caught.value.reason in stand.reasons.get(name, (usual,))
    assert isinstance(caught.value, ArtefactError) == (caught.value.reason == "artefact")
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert time.monotonic() - started < 20
    assert _leftovers(settings) == []
    server.faults.clear()
    assert _whole(stand, settings)


def test_a_server_error_is_tried_again(stand: Stand, server: Server, settings: Settings) -> None:
    server.fail(stand.path, faults.status(500), times=1)
    assert _whole(stand, settings)


def test_retry_after_is_kept_to(stand: Stand, server: Server, settings: Settings) -> None:
    server.fail(stand.path, faults.status(429, Retry_After="1"), times=1)
    started = time.monotonic()
    assert _whole(stand, settings)
    assert time.monotonic() - started >= 1.0


def test_a_body_that_breaks_off_is_resumed_where_it_broke(
    stand: Stand, server: Server, settings: Settings
) -> None:
    _row(stand, "resume")
    server.fail(stand.path, faults.truncated, times=1)
    assert _whole(stand, settings)
    first, second = _asked(stand, server)
    assert "range" not in first
    assert int(second["range"].removeprefix("bytes=").rstrip("-")) > 0


def test_a_token_never_follows_a_redirect_to_another_host(
    stand: Stand, server: Server, other: Server, settings: Settings
) -> None:
    other.files, other.routes = server.files, server.routes
    server.fail(stand.path, faults.redirected(other.elsewhere))
    assert _whole(stand, settings)
    got = [asked.headers for asked in other.asked]
    assert _asked(stand, server)[-1].get("authorization") == stand.secret
    assert got
    assert not any("authorization" in headers or "cookie" in headers for headers in got)


def test_the_proxy_variables_are_kept_to(
    stand: Stand,
    server: Server,
    other: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """huggingface_hub keeps one client a process, which read the variables when it was made."""
    forwarding(other)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, other.base)
    close_session()
    assert _whole(stand, settings)
    assert _asked(stand, other)
    assert len(other.asked) == len(server.asked)
    through = len(other.asked)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    cache.remove(settings)
    close_session()
    assert _whole(stand, settings)
    assert len(other.asked) == through


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
    root = Path(fetch.fetch(stand.handle, settings).root)
    path = root if root.is_file() else root / stand.file
    path.write_bytes(WEIGHTS[:-1])
    assert _whole(stand, settings)
    path.write_bytes(WEIGHTS[:-1] + b"x")
    assert fetch.fetch(stand.handle, settings).from_cache
    repaired = fetch.fetch(stand.handle, settings, verify=True)
    assert not repaired.from_cache
    assert stand.weights(Path(repaired.root)) == WEIGHTS


def test_progress_grows_to_the_whole_size(stand: Stand, server: Server, settings: Settings) -> None:
    _row(stand, "progress")
    server.fail(stand.path, faults.slow)
    seen: list[tuple[int, int | None]] = []
    fetch.fetch(
        stand.handle,
        settings,
        on_progress=lambda told: seen.append((told.done_bytes, told.total_bytes)),
    )
    done = [each for each, _ in seen]
    assert len(set(done)) > 3
    assert done[-1] == max(done)
    assert done[-1] == seen[-1][1]
    assert stand.packed is not None or done[-1] >= len(WEIGHTS)


def test_what_does_not_fit_on_the_disk_is_refused_before_a_byte_is_written(
    stand: Stand, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _row(stand, "disk")
    monkeypatch.setattr(download, "SPARE_BYTES", 1 << 60)
    with pytest.raises(DiskFullError, match="are free"):
        fetch.fetch(stand.handle, settings)
    written = [path for path in settings.artefacts.rglob("*") if path.is_file()]
    assert [path for path in written if path.suffix != ".lock" and path.stat().st_size] == []


def test_a_hub_unpacks_archives_or_is_known_not_to(stand: Stand) -> None:
    assert (stand.packed is None) == (stand.handle.hub in PLAIN)


@pytest.mark.parametrize("stand", sorted(STANDS.keys() - PLAIN), indirect=True)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_that_attacks_is_refused_and_nothing_gets_out(
    stand: Stand, settings: Settings, tmp_path: Path, attack: str
) -> None:
    packed = stand.packed
    assert packed is not None
    make, why = ATTACKS[attack]
    handle = packed.publish(pack(packed.kind, packed.members, make(packed.inside)))
    if attack in stand.gaps:  # made harmless, where others refuse
        fetch.fetch(handle, settings)
    else:
        with pytest.raises(ArtefactError, match=why) as caught:
            fetch.fetch(handle, settings)
        assert "\n" not in str(caught.value)
        assert _leftovers(settings) == []
    assert not Path("/tmp/caniload-escaped").exists()
    assert list(tmp_path.rglob("*escaped*")) == []
    assert not any(path.is_symlink() for path in settings.artefacts.rglob("*"))


@pytest.mark.parametrize("stand", sorted(STANDS.keys() - PLAIN), indirect=True)
def test_an_archive_that_is_cut_off_is_an_artefact_fault(stand: Stand, settings: Settings) -> None:
    packed = stand.packed
    assert packed is not None
    good = pack(packed.kind, packed.members)
    with pytest.raises(ArtefactError):
        fetch.fetch(packed.publish(good[: len(good) // 2]), settings)
    assert _leftovers(settings) == []
    whole = fetch.fetch(packed.publish(good), settings)
    assert hashlib.sha256(WEIGHTS).hexdigest() in [fact.sha256 for fact in whole.files]
