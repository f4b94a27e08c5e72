"""The ONNX hub: its manifest's names and hashes, mirrors, and Git LFS pointers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import faults, onnx_hub
from loopback.server import Server

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

REPOSITORY = Path(__file__).parents[3]
BODY = b"\x08\x07\x12\x00" + b"onnx" * 1000
PATH = "validated/vision/tiny/model/tiny-7.onnx"
MNIST = "validated/vision/classification/mnist/model/mnist-12.onnx"


@pytest.fixture
def zoo(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    onnx_hub.publish(
        server,
        {
            PATH: ("Tiny", 7, BODY),
            "validated/vision/two/model/two-7.onnx": ("Two", 7, BODY),
            "validated/vision/two/model/two-9.onnx": ("Two", 9, BODY + b"9"),
        },
    )
    monkeypatch.setenv("CANILOAD_ONNX_ENDPOINT", server.base + onnx_hub.PREFIX)
    return server


def test_a_name_is_resolved_to_its_one_path_or_refused_with_the_choices(
    zoo: Server, settings: Settings
) -> None:
    got = fetch.fetch(parse("onnx:tiny"), settings)
    sha256 = hashlib.sha256(BODY).hexdigest()
    assert got.handle == f"onnx:{PATH}@sha256-{sha256}#onnx"
    assert Path(got.root).name == "tiny-7.onnx"
    assert Path(got.root).read_bytes() == BODY
    assert fetch.fetch(parse(f"onnx:{PATH}"), settings).from_cache
    with pytest.raises(BadInputError, match=r"2 files.*two-7\.onnx \(opset 7\).*two-9\.onnx"):
        fetch.fetch(parse("onnx:Two"), settings)
    with pytest.raises(HubError, match="did you mean Tiny") as unknown:
        fetch.fetch(parse("onnx:Tinny"), settings)
    assert unknown.value.reason == "missing"
    with pytest.raises(HubError, match=f"is sha256-{sha256} now") as caught:
        fetch.fetch(parse(f"onnx:{PATH}@sha256-{'0' * 64}"), settings)
    assert caught.value.reason == "missing"


def test_the_committed_manifest_answers_without_a_network(zoo: Server, settings: Settings) -> None:
    table = read_table("onnx_hub", settings)
    assert table is not None
    assert table["version"] == "b1eeaa1ac722dcc1cd1a8284bde34393dab61c3d"
    assert len(table["entries"]) == 184
    resolved = fetch.resolve(parse(f"onnx:{MNIST}"), settings)
    assert resolved.revision == f"sha256-{table['entries'][MNIST]['sha256']}"
    (claim,) = load_hubs()["onnx"].claims(parse(f"onnx:{MNIST}"), settings)
    assert (claim.format, claim.loader) == ("onnx", "onnx")
    found = [each.handle.locator for each in load_hubs()["onnx"].browse("mnist-12", settings)]
    assert MNIST in found
    assert zoo.asked == []


def test_a_file_of_the_committed_manifest_is_held_to_its_hash(
    zoo: Server, settings: Settings
) -> None:
    zoo.files[f"{onnx_hub.PREFIX}/{MNIST}"] = BODY
    with pytest.raises(ArtefactError, match="were published"):
        fetch.fetch(parse(f"onnx:{MNIST}"), settings)


def test_a_git_lfs_pointer_is_an_artefact_fault_that_says_what_to_do(
    zoo: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo.fail("tiny-7.onnx", faults.instead(faults.POINTER, "text/plain"))
    with pytest.raises(ArtefactError) as caught:
        fetch.fetch(parse("onnx:Tiny"), settings)
    assert caught.value.reason == "artefact"
    assert "a Git LFS pointer came, not the file it points to" in str(caught.value)
    assert "git lfs pull" in str(caught.value)
    zoo.faults.clear()
    assert Path(fetch.fetch(parse("onnx:Tiny"), settings).root).read_bytes() == BODY


def test_what_the_zoo_no_longer_serves_says_where_it_went(
    zoo: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.loaders.fetch.onnx._FILES", zoo.base + "/gone")
    monkeypatch.delenv("CANILOAD_ONNX_ENDPOINT")
    with pytest.raises(HubError) as caught:
        fetch.fetch(parse(f"onnx:{MNIST}"), settings)
    assert caught.value.reason == "missing"
    assert "ended on 2025-07-01" in str(caught.value)
    assert "hf:onnxmodelzoo/mnist-12" in str(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"[{}]", b"not json"])
def test_a_manifest_that_is_none_is_the_hub_s_fault(
    zoo: Server, settings: Settings, body: bytes
) -> None:
    zoo.files[f"{onnx_hub.PREFIX}/ONNX_HUB_MANIFEST.json"] = body
    with pytest.raises(HubError, match="is not the ONNX hub's") as caught:
        fetch.fetch(parse("onnx:Tiny"), settings)
    assert caught.value.reason == "server"


def test_refresh_asks_the_mirror_and_trusts_no_changed_file(
    zoo: Server, settings: Settings
) -> None:
    fetch.fetch(parse("onnx:Tiny"), settings)
    assert fetch.fetch(parse("onnx:Tiny"), settings, refresh=True).from_cache
    zoo.files[f"{onnx_hub.PREFIX}/{PATH}"] = BODY[:-1]
    with pytest.raises(ArtefactError):
        fetch.fetch(parse("onnx:Tiny"), settings, refresh=True)


def test_the_import_script_writes_facts_with_their_provenance(tmp_path: Path) -> None:
    manifest = [
        {
            "model": "Tiny",
            "model_path": PATH,
            "opset_version": 7,
            "metadata": {"model_sha": "0" * 64, "model_bytes": 5, "tags": ["vision"], "x": "prose"},
        }
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    script = (
        f"import pathlib, sys; sys.path.insert(0, {str(REPOSITORY / 'scripts')!r});"
        "import import_onnx_hub as script; script.TABLE = pathlib.Path(sys.argv[1]);"
        "sys.exit(script.main(*sys.argv[2:]))"
    )
    table, source = str(tmp_path / "onnx_hub.json"), str(tmp_path / "manifest.json")
    call = [sys.executable, "-c", script, table, source]
    subprocess.run([*call, "a" * 40, "2026-11-25"], check=True, timeout=60)
    written = json.loads((tmp_path / "onnx_hub.json").read_text())
    assert written["version"] == "a" * 40
    assert written["read"] == "2026-11-25"
    assert written["entries"] == {
        PATH: {
            "model": "Tiny",
            "opset": 7,
            "sha256": "0" * 64,
            "size_bytes": 5,
            "tags": ["vision"],
        }
    }
    short = subprocess.run([*call, "b1eeaa1"], capture_output=True, text=True, timeout=60)
    assert (short.returncode, "not a full commit" in short.stderr) == (2, True)
