"""Kaggle: versions, credentials that stay with Kaggle, and what its 403 means."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from loopback import faults
from loopback.kaggle import Kaggle, Variation
from loopback.server import Server
from loopback.tfhub import Storage

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch.kaggle_login import authorization
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

PRESET = {"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"\x89HDF" * 500}


@pytest.fixture(autouse=True)
def _no_kaggle_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG_DIR", "USERNAME", "KEY", "API_TOKEN"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)


@pytest.fixture
def hub(server: Server, other: Server, monkeypatch: pytest.MonkeyPatch) -> Kaggle:
    monkeypatch.setenv("KAGGLE_API_ENDPOINT", server.base)
    made = Kaggle(server, Storage(other, other.elsewhere))
    made.add(Variation("tiny/bert/keras/small", 3, PRESET))
    return made


def test_a_variation_is_laid_and_the_log_in_stays_with_kaggle(
    hub: Kaggle, server: Server, other: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "kaggle_secret")
    got = fetch.fetch(parse("kaggle:tiny/bert/keras/small"), settings)
    assert got.handle == "kaggle:tiny/bert/keras/small@3#keras-preset"
    assert got.format == "keras-preset"
    laid = {fact.path: (Path(got.root) / fact.path).read_bytes() for fact in got.files}
    assert laid == PRESET
    assert {each.headers.get("authorization") for each in server.asked} == {"Bearer kaggle_secret"}
    assert [each.headers.get("authorization") for each in other.asked] == [None]
    again = fetch.fetch(parse("kaggle:tiny/bert/keras/small/3"), settings)
    assert (again.handle, again.from_cache) == (got.handle, True)
    assert fetch.fetch(parse("kaggle:tiny/bert/keras/small@3"), settings, refresh=True).from_cache


SAVED = {"saved_model.pb": b"\x08\x01", "variables/variables.index": b"i"}
MODULE = {"saved_model.pb": b"\x08\x01", "tfhub_module.pb": b"\x08\x03"}


@pytest.mark.parametrize(
    ("framework", "files", "form"),
    [
        ("tensorFlow2", SAVED, "saved-model"),
        ("tensorFlow1", MODULE, "saved-model"),
        ("tfLite", {"1.tflite": b"\x1c\x00\x00\x00TFL3"}, "tflite"),
        ("pyTorch", {"weights.pt": b"PK\x03\x04"}, "pt"),
        ("transformers", {"config.json": b"{}", "model.safetensors": b"x"}, "safetensors"),
        ("transformers", {"config.json": b"{}", "pytorch_model.bin": b"x"}, None),
        ("other", {"weights.bin": b"x"}, None),
    ],
)
def test_the_format_is_what_framework_and_files_say_together(
    hub: Kaggle, settings: Settings, framework: str, files: dict[str, bytes], form: str | None
) -> None:
    hub.add(Variation(f"tiny/model/{framework}/v", 1, files))
    assert fetch.fetch(parse(f"kaggle:tiny/model/{framework}/v@1"), settings).format == form


def test_a_format_that_is_asked_for_must_be_there(hub: Kaggle, settings: Settings) -> None:
    both = {"config.json": b"{}", "model.safetensors": b"x", "pytorch_model.bin": b"x"}
    hub.add(Variation("tiny/model/transformers/v", 1, both))
    assert fetch.fetch(parse("kaggle:tiny/model/transformers/v@1"), settings).format == (
        "safetensors"
    )
    chosen = fetch.fetch(parse("kaggle:tiny/model/transformers/v@1#bin"), settings)
    assert (chosen.format, chosen.handle[-4:]) == ("bin", "#bin")
    with pytest.raises(HubError, match=r"no onnx files.*it has safetensors, bin") as caught:
        fetch.fetch(parse("kaggle:tiny/model/transformers/v@1#onnx"), settings)
    assert caught.value.reason == "missing"


def test_consent_and_absence_are_told_apart_where_the_answer_allows(
    hub: Kaggle, server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = ("Bearer accepted",)
    hub.add(Variation("tiny/gemma/keras/v", 1, PRESET, consent=True, readers=readers))
    hub.add(Variation("tiny/private/keras/v", 1, PRESET, private=True, readers=readers))

    def refused(text: str) -> tuple[str, str]:
        with pytest.raises(HubError) as caught:
            fetch.fetch(parse(f"kaggle:{text}"), settings)
        assert "\n" not in str(caught.value)
        return caught.value.reason, str(caught.value)

    reason, says = refused("tiny/gemma/keras/v@1")
    assert reason == "gated"
    assert "asks for consent to its terms: User has not consented to terms of use" in says
    assert "accept them at https://www.kaggle.com/models/tiny/gemma" in says
    for text in ("tiny/private/keras/v", "tiny/nowhere/keras/v"):
        reason, says = refused(text)
        assert reason == "missing"
        assert "not there, or private" in says
        assert "KAGGLE_API_TOKEN" in says
    assert refused("tiny/bert/keras/small@9")[0] == "missing"
    server.fail("tiny/bert", faults.status(403), times=1)
    reason, says = refused("tiny/bert/keras/small@3")
    assert reason == "gated"
    assert "consent that is missing, and for what is private or not there" in says
    server.fail("tiny/bert", faults.status(403, Retry_After="900"), times=1)
    assert refused("tiny/bert/keras/small@3")[0] == "throttled"
    server.fail("tiny/bert", faults.status(401), times=1)
    assert refused("tiny/bert/keras/small@3")[0] == "gated"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "accepted")
    for text in ("tiny/gemma/keras/v@1", "tiny/private/keras/v"):
        assert fetch.fetch(parse(f"kaggle:{text}"), settings).files


def test_credentials_are_found_where_kagglehub_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def basic(pair: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    assert authorization() == {}
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    (folder / "kaggle.json").write_text(json.dumps({"username": "file", "key": "k"}))
    assert authorization() == basic("file:k")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "kaggle.json").write_text(json.dumps({"username": "moved", "key": "k"}))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(other))
    assert authorization() == basic("moved:k")
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    assert authorization() == basic("moved:k")
    monkeypatch.setenv("KAGGLE_KEY", "key")
    assert authorization() == basic("me:key")
    (folder / "access_token").write_text("from-file\n")
    assert authorization() == {"Authorization": "Bearer from-file"}
    monkeypatch.setenv("KAGGLE_API_TOKEN", "from-variable")
    assert authorization() == {"Authorization": "Bearer from-variable"}
    named = tmp_path / "token"
    named.write_text("from-named-file\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(named))
    assert authorization() == {"Authorization": "Bearer from-named-file"}
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (folder / "access_token").unlink()
    monkeypatch.delenv("KAGGLE_KEY")
    (other / "kaggle.json").write_text("{secret")
    with pytest.raises(BadInputError) as caught:
        authorization()
    assert "secret" not in str(caught.value)


def test_the_storage_s_md5_is_checked(hub: Kaggle, settings: Settings) -> None:
    assert hub.storage is not None
    hub.storage.wrong_md5 = True
    with pytest.raises(ArtefactError, match="md5"):
        fetch.fetch(parse("kaggle:tiny/bert/keras/small@3"), settings)


def test_claims_search_and_answers_that_are_not_kaggle_s(
    hub: Kaggle, server: Server, settings: Settings
) -> None:
    served = load_hubs()["kaggle"]
    claims = served.claims(parse("kaggle:tiny/bert/keras/small"), settings)
    assert {(claim.says, claim.format, claim.loader) for claim in claims} == {
        ("Kaggle lists it as keras", "keras-preset", "keras-hub"),
        ("file list holds keras-preset", "keras-preset", "keras-hub"),
    }
    found = [str(each.handle) for each in served.browse("bert", settings)]
    assert found == ["kaggle:tiny/bert/keras/small"]
    assert not any("download" in path for path in server.paths())
    server.fail("/get", faults.instead(faults.PAGE), times=1)
    with pytest.raises(HubError, match="not Kaggle's"):
        fetch.resolve(parse("kaggle:tiny/bert/keras/small"), settings)
    for text in (
        "tiny/bert",
        "tiny/bert/keras/small/main",
        "tiny/bert/keras/..",
        "tiny/bert/keras/small@x",
    ):
        with pytest.raises(BadInputError):
            fetch.resolve(parse(f"kaggle:{text}"), settings)
