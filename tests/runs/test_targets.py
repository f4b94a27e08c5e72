"""From what a user types to trials: names, handles, paths; adapters, recipes, groups of weights."""

from __future__ import annotations

import hashlib
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from caniload.errors import UnknownNameError
from caniload.handles import Handle
from caniload.loaders.fetch import fetch
from caniload.loaders.specs import load_specs
from caniload.records import FetchedArtefact
from caniload.runs import targets
from caniload.runs.plan import Trial, Wish
from caniload.settings import Settings

ONNX = b"\x08\x08\x12\x07pytorch\x3a\x05graph"
TFLITE = b"\x1c\0\0\0TFL3" + bytes(64)
H5 = b"\x89HDF\r\n\x1a\n" + bytes(64) + b"model_config"


def ask(settings: Settings, wish: Wish | None = None, **more: object) -> targets.Ask:
    def fetching(handle: Handle) -> FetchedArtefact:
        return fetch(handle, settings)

    made = targets.Ask(settings, load_specs(), wish or Wish(), fetching)
    return replace(made, **more)


def read(settings: Settings, *paths: Path, wish: Wish | None = None, **more: object) -> list[Trial]:
    return targets.read([str(path) for path in paths], ask(settings, wish, **more)).trials


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture
def known(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose catalogue knows one file by its hash."""
    data = tmp_path / "data"
    shutil.copytree(settings.data, data, ignore=shutil.ignore_patterns("evidence", "models"))
    (data / "models").mkdir()
    shutil.copy(settings.data / "models" / "silero-vad.yaml", data / "models")
    path = data / "models" / "silero-vad.yaml"
    entry = yaml.safe_load(path.read_text())
    files = entry["sources"][0]["hints"]["files"]
    files["silero_vad_op18_ifless.onnx"]["sha256"] = hashlib.sha256(ONNX).hexdigest()
    path.write_text(yaml.safe_dump(entry))
    return replace(settings, data=data)


def test_a_file_known_by_its_hash_is_tried_with_its_models_adapter(
    known: Settings, tmp_path: Path
) -> None:
    (trial,) = read(known, written(tmp_path / "renamed.bin", ONNX))
    assert (trial.model, trial.loader) == ("silero-vad", "onnx")
    assert trial.hints["inputs"]["state"] == {"kind": "zeros", "shape": [2, 1, 128]}
    assert trial.same_weights == "torchhub:snakers4/silero-vad/silero_vad|"


def test_an_adapter_that_the_user_gives_goes_before_the_entrys(
    known: Settings, tmp_path: Path
) -> None:
    mine = {"inputs": {"input": {"kind": "ones", "shape": [1, 576]}}}
    (trial,) = read(known, written(tmp_path / "m.onnx", ONNX), wish=Wish(hints=mine))
    assert trial.hints == mine


def test_a_strangers_file_has_neither_model_nor_adapter(known: Settings, tmp_path: Path) -> None:
    (trial,) = read(known, written(tmp_path / "m.onnx", ONNX + b"\x10\x01"))
    assert (trial.model, dict(trial.hints), trial.same_weights) == (None, {}, None)


def test_same_weights_makes_one_group_named_after_the_first(
    settings: Settings, tmp_path: Path
) -> None:
    first, second = written(tmp_path / "a.onnx", ONNX), written(tmp_path / "b.tflite", TFLITE)
    trials = read(settings, first, second, wish=Wish(environment=None), same_weights=True)
    assert len({trial.same_weights for trial in trials}) == 1
    assert trials[0].same_weights == f"file:a.onnx@sha256-{hashlib.sha256(ONNX).hexdigest()}"
    assert {trial.same_weights for trial in read(settings, first, second)} == {None}


def test_a_keras_file_is_tried_in_each_keras_and_by_a_second_recipe(
    settings: Settings, tmp_path: Path
) -> None:
    trials = read(settings, written(tmp_path / "m.h5", H5), wish=Wish(framework="tensorflow"))
    tried = {(trial.environment, trial.recipe.options.get("compile")) for trial in trials}
    places = ("tensorflow", "tf-keras")
    assert tried == {(place, option) for place in places for option in (None, False)}
    assert len({trial.recipe.hash for trial in trials}) == 2


def test_options_that_the_user_gives_are_the_only_recipe(
    settings: Settings, tmp_path: Path
) -> None:
    wish = Wish(framework="tensorflow", options={"compile": False})
    trials = read(settings, written(tmp_path / "m.h5", H5), wish=wish)
    assert {trial.recipe.options["compile"] for trial in trials} == {False}


def test_environments_that_are_not_default_serve_only_when_named(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    written(folder / "model.safetensors", struct.pack("<Q", 2) + b"{}")
    places = {trial.environment for trial in read(settings, folder)}
    assert "pytorch" in places
    assert "transformers-4-49" not in places


@pytest.mark.parametrize(
    ("target", "loader", "architecture"),
    [
        ("timm:resnet50.a1_in1k", "timm", "resnet50"),
        ("timm:resnet18", "timm", "resnet18"),
        ("torchvision:resnet50", "torchvision", "resnet50"),
    ],
)
def test_random_weights_of_a_name_need_no_hub(
    settings: Settings, target: str, loader: str, architecture: str
) -> None:
    found = targets.read([target], ask(settings, Wish(weights="random")))
    (trial,) = found.trials
    assert (trial.loader, trial.architecture) == (loader, architecture)
    assert found.artefacts == {}
    assert trial.recipe.weights == "random"


def test_a_file_named_without_a_separator_is_pointed_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "model.onnx", ONNX)
    with pytest.raises(UnknownNameError, match=r"write \./model\.onnx"):
        targets.read(["model.onnx"], ask(settings))
