"""Hugging Face, through the real client: revisions, refusals, and only the files asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import faults
from loopback.huggingface import HuggingFace, Repository
from loopback.server import Server

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch import hf_files
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

FILES = {
    "README.md": b"# tiny",
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocab.txt": b"[PAD]",
    "modules.json": b"[]",
    "1_Pooling/config.json": b"{}",
    "2_Dense/config.json": b"{}",
    "2_Dense/model.safetensors": b"dense",
    "2_Dense/pytorch_model.bin": b"dense",
    "model.safetensors": b"weights" * 1000,
    "model.fp16.safetensors": b"half" * 1000,
    "pytorch_model.bin": b"pickle" * 1000,
    "training_args.bin": b"pickle",
    "tf_model.h5": b"hdf" * 1000,
    "flax_model.msgpack": b"flax" * 1000,
    "onnx/model.onnx": b"onnx" * 1000,
    "onnx/model_quantized.onnx": b"onnx",
    "openvino/openvino_model.bin": b"vino",
    "openvino/openvino_model.xml": b"<net/>",
    "picture.png": b"png",
}


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> HuggingFace:
    monkeypatch.setenv("HF_ENDPOINT", server.base + "/")
    made = HuggingFace(server)
    made.add(Repository("tiny/model", FILES, tags=["pytorch", "transformers", "tf"]))
    return made


def _asked_files(server: Server) -> set[str]:
    return {
        p.partition("/resolve/")[2].partition("/")[2] for p in server.paths() if "/resolve/" in p
    }


def test_a_branch_becomes_a_commit_and_a_commit_asks_nobody(
    hub: HuggingFace, server: Server, settings: Settings
) -> None:
    commit = hub.repositories["tiny/model"].commit
    assert fetch.resolve(parse("hf:tiny/model"), settings).revision == commit
    assert fetch.resolve(parse("hf:tiny/model@main#bin"), settings) == parse(
        f"hf:tiny/model@{commit}#bin"
    )
    asked = len(server.asked)
    assert fetch.resolve(parse(f"hf:tiny/model@{commit}"), settings).revision == commit
    assert len(server.asked) == asked


BESIDE = {"config.json", "tokenizer.json", "vocab.txt", "modules.json"}
MODULES = {"1_Pooling/config.json", "2_Dense/config.json"}


@pytest.mark.parametrize(
    ("tail", "weights"),
    [
        ("#safetensors", {"model.safetensors", "2_Dense/model.safetensors"}),
        ("#bin", {"pytorch_model.bin", "2_Dense/pytorch_model.bin"}),
        ("#safetensors:fp16", {"model.fp16.safetensors"}),
        ("#tf-h5", {"tf_model.h5"}),
        ("#flax", {"flax_model.msgpack"}),
        ("#onnx", {"onnx/model.onnx"}),
        ("#onnx:quantized", {"onnx/model_quantized.onnx"}),
    ],
)
def test_only_the_files_of_the_artefact_are_downloaded(
    hub: HuggingFace, server: Server, settings: Settings, tail: str, weights: set[str]
) -> None:
    got = fetch.fetch(parse(f"hf:tiny/model@main{tail}"), settings)
    assert {fact.path for fact in got.files} == weights | BESIDE | MODULES
    assert _asked_files(server) == weights | BESIDE | MODULES
    assert got.format == tail[1:].partition(":")[0]
    for path in weights | BESIDE:
        assert (Path(got.root) / path).read_bytes() == FILES[path]


def test_without_a_format_the_safest_is_taken_and_said(
    hub: HuggingFace, settings: Settings
) -> None:
    got = fetch.fetch(parse("hf:tiny/model"), settings)
    commit = hub.repositories["tiny/model"].commit
    assert got.format == "safetensors"
    assert got.handle == f"hf:tiny/model@{commit}#safetensors"
    with pytest.raises(
        HubError, match=r"no gguf files.*safetensors, bin, tf-h5, flax, onnx"
    ) as caught:
        fetch.fetch(parse("hf:tiny/model#gguf"), settings)
    assert caught.value.reason == "missing"


def test_a_subfolder_is_an_artefact_of_its_own(
    hub: HuggingFace, server: Server, settings: Settings
) -> None:
    got = fetch.fetch(parse("hf:tiny/model@main/onnx"), settings)
    assert [fact.path for fact in got.files] == ["model.onnx"]
    assert _asked_files(server) == {"onnx/model.onnx"}


def test_formats_are_those_that_loaders_read() -> None:
    preset = (
        *("assets/tokenizer/vocabulary.txt", "config.json", "metadata.json"),
        *("model.weights.h5", "task.json", "tokenizer.json"),
    )
    assert hf_files.formats(preset) == ("keras-preset",)
    assert hf_files.select(preset, "keras-preset") == preset
    for path, form in (
        ("tf_model-00001-of-00002.h5", "tf-h5"),
        ("flax_model-00001-of-00002.msgpack", "flax"),
        ("keras_model.h5", "h5"),
        ("model.keras", "keras"),
        ("model.pt2", "pt2"),
        ("traced.pt", "pt"),
    ):
        assert hf_files.formats([path]) == (form,), path
    assert hf_files.formats(["model.json", "group1-shard1of2.bin"]) == ()


def test_shards_and_pipelines() -> None:
    sharded = [
        "config.json",
        "consolidated.safetensors",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "original/model.safetensors",
        "pytorch_model.bin.index.json",
    ]
    assert hf_files.select(sharded, "safetensors") == (
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    )
    pipeline = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert hf_files.select(pipeline, "safetensors") == (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    )


def test_gated_missing_disabled_and_unknown_revisions_are_told_apart(
    hub: HuggingFace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(Repository("tiny/gated", FILES, gated=True, readers=("hf_reader",)))
    hub.add(Repository("tiny/private", FILES, private=True, readers=("hf_reader",)))
    hub.add(Repository("tiny/off", FILES, disabled=True))
    reasons = {}
    for name in ("gated", "private", "off", "nowhere", "model@nosuchtag"):
        with pytest.raises(HubError) as caught:
            fetch.fetch(parse(f"hf:tiny/{name}#safetensors"), settings)
        reasons[name] = (caught.value.reason, "HF_TOKEN" in str(caught.value))
    assert reasons == {
        "gated": ("gated", True),
        "private": ("missing", True),
        "off": ("disabled", False),
        "nowhere": ("missing", True),
        "model@nosuchtag": ("missing", False),
    }
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(HubError) as caught:
        fetch.fetch(parse("hf:tiny/gated#safetensors"), settings)
    assert caught.value.reason == "gated"
    assert "accept its terms" in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    for name in ("gated", "private"):
        assert fetch.fetch(parse(f"hf:tiny/{name}#safetensors"), settings).files


def test_a_renamed_repository_is_found_and_said(hub: HuggingFace, settings: Settings) -> None:
    hub.moved["old/name"] = "tiny/model"
    got = fetch.fetch(parse("hf:old/name#safetensors"), settings)
    assert "renamed to tiny/model" in got.resolved_by


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_is_respected_but_the_cache_serves(
    hub: HuggingFace, server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    commit = hub.repositories["tiny/model"].commit
    fetch.fetch(parse(f"hf:tiny/model@{commit}#safetensors"), settings)
    asked = len(server.asked)
    monkeypatch.setenv(name, "1")
    assert fetch.fetch(parse(f"hf:tiny/model@{commit}#safetensors"), settings).from_cache
    with pytest.raises(HubError, match=f"unset {name}") as caught:
        fetch.fetch(parse("hf:tiny/model"), settings)
    assert caught.value.reason == "offline"
    assert len(server.asked) == asked


def test_nothing_at_the_endpoint_is_unreachable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError) as caught:
        fetch.fetch(parse("hf:tiny/model"), settings)
    assert caught.value.reason == "unreachable"
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.hanging, "unreachable"),
        (faults.status(500), "server"),
        (faults.status(429, Retry_After="3600"), "throttled"),
        (faults.looping, "server"),
        (faults.instead(faults.PAGE), "server"),
        (faults.instead(b"[]", "application/json"), "server"),
    ],
)
def test_an_api_that_misbehaves_has_a_reason(
    hub: HuggingFace, server: Server, settings: Settings, fault: object, reason: str
) -> None:
    server.fail("/api/models", fault)  # type: ignore[arg-type]
    with pytest.raises(HubError) as caught:
        fetch.fetch(parse("hf:tiny/model"), settings)
    assert caught.value.reason == reason


def test_small_files_are_verified_by_their_git_hash(
    hub: HuggingFace, server: Server, settings: Settings
) -> None:
    server.fail("tokenizer.json", faults.instead(b"[]", "application/json"))
    with pytest.raises(ArtefactError, match="git hash"):
        fetch.fetch(parse("hf:tiny/model#safetensors"), settings)


def test_a_list_with_a_path_outside_is_refused(hub: HuggingFace, settings: Settings) -> None:
    hub.add(Repository("tiny/evil", {"../../evil.json": b"{}", "model.safetensors": b"x"}))
    with pytest.raises(ArtefactError, match="outside"):
        fetch.fetch(parse("hf:tiny/evil"), settings)


def test_claims_and_search(hub: HuggingFace, server: Server, settings: Settings) -> None:
    served = load_hubs()["hf"]
    says = {
        (claim.says, claim.framework) for claim in served.claims(parse("hf:tiny/model"), settings)
    }
    assert ("file list holds tf-h5", "tensorflow") in says
    assert ("tag pytorch", "pytorch") in says
    assert _asked_files(server) == set()
    assert [str(found.handle) for found in served.browse("model", settings)] == ["hf:tiny/model"]
    with pytest.raises(BadInputError):
        fetch.resolve(Handle("hf", "a/b/c"), settings)


def test_the_shared_cache_of_huggingface_is_not_touched(
    hub: HuggingFace, settings: Settings
) -> None:
    fetch.fetch(parse("hf:tiny/model"), settings)
    assert not Path(os.environ["HF_HOME"], "hub").exists()


def test_fetching_imports_no_framework(hub: HuggingFace) -> None:
    script = (
        "import sys; from caniload.handles import parse; from caniload.loaders import fetch;"
        "from caniload.settings import Settings;"
        "fetch.fetch(parse('hf:tiny/model'), Settings.read());"
        "print(sorted({'torch','tensorflow','jax','keras','numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
