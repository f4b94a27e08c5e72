"""timm's tags: an alias of the repository that holds the weights, where that says all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import stands_torch
from loopback import huggingface
from loopback.server import Server
from stands import WEIGHTS

from caniload.errors import HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch.timm import TimmHub
from caniload.settings import Settings

CONFIG = b'{"architecture": "resnet50", "pretrained_cfg": {"tag": "a1_in1k"}}'


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> huggingface.HuggingFace:
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    return huggingface.HuggingFace(server)


def test_the_table_holds_every_tag_and_where_its_weights_lie(settings: Settings) -> None:
    found = TimmHub().browse("", settings)
    assert len(found) == 1826
    assert len([each for each in found if each.about.startswith("hf:")]) == 1807
    places = {each.handle.locator: each.about for each in found}
    assert places["resnet50.a1_in1k"] == "hf:timm/resnet50.a1_in1k"
    assert places["rdnet_tiny.nv_in1k"] == "hf:naver-ai/rdnet_tiny.nv_in1k"


@pytest.mark.parametrize("name", ["resnet50.a1_in1k", "resnet50"])
def test_a_tag_is_the_repository_on_hugging_face(
    hub: huggingface.HuggingFace, settings: Settings, name: str
) -> None:
    files = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "pytorch_model.bin": b"\x80\x02"}
    repository = hub.add(huggingface.Repository("timm/resnet50.a1_in1k", files))
    handle = f"hf:timm/resnet50.a1_in1k@{repository.commit}"
    assert str(fetch.resolve(parse(f"timm:{name}"), settings)) == handle
    artefact = fetch.fetch(parse(f"timm:{name}"), settings)
    assert artefact.handle == f"{handle}#safetensors"
    assert (Path(artefact.root) / "config.json").read_bytes() == CONFIG
    assert fetch.fetch(parse(handle), settings).from_cache


def test_a_repository_of_another_architecture_gets_timms_own_configuration(
    hub: huggingface.HuggingFace, settings: Settings
) -> None:
    """The quickgelu tags share weights with a repository whose configuration says gelu."""
    other = b'{"architecture": "vit_base_patch16_clip_224", "pretrained_cfg": {}}'
    files = {"config.json": other, "model.safetensors": WEIGHTS}
    repository = hub.add(huggingface.Repository("timm/vit_base_patch16_clip_224.openai", files))
    name = "timm:vit_base_patch16_clip_quickgelu_224.openai"
    artefact = fetch.fetch(parse(name), settings)
    assert artefact.handle == f"{name}@{repository.commit}#safetensors"
    told = json.loads((Path(artefact.root) / "config.json").read_text())
    assert told["architecture"] == "vit_base_patch16_clip_quickgelu_224"
    assert told["pretrained_cfg"]["input_size"] == [3, 224, 224]
    facts = {fact.path: fact.size_bytes for fact in artefact.files}
    assert facts["config.json"] == (Path(artefact.root) / "config.json").stat().st_size
    assert fetch.fetch(parse(name), settings, refresh=True).from_cache


def test_weights_at_an_address_come_with_a_configuration(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = stands_torch.timm(server, tmp_path, monkeypatch)
    artefact = fetch.fetch(parse("timm:tiny"), Settings.read())
    assert artefact.handle == str(stand.handle)
    assert artefact.format == "pt"
    told = json.loads((Path(artefact.root) / "config.json").read_text())
    assert told == {"architecture": "tiny", "pretrained_cfg": {"tag": "in1k"}}


def test_an_unknown_name_is_missing_and_those_near_are_named(settings: Settings) -> None:
    for text, said in {
        "timm:resnet5": "did you mean resnet",
        "timm:resnet50.a1_in2k": "did you mean resnet50.a1",
        "timm:gcvit_tiny.in1k@0.9": "known as of version 1.0.31, not 0.9",
    }.items():
        with pytest.raises(HubError, match=said) as caught:
            fetch.resolve(parse(text), settings)
        assert caught.value.reason == "missing"
