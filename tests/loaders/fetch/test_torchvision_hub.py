"""torchvision's weights: named by its own table, laid where torch.hub looks for them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import stands_torch
from loopback import weight_files
from loopback.server import Server

from caniload.errors import HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch.torchvision import TorchvisionHub
from caniload.settings import Settings


def test_the_table_names_every_weight_with_its_address_and_builder(settings: Settings) -> None:
    hub = TorchvisionHub()
    found = hub.browse("", settings)
    assert len(found) == 166
    assert len({each.about for each in found}) == 121
    v1 = Handle("torchvision", "ResNet50_Weights.IMAGENET1K_V1")
    assert {str(each.handle) for each in hub.browse("resnet50_weights", settings)} >= {
        "torchvision:ResNet50_Weights.IMAGENET1K_V1@0.28.0",
        "torchvision:ResNet50_Weights.IMAGENET1K_V2@0.28.0",
    }
    assert [claim.says for claim in hub.claims(v1, settings)] == [
        "torchvision 0.28.0 lists weights of resnet50",
        "25,557,032 parameters",
    ]


def test_names_are_resolved_to_one_member_of_one_version(settings: Settings) -> None:
    default = fetch.resolve(parse("torchvision:ResNet50_Weights.DEFAULT"), settings)
    assert str(default) == "torchvision:ResNet50_Weights.IMAGENET1K_V2@0.28.0"
    for text, said in {
        "torchvision:ResNet50_Weights.IMAGENET1K_V3": "did you mean ResNet50_Weights.IMAGENET1K_V",
        "torchvision:ResNet50_Weights.DEFAULT@0.1.0": "known as of version 0.28.0, not 0.1.0",
        "torchvision:ResNet50_Weights.DEFAULT#onnx": "not served as #onnx",
    }.items():
        with pytest.raises(HubError, match=said) as caught:
            fetch.resolve(parse(text), settings)
        assert caught.value.reason == "missing"


@pytest.mark.framework
def test_torch_hub_finds_the_file_without_a_network(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    framework_python: Callable[[str], Path],
) -> None:
    """`load_state_dict_from_url` is what torchvision itself calls, hash check included."""
    python, made = framework_python("pytorch"), tmp_path / "made.pth"
    save = f"import torch; torch.save({{'w': torch.ones(3)}}, {str(made)!r})"
    subprocess.run([python, "-c", save], check=True, timeout=120)
    monkeypatch.setattr(stands_torch, "WEIGHTS", made.read_bytes())
    stand = stands_torch.torchvision(server, tmp_path, monkeypatch)
    artefact = fetch.fetch(stand.handle, Settings.read())
    told = json.loads((Path(artefact.root) / "torchvision.json").read_text())
    name = weight_files.hashed("tiny", made.read_bytes())
    assert told == {
        "version": "0.28.0",
        "builder": "tiny",
        "weights": "Tiny_Weights.V1",
        "url": f"https://weights.example/models/{name}",
    }
    code = (
        "import sys, torch; torch.hub.set_dir(sys.argv[1]); "
        "got = torch.hub.load_state_dict_from_url(sys.argv[2], check_hash=True); "
        "print(got['w'].tolist())"
    )
    command = [str(python), "-c", code, artefact.root, told["url"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[1.0, 1.0, 1.0]", done.stderr
