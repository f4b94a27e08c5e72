"""transformers 4.57 in PyTorch, TensorFlow and Flax: formats, kinds of input, honest refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_hf
from drive import RECIPE, Seen, drive_many, job, relative_rms

pytestmark = pytest.mark.framework

AUTO = {**RECIPE, "name": "auto", "inputs": {"kind": "auto", "batch": 2, "length": 12}}
FROM_PT = {"options": {"from_pt": True}}

CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "bert pytorch": ("bert/safetensors", "pytorch", "safetensors", {}),
    "bert pytorch bin": ("bert/bin", "pytorch", "bin", {}),
    "bert pytorch sharded": ("bert/sharded", "pytorch", "safetensors", {}),
    "bert pytorch half": ("bert/half", "pytorch", "safetensors", {"dtype": "float16"}),
    "bert pytorch bfloat16": ("bert/half", "pytorch", "safetensors", {"dtype": "bfloat16"}),
    "bert pytorch h5": ("bert/tf-h5", "pytorch", "tf-h5", {}),
    "bert pytorch from_tf": ("bert/tf-h5", "pytorch", "tf-h5", {"options": {"from_tf": True}}),
    "bert pytorch from_flax": ("bert/flax", "pytorch", "flax", {"options": {"from_flax": True}}),
    "bert tensorflow": ("bert/tf-h5", "tensorflow", "tf-h5", {}),
    "bert tensorflow safetensors": ("bert/safetensors", "tensorflow", "safetensors", {}),
    "bert tensorflow from_pt": ("bert/safetensors", "tensorflow", "safetensors", FROM_PT),
    "bert tensorflow bin": ("bert/bin", "tensorflow", "bin", {}),
    "bert tensorflow bin from_pt": ("bert/bin", "tensorflow", "bin", FROM_PT),
    "bert tensorflow float16": ("bert/tf-h5", "tensorflow", "tf-h5", {"dtype": "float16"}),
    "bert jax": ("bert/flax", "jax", "flax", {}),
    "bert jax bin": ("bert/bin", "jax", "bin", {}),
    "all pytorch safetensors": ("bert/all", "pytorch", "safetensors", {}),
    "all pytorch bin": ("bert/all", "pytorch", "bin", {}),
    "all tensorflow tf-h5": ("bert/all", "tensorflow", "tf-h5", {}),
    "all jax safetensors": ("bert/all", "jax", "safetensors", {}),
    "headless pytorch": ("headless/safetensors", "pytorch", "safetensors", {}),
    "headless tensorflow": ("headless/tf-h5", "tensorflow", "tf-h5", {}),
    "t5 pytorch": ("t5/safetensors", "pytorch", "safetensors", {}),
    "t5 tensorflow": ("t5/tf-h5", "tensorflow", "tf-h5", {}),
    "t5 jax": ("t5/safetensors", "jax", "safetensors", {}),
    "vit pytorch": ("vit/safetensors", "pytorch", "safetensors", {}),
    "vit tensorflow": ("vit/tf-h5", "tensorflow", "tf-h5", {}),
    "vit jax": ("vit/safetensors", "jax", "safetensors", {}),
    "resnet pytorch": ("resnet/safetensors", "pytorch", "safetensors", {}),
    "resnet tensorflow": ("resnet/tf-h5", "tensorflow", "tf-h5", {}),
    "resnet jax": ("resnet/safetensors", "jax", "safetensors", {}),
    "wav2vec2 pytorch": ("wav2vec2/safetensors", "pytorch", "safetensors", {}),
    "whisper pytorch": ("whisper/safetensors", "pytorch", "safetensors", {}),
    "whisper tensorflow": ("whisper/tf-h5", "tensorflow", "tf-h5", {}),
    "clip pytorch": ("clip/safetensors", "pytorch", "safetensors", {}),
    "cuda tensorflow": ("bert/tf-h5", "tensorflow", "tf-h5", {}),
    "cuda jax": ("bert/flax", "jax", "flax", {}),
}
"""Directory, framework, format and what the recipe says beyond its defaults, by name."""


PRELOAD = [
    "torch",
    "tensorflow",
    "jax",
    "flax",
    "transformers.modeling_utils",
    "transformers.modeling_tf_utils",
    "transformers.modeling_flax_utils",
]

TOLERANCE = 3e-4

REFUSED = {
    "bert pytorch h5": "Use `from_tf=True` to load this model from those weights",
    "bert tensorflow bin": "Use `from_pt=True` to load this model from those weights",
    "bert jax bin": "Use `from_pt=True` to load this model from those weights",
    "bert tensorflow safetensors": "TypeError: 'builtins.safe_open' object is not iterable",
    "bert pytorch from_tf": "NotImplementedError: Cannot copy out of meta tensor",
    "bert pytorch from_flax": "NotImplementedError: Cannot copy out of meta tensor",
    "t5 jax": "TypeError: clip() got an unexpected keyword argument 'a_max'",
    "cuda jax": "RuntimeError: Unknown backend cuda",
}
"""What fails in transformers 4.57.6 with what it says; the last but one is jax 0.10's doing."""

