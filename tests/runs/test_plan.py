"""Plans: which trials follow from an entry, from recognised formats, and from what is installed."""

from __future__ import annotations

import pytest

from caniload.errors import BadInputError, UnknownNameError
from caniload.handles import parse
from caniload.loaders.specs import load_specs
from caniload.runs import plan
from caniload.runs.environments import specs
from caniload.runs.plan import Wish
from caniload.runs.targets import find_model
from caniload.settings import Settings

HANDLE = parse("file:model@sha256-" + "a" * 64 + "#safetensors")


def names(trials: list[plan.Trial]) -> list[tuple[str, str, str | None, str | None]]:
    return [(t.loader, t.framework, t.environment, t.export_format) for t in trials]


def test_an_entry_s_attempts_are_all_planned_exports_first(settings: Settings) -> None:
    model = find_model("MiniLM", settings)
    assert model is not None
    trials = plan.of_model(model, Wish())
    assert names(trials)[0] == ("transformers", "pytorch", "pytorch", "onnx")
    assert set(names(trials)[1:]) == {
        ("transformers", "pytorch", "pytorch", None),
        ("sentence-transformers", "pytorch", "pytorch", None),
        ("keras-hub", "tensorflow", "tensorflow", None),
        ("keras-hub", "pytorch", "keras-torch", None),
        ("keras-hub", "jax", "keras-jax", None),
        ("transformers", "tensorflow", "tensorflow", None),
        ("onnx", "onnxruntime", "onnxruntime", None),
        *(
            ("transformers", framework, environment, None)
            for framework in ("pytorch", "tensorflow", "jax")
            for environment in ("transformers-4", "transformers-4-49")
        ),
    }
    assert {trial.sha256 for trial in trials} == {
        model.sources[0].pin and model.sources[0].pin.sha256
    }
    derived = trials[-1]
    assert derived.parent is trials[0] or derived.parent == trials[0]
    assert derived.handle.variant == "transformers-pytorch"


def test_narrowing_keeps_the_export_that_a_trial_reads(settings: Settings) -> None:
    model = find_model("minilm", settings)
    assert model is not None
    onnx = plan.of_model(model, Wish(framework="onnxruntime"))
    assert names(onnx) == [
        ("transformers", "pytorch", "pytorch", "onnx"),
        ("onnx", "onnxruntime", "onnxruntime", None),
    ]
    with pytest.raises(BadInputError, match="transformers in tensorflow"):
        plan.of_model(model, Wish(framework="jax", loader="onnx"))


def test_recognised_loaders_alone_are_tried_unless_another_is_named(settings: Settings) -> None:
    environments = specs(settings).values()

    def tried(wish: Wish) -> set[str]:
        found = plan.of_artefact(
            HANDLE, ["safetensors"], load_specs(), environments, wish, loaders=["transformers"]
        )
        return {trial.loader for trial in found}

    assert tried(Wish()) == {"transformers"}
    assert tried(Wish(loader="keras-hub")) == {"keras-hub"}


def test_the_user_s_python_decides_the_frameworks(settings: Settings) -> None:
    environments = specs(settings).values()

    def tried(installed: list[str], wish: Wish) -> list[tuple[str, str, str | None, str | None]]:
        return names(
            plan.of_artefact(
                HANDLE, ["safetensors"], load_specs(), environments, wish, installed=installed
            )
        )

    assert tried(["torch", "transformers"], Wish()) == [("transformers", "pytorch", None, None)]
    assert ("transformers", "tensorflow", None, None) in tried([], Wish(framework="tensorflow"))
    with pytest.raises(BadInputError, match=r"install one of: .*transformers and torch"):
        tried([], Wish())


def test_what_nobody_reads_or_exports_is_said(settings: Settings) -> None:
    environments = list(specs(settings).values())
    with pytest.raises(BadInputError, match="no loader reads"):
        plan.of_artefact(HANDLE, ["gguf"], load_specs(), environments, Wish())
    trials = plan.of_artefact(
        HANDLE, ["safetensors"], load_specs(), environments, Wish(), loaders=["transformers"]
    )
    with pytest.raises(BadInputError, match="nothing here exports to 'coreml'"):
        plan.with_exports(trials, load_specs(), environments, Wish(exports=("coreml",)))
    onnx = plan.with_exports(trials, load_specs(), environments, Wish(exports=("onnx",)))
    added = [trial for trial in onnx if trial not in trials]
    assert names(added) == [
        ("transformers", "pytorch", "pytorch", "onnx"),
        ("onnx", "onnxruntime", "onnxruntime", None),
    ]


def test_unknown_words_name_the_near_ones() -> None:
    for wish in (Wish(framework="torhc"), Wish(loader="keras-hubb")):
        with pytest.raises(UnknownNameError):
            plan.check_names(wish, load_specs())
