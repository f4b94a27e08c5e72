"""KerasHub presets that the library wrote, and classes alone, on its three backends."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drive import RECIPE, Seen, drive_many, job, relative_rms

from caniload.loaders.specs import load_specs

pytestmark = pytest.mark.framework

WRITE = """
import string, sys
from pathlib import Path
import keras, keras_hub

out = Path(sys.argv[1])
keras.utils.set_random_seed(3)
marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
vocab = marks + list(string.ascii_lowercase + string.digits + string.punctuation)
vocab += ["##" + c for c in string.ascii_lowercase + string.digits]
bert = keras_hub.models.BertBackbone(
    vocabulary_size=len(vocab), num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
    max_sequence_length=24)
bert.save_to_preset(out / "bert")
keras_hub.models.BertTokenizer(vocabulary=vocab, lowercase=True).save_to_preset(out / "bert")
net = keras_hub.models.ResNetBackbone(
    input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64],
    stackwise_num_blocks=[1], stackwise_num_strides=[1], block_type="basic_block",
    image_shape=(32, 32, 3))
for weight in net.weights:
    if "moving_variance" in weight.path:
        weight.assign(weight + 0.5)
net.save_to_preset(out / "resnet")
"""

BACKENDS = {"tensorflow": "tensorflow", "pytorch": "keras-torch", "jax": "keras-jax"}
"""Environment by framework."""

AUTO = {**RECIPE, "name": "auto", "inputs": {"kind": "auto", "batch": 2, "length": 16}}
CLASS = {
    "class": "BertBackbone",
    "config": {
        "vocabulary_size": 50,
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 16,
    },
}

Said = dict[str, dict[str, Seen]]


@pytest.fixture(scope="module")
def said(framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What the loader said of every case, by framework."""
    out = tmp_path_factory.mktemp("presets")
    done = subprocess.run(
        [framework_python("tensorflow"), "-c", WRITE, str(out)],
        env={"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.copytree(out / "bert", out / "truncated")
    file = out / "truncated" / "model.weights.h5"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (out / "nothing").mkdir()
    found: Said = {}
    for framework, environment in BACKENDS.items():
        works = {
            name: job(out / name, "keras-hub", framework, "keras-preset", recipe=AUTO)
            for name in ("bert", "resnet", "truncated")
        }
        for name, weights in (("class", "random"), ("class alone", "pretrained")):
            recipe = {**AUTO, "weights": weights, "options": CLASS}
            works[name] = job(out / "nothing", "keras-hub", framework, None, recipe=recipe)
        found[framework] = drive_many(
            framework_python(environment),
            ["keras_hub"],
            works,
            {},
            tmp_path_factory.mktemp(environment),
            dict(load_specs()["keras-hub"].env[framework]),
        )[0]
    return found


@pytest.mark.parametrize("framework", BACKENDS)
@pytest.mark.parametrize("name", ["bert", "resnet"])
def test_a_preset_loads_with_the_weights_of_its_file(said: Said, framework: str, name: str) -> None:
    seen = said[framework][name]
    assert seen.result == ("passed", "check"), seen.log[-2000:]
    assert seen.final["evidence_level"] == "pretrained"
    weights = seen.checks["weights"]
    assert weights["status"] == "passed", weights
    assert weights["numbers"]["matched"] == weights["numbers"]["live_tensors"]
    assert relative_rms(seen, said["tensorflow"][name]) < 3e-4


@pytest.mark.parametrize("framework", BACKENDS)
def test_a_preset_s_tokenizer_splits_as_its_files_say(said: Said, framework: str) -> None:
    check = said[framework]["bert"].checks["preprocessing"]
    assert check["status"] == "passed", check


@pytest.mark.parametrize("framework", BACKENDS)
def test_a_class_alone_is_evidence_of_the_architecture(said: Said, framework: str) -> None:
    seen = said[framework]["class"]
    assert seen.result == ("passed", "check"), seen.log[-2000:]
    assert seen.final["evidence_level"] == "architecture"
    assert seen.facts["class"] == "BertBackbone"
    alone = said[framework]["class alone"]
    assert alone.result == ("refused", "load"), alone.final


@pytest.mark.parametrize("framework", BACKENDS)
def test_a_truncated_weight_file_fails_at_load(said: Said, framework: str) -> None:
    assert said[framework]["truncated"].result == ("failed", "load")