MISSING = {
    "headless pytorch": 2,
    "headless tensorflow": 2,
    "resnet jax": 12,
}
"""Loads that leave tensors random without an error, and how many: Flax finds no names of the
basic layers of a ResNet."""

PASSED = [
    name
    for name in CASES
    if name not in {*REFUSED, *MISSING, "cuda tensorflow"} and "16" not in name
]


@pytest.fixture(scope="module")
def said(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Seen]:
    """What the loader said of every case, all from one process that imported once."""
    python, out = framework_python("transformers-4"), tmp_path_factory.mktemp("tiny-hf")
    tiny_hf.write(python, out)
    works = {
        name: job(
            out / place,
            "transformers",
            framework,
            form,
            recipe={**AUTO, **more},
            device="cuda" if name.startswith("cuda") else "cpu",
        )
        for name, (place, framework, form, more) in CASES.items()
    }
    return drive_many(python, PRELOAD, works, {}, tmp_path_factory.mktemp("jobs"))[0]


@pytest.mark.parametrize("name", PASSED)
def test_a_file_that_the_library_wrote_passes(said: dict[str, Seen], name: str) -> None:
    seen = said[name]
    assert seen.result == ("passed", "check"), seen.log[-2000:]
    assert seen.checks["weights"]["status"] == "passed"
    assert seen.checks["device"]["status"] == "passed"
    family, framework, *_ = name.split()
    if family != "all" and framework != "pytorch":
        assert relative_rms(seen, said[f"{family} pytorch"]) < TOLERANCE


@pytest.mark.parametrize("name", REFUSED)
def test_what_this_release_cannot_do_is_told_in_its_words(said: dict[str, Seen], name: str) -> None:
    assert said[name].result == ("failed", "load"), said[name].final
    assert REFUSED[name] in said[name].final["message"]


@pytest.mark.parametrize("name", MISSING)
def test_what_stays_random_in_silence_never_passes(said: dict[str, Seen], name: str) -> None:
    seen = said[name]
    assert seen.final["message"].startswith("weights_missing: "), seen.final
    assert seen.checks["weights"]["numbers"]["missing"] == MISSING[name]
    assert seen.checks["output"]["status"] == "passed"


def test_tensorflow_falls_back_to_the_cpu_and_is_caught(said: dict[str, Seen]) -> None:
    assert said["cuda tensorflow"].final["message"].startswith("wrong_device: asked for cuda")


def test_half_precision_is_the_model_s_own_dtype(said: dict[str, Seen]) -> None:
    assert said["bert pytorch half"].facts["dtype"] == "float16"
    assert said["bert pytorch bfloat16"].facts["dtype"] == "bfloat16"
    for name in ("bert pytorch half", "bert pytorch bfloat16"):
        assert said[name].result == ("passed", "check")
        assert 0 < relative_rms(said[name], said["bert pytorch"]) < 2e-2
    assert said["bert tensorflow float16"].result == ("refused", "load")


def test_of_several_formats_the_one_asked_for_is_read(said: dict[str, Seen]) -> None:
    """No two files of that directory hold the same weights, so each answers otherwise."""
    names = [name for name in CASES if name.startswith("all ")]
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            apart = relative_rms(said[a], said[b])
            same = CASES[a][2] == CASES[b][2]
            assert apart < TOLERANCE if same else apart > 0.1, (a, b)


def test_processors_give_the_same_numbers_in_every_framework(said: dict[str, Seen]) -> None:
    told = {said[f"vit {name}"].facts["processed"] for name in ("pytorch", "tensorflow", "jax")}
    assert len(told) == 1
    assert set(json.loads(told.pop())) == {"fitting.pixel_values", "odd.pixel_values"}
    for name in ("vit pytorch", "vit tensorflow", "vit jax", "wav2vec2 pytorch"):
        check = said[name].checks["preprocessing"]
        assert check["status"] == "passed", check
        assert check["numbers"]["processed"] == 1
