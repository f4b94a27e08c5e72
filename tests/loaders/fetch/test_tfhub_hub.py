"""TF Hub: its forms and versions, what is gone, and the real basic-pitch SavedModel."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import faults
from loopback.server import Server
from loopback.tfhub import Module, Storage, TfHubServer, tar_gz, tfjs_model

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

SAVED = {
    "saved_model.pb": b"\x08\x01\x12\x00",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": b"data" * 1000,
}
LITE = b"\x1c\x00\x00\x00TFL3" + b"lite" * 100


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> TfHubServer:
    monkeypatch.setenv("CANILOAD_TFHUB_ENDPOINT", server.base + "/")
    made = TfHubServer(server, Storage(server, server.elsewhere))
    made.add(Module("tiny/model", 2, tar_gz(SAVED), kaggle="tiny/m/tensorFlow2/model/1"))
    return made


def _laid(root: str) -> dict[str, bytes]:
    base = Path(root)
    return {
        path.relative_to(base).as_posix(): path.read_bytes()
        for path in base.rglob("*")
        if path.is_file()
    }


def test_a_module_comes_through_kaggle_and_its_storage_exactly(
    hub: TfHubServer, server: Server, settings: Settings
) -> None:
    got = fetch.fetch(parse("tfhub:tiny/model@2"), settings)
    assert got.handle == "tfhub:tiny/model@2#saved-model"
    assert got.format == "saved-model"
    assert _laid(got.root) == SAVED
    assert [f"{asked.path}?{asked.query}" for asked in server.asked] == [
        "/tiny/model/2?tf-hub-format=compressed",
        "/models/tiny/m/tensorFlow2/model/1?tf-hub-format=compressed&tfhub-redirect=true",
        "/kagglesdsdata/tiny/model/?X-Goog-Signature=abc",
    ]
    again = fetch.fetch(parse("tfhub:tiny/model/2"), settings)
    assert (again.handle, again.from_cache) == (got.handle, True)
    assert fetch.fetch(parse("tfhub:tiny/model@2"), settings, refresh=True).from_cache


def test_lite_and_tfjs_are_asked_for_as_such(
    hub: TfHubServer, server: Server, settings: Settings
) -> None:
    hub.add(Module("tiny/lite-model/model/1/default", 1, tflite=LITE))
    hub.add(Module("tiny/packed", 1, tflite=tar_gz({"1.tflite": LITE})))
    web = tfjs_model({"group1-shard1of2.bin": b"one", "group1-shard2of2.bin": b"two"})
    hub.add(Module("tiny/tfjs-model/whole", 1, tfjs=tar_gz(web)))
    hub.add(Module("tiny/tfjs-model/files", 1, files=web))

    lite = fetch.fetch(parse("tfhub:tiny/lite-model/model/1/default/1"), settings)
    assert lite.handle == "tfhub:tiny/lite-model/model/1/default@1#tflite"
    assert Path(lite.root).name == "default.tflite"
    assert Path(lite.root).read_bytes() == LITE
    packed = fetch.fetch(parse("tfhub:tiny/packed@1#tflite"), settings)
    assert (packed.format, _laid(packed.root)) == ("tflite", {"1.tflite": LITE})
    for name in ("whole", "files"):
        got = fetch.fetch(parse(f"tfhub:tiny/tfjs-model/{name}@1"), settings)
        assert (got.format, _laid(got.root)) == ("tfjs", web)
    shards = [asked.query for asked in server.asked if "shard" in asked.path]
    assert shards.count("tfjs-format=file") == 2

    evil = tfjs_model({"../../shard.bin": b"x"})
    hub.add(Module("tiny/tfjs-model/evil", 1, files=evil))
    with pytest.raises(ArtefactError, match="outside"):
        fetch.fetch(parse("tfhub:tiny/tfjs-model/evil@1"), settings)
    with pytest.raises(HubError, match="write #saved-model, #tflite, #tfjs") as caught:
        fetch.fetch(parse("tfhub:tiny/model@2#onnx"), settings)
    assert caught.value.reason == "missing"


def test_what_is_gone_is_missing_with_a_hint(hub: TfHubServer, settings: Settings) -> None:
    hub.gone |= {"tiny/unmigrated/1", "silero/silero-stt/en/1"}
    said = {}
    for text in (
        "tiny/unmigrated@1",
        "silero/silero-stt/en@1",
        "tiny/model@9",
        "google/spice@7",
        "google/spice@2#tflite",
    ):
        with pytest.raises(HubError) as caught:
            fetch.fetch(parse(f"tfhub:{text}"), settings)
        assert caught.value.reason == "missing"
        said[text] = str(caught.value)
    assert "Kaggle's list of models" in said["tiny/unmigrated@1"]
    assert "deleted on 2024-03-18" in said["silero/silero-stt/en@1"]
    assert "answered 404" in said["tiny/model@9"]
    assert "the last public list names version 1, 2" in said["google/spice@7"]
    assert "this form of it is tfhub:google/lite-model/spice@1" in said["google/spice@2#tflite"]


def test_410_is_gone_too(hub: TfHubServer, server: Server, settings: Settings) -> None:
    server.fail("tiny/model/2", faults.status(410))
    with pytest.raises(HubError, match="answered 410") as caught:
        fetch.fetch(parse("tfhub:tiny/model@2"), settings)
    assert caught.value.reason == "missing"


def test_a_version_comes_from_the_hub_or_is_asked_of_the_user(
    hub: TfHubServer, server: Server, settings: Settings
) -> None:
    hub.add(Module("tiny/here", 4, tar_gz(SAVED)))
    hub.moved["tiny/here"] = "/tiny/here/4"
    hub.moved["tiny/model"] = "/models/tiny/m/tensorFlow2/model/1?tfhub-redirect=true"
    hub.moved["google/spice"] = "/models?tfhub-redirect=true"
    server.files["/tiny/page"] = b"a page about it"
    server.fail("/models/tiny/m", faults.instead(faults.PAGE))
    server.fail("/tiny/here/4", faults.instead(faults.PAGE), times=1)
    assert fetch.resolve(parse("tfhub:tiny/here"), settings) == parse("tfhub:tiny/here@4")
    with pytest.raises(HubError) as moved:
        fetch.resolve(parse("tfhub:tiny/model"), settings)
    assert moved.value.reason == "unresolved"
    assert "kaggle:tiny/m/tensorFlow2/model@1, to which TF Hub sends" in str(moved.value)
    with pytest.raises(HubError) as silent:
        fetch.resolve(parse("tfhub:tiny/page"), settings)
    assert silent.value.reason == "unresolved"
    assert "write tfhub:tiny/page@<version>" in str(silent.value)
    for text, reason in (("google/spice", "missing"), ("tiny/nowhere", "missing")):
        with pytest.raises(HubError) as caught:
            fetch.resolve(parse(f"tfhub:{text}"), settings)
        assert caught.value.reason == reason


@pytest.mark.parametrize("text", ["model@1", "tiny/model@main", "tiny/../model@1", "a b/c@1"])
def test_what_is_no_address_is_refused_unasked(
    hub: TfHubServer, server: Server, settings: Settings, text: str
) -> None:
    with pytest.raises(BadInputError):
        fetch.fetch(parse(f"tfhub:{text}"), settings)
    assert server.asked == []


def test_the_storage_s_md5_is_checked_and_its_refusal_is_the_hub_s_fault(
    hub: TfHubServer, server: Server, settings: Settings
) -> None:
    assert hub.storage is not None
    hub.add(Module("tiny/lite-model/m", 1, tflite=LITE))
    hub.storage.wrong_md5 = True
    with pytest.raises(ArtefactError, match="md5"):
        fetch.fetch(parse("tfhub:tiny/lite-model/m@1"), settings)
    hub.storage.wrong_md5 = False
    spoilt = f"{server.elsewhere}/kagglesdsdata/tiny/lite-model/m/?X-Goog-Signature=old"
    server.fail("tiny/lite-model/m/1", lambda handler, _: handler.send(_redirect(spoilt)), times=1)
    with pytest.raises(HubError, match="no matter of permission") as caught:
        fetch.fetch(parse("tfhub:tiny/lite-model/m@1"), settings)
    assert caught.value.reason == "server"
    assert Path(fetch.fetch(parse("tfhub:tiny/lite-model/m@1"), settings).root).is_file()


def test_an_archive_that_was_damaged_on_its_way_is_refused_by_its_own_checksum(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANILOAD_TFHUB_ENDPOINT", server.base)
    TfHubServer(server).add(Module("tiny/plain", 1, tar_gz({"saved_model.pb": bytes(9000)})))
    server.fail("tiny/plain", faults.corrupted)
    with pytest.raises(ArtefactError, match="broken"):
        fetch.fetch(parse("tfhub:tiny/plain@1"), settings)
    server.faults.clear()
    long_tail = gzip.compress(_tar(b"\x08\x01") + bytes(1 << 27), 1)
    TfHubServer(server).add(Module("tiny/tail", 1, long_tail))
    with pytest.raises(ArtefactError, match="long after its end"):
        fetch.fetch(parse("tfhub:tiny/tail@1"), settings)


def _tar(model: bytes) -> bytes:
    return gzip.decompress(tar_gz({"saved_model.pb": model}))


def _redirect(there: str) -> object:
    from loopback.server import Answer

    return Answer(b"", 302, {"Location": there})


def test_claims_and_browsing_come_from_the_committed_list(
    hub: TfHubServer, server: Server, settings: Settings
) -> None:
    served = load_hubs()["tfhub"]
    table = read_table("tfhub", settings)
    assert table is not None
    assert table["version"] == "81fdea8ffa53b5acbd66a012d17fb8f9602c714b"
    (claim,) = served.claims(parse("tfhub:google/spice@2"), settings)
    assert (claim.format, claim.framework, claim.loader) == (
        "saved-model",
        "tensorflow",
        "tensorflow-hub",
    )
    found = {str(each.handle) for each in served.browse("lite-model/spice", settings)}
    assert found == {"tfhub:google/lite-model/spice@1"}
    assert served.claims(parse("tfhub:tiny/model"), settings) == ()
    assert server.asked == []


@pytest.mark.framework
def test_tensorflow_hub_itself_resolves_the_same_files(
    hub: TfHubServer, server: Server, settings: Settings, framework_python: Callable[[str], Path]
) -> None:
    hub.gone.add("tiny/unmigrated/1")
    script = (
        "import sys, tensorflow_hub as hub; print(hub.resolve(sys.argv[1]))\n"
        "try:\n hub.resolve(sys.argv[2])\n"
        "except OSError as error:\n print('refused:', error)"
    )
    addresses = [f"{server.base}/tiny/model/2", f"{server.base}/tiny/unmigrated/1"]
    done = subprocess.run(
        [framework_python("tf-keras"), "-c", script, *addresses],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "TFHUB_CACHE_DIR": str(settings.home / "tfhub")},
    )
    assert done.returncode == 0, done.stderr
    folder, refused = done.stdout.splitlines()
    assert _laid(folder) == SAVED
    assert "does not appear to be a valid module" in refused
    by_library = [f"{asked.path}?{asked.query}" for asked in server.asked]
    server.asked.clear()
    fetch.fetch(parse("tfhub:tiny/model@2"), settings)
    ours = [f"{asked.path}?{asked.query}" for asked in server.asked]
    assert ours == by_library[: len(ours)]


@pytest.mark.skipif("CANILOAD_TEST_WEIGHTS" not in os.environ, reason="no CANILOAD_TEST_WEIGHTS")
def test_the_real_basic_pitch_is_laid_byte_for_byte(hub: TfHubServer, settings: Settings) -> None:
    folder = Path(os.environ["CANILOAD_TEST_WEIGHTS"]) / "basic-pitch"
    saved = _laid(str(folder / "nmp"))
    assert "saved_model.pb" in saved
    hub.add(Module("spotify/basic-pitch", 1, tar_gz({f"./{n}": b for n, b in saved.items()})))
    hub.add(
        Module("spotify/lite-model/basic-pitch", 1, tflite=(folder / "nmp.tflite").read_bytes())
    )
    got = fetch.fetch(parse("tfhub:spotify/basic-pitch@1"), settings)
    assert _laid(got.root) == saved
    assert {fact.path: fact.sha256 for fact in got.files} == {
        name: hashlib.sha256(body).hexdigest() for name, body in saved.items()
    }
    lite = fetch.fetch(parse("tfhub:spotify/lite-model/basic-pitch@1"), settings)
    assert Path(lite.root).read_bytes() == (folder / "nmp.tflite").read_bytes()
