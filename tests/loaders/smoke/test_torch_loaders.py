"""PyTorch's own files, hub repositories, torchvision and timm: what their loaders say of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_torch
from drive import RECIPE, Seen, drive_many, job, relative_rms

from caniload.loaders.smoke.fingerprint import print_of
from caniload.loaders.specs import load_specs

pytestmark = pytest.mark.framework

TOLERANCE = 3e-4
CUT = ("conv.jit", "state.pth", "conv.pt2")
AUTO = {**RECIPE, "name": "auto", "inputs": {"kind": "auto"}}
CODE = {**AUTO, "allow_code": True}
RANDOM = {**AUTO, "weights": "random"}

Said = tuple[dict[str, Seen], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def files(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("torch-files")
    tiny_torch.write(framework_python("pytorch"), out)
    for name in CUT:
        data = (out / name).read_bytes()
        (out / f"truncated-{name}").write_bytes(data[: len(data) // 2])
    return out


def made(files: Path, loader: str, name: str, **more: Any) -> dict[str, Any]:
    forms = {"torchscript": "torchscript", "torch-export": "pt2", "torch-file": "pt"}
    given = {"recipe": AUTO, **more}
    return job(files / name, loader, "pytorch", forms.get(loader, loader), **given)


def exporting(files: Path, loader: str, name: str, form: str, to: Path) -> dict[str, Any]:
    more = {"action": "export", "export_format": form, "export_to": str(to)}
    return made(files, loader, name, recipe=CODE, **more)


@pytest.fixture(scope="module")
def said(
    framework_python: Callable[[str], Path],
    files: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Said:
    works: dict[str, dict[str, Any]] = {
        path.name: made(files, "torchscript", path.name) for path in files.glob("*.jit")
    }
    works["cuda"] = made(files, "torchscript", "conv.jit", device="cuda")
    works["random"] = made(files, "torchscript", "conv.jit", recipe=RANDOM)
    adapter = {"x": {"kind": "noise", "shape": [2, 3]}}
    works["bare-adapter"] = made(files, "torchscript", "bare.jit", hints={"inputs": adapter})
    for path in files.glob("*.pth"):
        works[path.name] = made(files, "torch-file", path.name)
    works["module-allowed"] = made(files, "torch-file", "module.pth", recipe=CODE)
    works["file.conv.jit"] = made(files, "torch-file", "conv.jit")
    for path in files.glob("*.pt2"):
        works[path.name] = made(files, "torch-export", path.name, recipe=CODE)
    for path in (path for path in files.glob("hub-*") if path.is_dir()):
        works[path.name] = made(files, "torch-hub", path.name, recipe=CODE)
    works["hub-random"] = made(files, "torch-hub", "hub-net", recipe={**CODE, "weights": "random"})
    exports = tmp_path_factory.mktemp("torch-exports")
    for form in ("onnx", "torchscript", "pt2"):
        to = exports / form
        works[f"export.{form}"] = exporting(files, "torch-hub", "hub-net", form, to)
    weights = os.environ.get("CANILOAD_TEST_WEIGHTS")
    if weights:
        real = Path(weights)
        for name in ("captum/cifar_torchvision.pt", "captum/titanic_model.pt",
                     "crepe-tiny/tiny.pth", "ultraface/version-RFB-320.pth"):  # fmt: skip
            works[name] = made(real, "torch-file", name)
        mapped = {**AUTO, "options": {"map_location": "cpu"}}
        face = "ultraface/version-RFB-320.pth"
        works["mapped"] = made(real, "torch-file", face, recipe=mapped)
        vad = "silero-vad/silero_vad.jit"
        inputs = {"x": {"kind": "audio", "shape": [1, 512]}, "sr": {"value": 16000}}
        works[vad] = made(real, "torchscript", vad, hints={"inputs": inputs})
        works[f"file.{vad}"] = made(real, "torch-file", vad)
        old = "silero-vad-2020/model.jit"
        works[old] = made(real, "torchscript", old)
        voice = {"x": {"kind": "audio", "shape": [1, 4000]}}
        works[f"adapter.{old}"] = made(real, "torchscript", old, hints={"inputs": voice})
    python = framework_python("pytorch")
    scratch = tmp_path_factory.mktemp("torch-driven")
    seen, _ = drive_many(python, ["torch"], works, {}, scratch)
    snippets = {}
    for loader, name in SNIPPETS:
        facts = {**seen[name].facts, "path": str(files / name)}
        snippets[name] = load_specs()[loader].snippet(facts, "pytorch", {})
    shown = tmp_path_factory.mktemp("torch-snippets")
    works = {
        "again.torchscript": made(exports, "torchscript", "torchscript"),
        "again.pt2": made(exports, "torch-export", "pt2", recipe=CODE),
    }
    again, outputs = drive_many(python, ["torch"], works, snippets, shown)
    return {**seen, **again}, outputs


SNIPPETS = (
    ("torchscript", "conv.jit"),
    ("torchscript", "words.jit"),
    ("torchscript", "half.jit"),
    ("torch-export", "conv.pt2"),
    ("torch-hub", "hub-net"),
    ("torch-hub", "hub-speech"),
)

SHAPES = {
    "conv.jit": {"x": [1, 3, 224, 224]},
    "frozen.jit": {"x": [1, 3, 224, 224]},
    "digits.jit": {"x": [1, 1, 28, 28]},
    "words.jit": {"ids": [1, 16]},
    "numbers.jit": {"x": [1, 7]},
    "half.jit": {"x": [1, 7]},
    "sound.jit": {"wave": [1, 16000]},
    "recurrent.jit": {"x": [1, 16, 6]},
    "forgetless.jit": {"x": [1, 16, 6]},
    "two.jit": {"picture": [1, 3, 224, 224], "ids": [1, 16], "scale": None},
    "conv.pt2": {"x": [2, 3, 16, 16]},
    "ids.pt2": {"x": [1, 7], "ids": [1, 3]},
    "hub-net": {"x": [1, 7]},
    "hub-speech": {"wave": [1, 16000]},
    "module-allowed": {"input": [1, 7]},
}
"""What each model is found to take, by the weights that its inputs meet."""


@pytest.mark.parametrize("name", SHAPES)
def test_a_file_that_the_library_wrote_works_on_inputs_that_fit_it(said: Said, name: str) -> None:
    seen = said[0][name]
    assert seen.result == ("passed", "check"), seen.final
    assert seen.final["evidence_level"] == "pretrained"
    used = json.loads(seen.facts["inputs"])
    assert {key: spec.get("shape") for key, spec in used.items()} == SHAPES[name]
    assert seen.checks["device"]["status"] == seen.checks["output"]["status"] == "passed"
    expected = "passed" if name.startswith("hub-") else "not_applicable"
    assert seen.checks["weights"]["status"] == expected


def test_what_a_model_returns_keeps_its_names(said: Said) -> None:
    names = [item["name"] for item in said[0]["two.jit"].fingerprint["outputs"]]
    assert names == ["both", "picture"]


def test_a_model_of_which_nothing_is_known_asks_for_an_adapter_and_runs_with_one(
    said: Said,
) -> None:
    seen = said[0]["bare.jit"]
    assert seen.result == ("failed", "run")
    assert seen.all("exceptions")[0]["exceptions"][0]["type"] == "caniload.NeedsInputs"
    assert "give --inputs" in seen.final["message"]
    assert said[0]["bare-adapter"].result == ("passed", "check")


@pytest.mark.parametrize(
    "name", ["truncated-conv.jit", "truncated-state.pth", "truncated-conv.pt2"]
)
def test_a_file_cut_short_fails_at_load_with_the_librarys_words(said: Said, name: str) -> None:
    seen = said[0][name]
    assert seen.result == ("failed", "load"), seen.final
    assert seen.all("exceptions")[0]["exceptions"][0]["message"]


def test_broken_numbers_absent_devices_and_random_weights_never_pass(said: Said) -> None:
    seen = said[0]
    assert seen["nan.jit"].final["message"].startswith("nonfinite_output: ")
    assert seen["zeroed.jit"].final["message"].startswith("degenerate_output: ")
    assert seen["cuda"].final["outcome"] == "failed"
    assert seen["random"].result == ("refused", "load")
    assert seen["hub-random"].final["evidence_level"] == "architecture"
    fresh = seen["hub-fresh"]
    assert fresh.result == ("failed", "check")
    assert fresh.final["message"].startswith("weights_")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("state.pth", "a state dict of 9 tensors, 154 parameters"),
        ("legacy.pth", "a state dict of 9 tensors, 154 parameters"),
        ("checkpoint.pth", "a checkpoint of 27 tensors"),
        ("empty.pth", "without a tensor"),
    ],
)
def test_weights_without_a_model_load_only_and_are_counted(
    said: Said, name: str, words: str
) -> None:
    seen = said[0][name]
    assert seen.result == ("loads_only", "load"), seen.final
    assert words in seen.final["message"]


def test_a_pickled_module_is_code_and_torchscript_is_no_file_for_torch_load(said: Said) -> None:
    seen = said[0]
    assert seen["module.pth"].result == ("refused", "load")
    assert "torch.nn.modules.container.Sequential" in seen["module.pth"].final["message"]
    assert "torch.nn.modules.container.Sequential" in seen["module-allowed"].facts["code_needed"]
    assert seen["file.conv.jit"].result == ("failed", "load")
    assert "TorchScript archives" in seen["file.conv.jit"].final["message"]


def test_a_hub_entry_says_what_it_lacks(said: Said) -> None:
    seen = said[0]
    assert seen["hub-net"].facts["call"] == "'net', pretrained=True"
    assert "net-tiny.pth" in seen["hub-net"].checks["weights"]["detail"]
    lacking = seen["hub-lacking"]
    assert lacking.result == ("failed", "load")
    assert "not_there_at_all is not installed" in lacking.final["message"]
    offline = seen["hub-offline"]
    assert offline.result == ("failed", "load")
    assert "http://127.0.0.1:9/net-tiny.pth" in offline.final["message"]
    types = [item["type"] for item in offline.all("exceptions")[0]["exceptions"]]
    assert types[:2] == ["caniload.NeedsNetwork", "urllib.error.URLError"]
    assert seen["hub-words"].result == ("loads_only", "load")


def test_exports_give_what_they_were_made_of(said: Said) -> None:
    seen = said[0]
    for form in ("onnx", "torchscript", "pt2"):
        assert seen[f"export.{form}"].result == ("passed", "export"), seen[f"export.{form}"].final
    for name in ("again.torchscript", "again.pt2"):
        assert seen[name].result == ("passed", "check"), (name, seen[name].final)
        assert relative_rms(seen[name], seen["hub-net"]) < TOLERANCE


@pytest.mark.parametrize(("loader", "name"), SNIPPETS)
def test_the_printed_snippet_gives_the_same_numbers(said: Said, loader: str, name: str) -> None:
    same_numbers(said[0][name], said[1][name])


def same_numbers(seen: Seen, output: dict[str, Any]) -> None:
    from array import array

    from caniload.loaders.smoke.fingerprint import Flat

    (theirs,) = seen.fingerprint["outputs"]
    flat = Flat("output", tuple(output["shape"]), "float32", array("d", output["values"]))
    found = print_of(flat, RECIPE["seed"])
    assert found["shape"] == theirs["shape"]
    assert found["samples"] == pytest.approx(theirs["samples"], rel=1e-4, abs=1e-5)


@pytest.mark.skipif(not os.environ.get("CANILOAD_TEST_WEIGHTS"), reason="no real weights here")
def test_real_files_say_what_was_seen_of_them(said: Said) -> None:
    seen = said[0]
    for name, words in (
        ("captum/cifar_torchvision.pt", "10 tensors"),
        ("captum/titanic_model.pt", "6 tensors"),
        ("crepe-tiny/tiny.pth", "44 tensors, 487,102 parameters"),
        ("mapped", "tensors"),
    ):
        assert seen[name].final["outcome"] == "loads_only", seen[name].final
        assert words in seen[name].final["message"]
    saved_on_a_gpu = seen["ultraface/version-RFB-320.pth"]
    assert saved_on_a_gpu.result == ("failed", "load")
    assert "map_location" in saved_on_a_gpu.final["message"]
    vad = "silero-vad/silero_vad.jit"
    assert seen[vad].result == ("passed", "check"), seen[vad].final
    assert "TorchScript archives" in seen[f"file.{vad}"].final["message"]
    for old in ("silero-vad-2020/model.jit", "adapter.silero-vad-2020/model.jit"):
        assert seen[old].result == ("failed", "run"), seen[old].final
        assert "return_complex" in json.dumps(seen[old].all("exceptions"))


@pytest.fixture(scope="module")
def vision(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Said:
    python = framework_python("vision")
    out = tmp_path_factory.mktemp("vision-files")
    tiny_torch.write_vision(python, out)
    exports = tmp_path_factory.mktemp("vision-exports")
    forms = {"torchvision": "torchvision", "timm": "safetensors", "timm-bin": "bin"}
    works = {
        name: job(out / name, name.partition("-")[0], "pytorch", form, recipe=AUTO)
        for name, form in forms.items()
    }
    for name in ("torchvision", "timm"):
        architecture = {"torchvision": "mobilenet_v3_small", "timm": "resnet10t"}[name]
        named = job(out, name, "pytorch", None, recipe=RANDOM, architecture=architecture)
        works[f"{name}.random"] = {**named, "artefact": None}
        works[f"{name}.export"] = {
            **works[name],
            "action": "export",
            "export_format": "torchscript",
            "export_to": str(exports / name),
        }
    swapped = out / "timm-swapped"
    swapped.mkdir()
    text = (out / "timm" / "config.json").read_text()
    (swapped / "config.json").write_text(text.replace("resnet10t", "resnet14t"))
    data = (out / "timm" / "model.safetensors").read_bytes()
    (swapped / "model.safetensors").write_bytes(data)
    works["timm.other"] = job(swapped, "timm", "pytorch", "safetensors", recipe=AUTO)
    climb = {**RANDOM, "options": {"ascent": 3}}
    deep = job(out, "timm", "pytorch", None, recipe=climb, architecture="resnet10t")
    works["deepdream"] = {**deep, "artefact": None, "hints": {"layers": ["layer2", "layer3"]}}
    seen, _ = drive_many(
        python, ["torch", "torchvision", "timm"], works, {}, tmp_path_factory.mktemp("vision")
    )
    snippets = {
        name: load_specs()[name].snippet(
            {**seen[name].facts, "path": str(out / name)}, "pytorch", {}
        )
        for name in ("torchvision", "timm")
    }
    shown = tmp_path_factory.mktemp("vision-snippets")
    derived = {
        f"{name}.again": job(exports / name, "torchscript", "pytorch", "torchscript", recipe=AUTO)
        for name in ("torchvision", "timm")
    }
    again, outputs = drive_many(python, ["torch", "torchvision", "timm"], derived, snippets, shown)
    return {**seen, **again}, outputs


@pytest.mark.parametrize("name", ["torchvision", "timm", "timm-bin"])
def test_vision_models_hold_the_weights_of_their_files(vision: Said, name: str) -> None:
    seen = vision[0][name]
    assert seen.result == ("passed", "check"), (seen.final, seen.log[-2000:])
    assert seen.final["evidence_level"] == "pretrained"
    assert seen.checks["weights"]["status"] == "passed"
    assert "by name, shape and bytes" in seen.checks["weights"]["detail"]


@pytest.mark.parametrize("name", ["torchvision", "timm"])
def test_vision_exports_agree_and_snippets_give_the_numbers(vision: Said, name: str) -> None:
    seen, outputs = vision
    assert seen[f"{name}.export"].result == ("passed", "export"), seen[f"{name}.export"].final
    assert seen[f"{name}.again"].result == ("passed", "check"), seen[f"{name}.again"].final
    assert relative_rms(seen[f"{name}.again"], seen[name]) < TOLERANCE
    same_numbers(seen[name], outputs[name])


def test_another_architectures_weights_never_pass(vision: Said) -> None:
    assert vision[0]["timm.other"].final["outcome"] == "failed"


def test_architectures_by_name_are_evidence_of_the_architecture_alone(vision: Said) -> None:
    for name in ("torchvision.random", "timm.random"):
        seen = vision[0][name]
        degenerate = seen.final["message"].startswith("degenerate_output: ")
        assert degenerate or seen.final["evidence_level"] == "architecture", seen.final
    seen = vision[0]["deepdream"]
    assert seen.result == ("passed", "check"), seen.final
    assert seen.final["evidence_level"] == "architecture"
