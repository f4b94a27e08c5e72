"""Which cell is the reference, and what is compared with what."""

from __future__ import annotations

import pytest

from caniload.records import Recipe
from caniload.words import Verdict

LONELY = f"hf:tiny/lonely@{'b' * 40}#safetensors"
BASE = tuple(1.0 + 0.01 * index for index in range(64))


@pytest.fixture
def told(evidence, verdicts):
    """Return a function from observations to (verdict, reference) by loader."""

    def ask(*described):
        evidence.run(*described)
        return {(c.loader, c.handle.partition("@")[0]): c for c in verdicts() if c.observation_id}

    return ask


def lonely(loader, **more):
    return {"outcome": "passed", "model": "lonely", "handle": LONELY, "loader": loader, **more}


def test_without_a_native_loader_two_that_agree_are_the_reference(told):
    cells = told(lonely("timm", off_by=0.1), lonely("torchvision"), lonely("onnx", off_by=1e-5))
    by = {loader: cell for (loader, _), cell in cells.items()}
    assert by["torchvision"].is_reference
    assert (by["onnx"].verdict, by["onnx"].reference) == (Verdict.WORKS, "agreement")
    assert by["timm"].verdict is Verdict.DIFFERS
    assert by["timm"].relative_rms == pytest.approx(0.1)


def test_two_that_disagree_have_no_reference(told):
    cells = told(lonely("timm", off_by=0.1), lonely("torchvision"))
    assert {(c.verdict, c.unreferenced) for c in cells.values()} == {(Verdict.WORKS, True)}


def test_one_implementation_in_two_loaders_is_not_two(told):
    cells = told(lonely("transformers"), lonely("sentence-transformers"))
    assert all(cell.unreferenced for cell in cells.values())


def test_an_export_is_held_against_its_original_and_is_not_independent_of_it(
    told, evidence, verdicts
):
    run = evidence.run(
        lonely("timm"), lonely("timm", kind="export", export_format="onnx", stage="export")
    )
    derived = LONELY.replace("#safetensors", "#onnx:timm-pytorch")
    more = {"handle": derived, "parent_observation": f"{run}-0001"}
    cells = told(lonely("onnx", **more, off_by=1e-5), lonely("litert", **more, off_by=0.1))
    by = {loader: cell for (loader, _), cell in cells.items()}
    assert by["timm"].unreferenced
    assert (by["onnx"].verdict, by["onnx"].reference) == (Verdict.WORKS, "original")
    assert by["litert"].verdict is Verdict.DIFFERS
    assert by["litert"].relative_rms == pytest.approx(0.1)


def test_a_derived_artefact_is_compared_under_its_parents_source(told, evidence, verdicts):
    run = evidence.run(
        {"outcome": "passed"},
        {"outcome": "passed", "kind": "export", "export_format": "onnx", "stage": "export"},
    )
    again = evidence.run(
        {
            "outcome": "passed",
            "handle": "file:/made@sha256-1#onnx",
            "parent_observation": f"{run}-0001",
            "kind": "export",
            "export_format": "onnx",
            "loader": "simplifier",
        }
    )
    cells = told(
        {
            "outcome": "passed",
            "model": None,
            "handle": "file:/plain@sha256-2#onnx",
            "parent_observation": f"{again}-0000",
            "loader": "onnx",
            "off_by": 0.01,
        }
    )
    cell = cells["onnx", "file:/plain"]
    assert (cell.source, cell.model) == ("hf:tiny/bert", "tiny-bert")
    assert (cell.verdict, cell.reference_loader) == (Verdict.DIFFERS, "transformers")


def test_only_one_recipe_is_compared(told):
    cells = told(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "onnx", "off_by": 0.5, "recipe": Recipe(seed=7)},
    )
    assert cells["onnx", "hf:tiny/bert"].unreferenced


def test_another_revision_is_not_compared(told):
    other = f"hf:tiny/bert@{'c' * 40}#safetensors"
    cells = told(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "onnx", "off_by": 0.5, "handle": other},
    )
    assert cells["onnx", "hf:tiny/bert"].unreferenced


def test_a_changed_file_differs_from_what_it_was(told):
    """Permuted values in a file of one path, with the native loader and without an entry."""
    same = {"facts": {"same_weights": "file:/good@sha256-1"}, "model": None}
    cells = told(
        {"outcome": "passed", "handle": "file:/good@sha256-1", **same},
        {
            "outcome": "passed",
            "handle": "file:/bad@sha256-2",
            "outputs": {"last_hidden_state": BASE[::-1]},
            **same,
        },
    )
    assert cells["transformers", "file:/good"].is_reference
    bad = cells["transformers", "file:/bad"]
    assert (bad.verdict, bad.reference) == (Verdict.DIFFERS, "same weights")


def test_sources_that_an_entry_declares_the_same_are_compared(told):
    handles = [f"hf:tiny/bert-{letter}@{'d' * 40}#safetensors" for letter in "ab"]
    cells = told(
        {"outcome": "passed", "handle": handles[1], "off_by": 0.02},
        {"outcome": "passed", "handle": handles[0]},
    )
    assert cells["transformers", "hf:tiny/bert-a"].is_reference
    other = cells["transformers", "hf:tiny/bert-b"]
    assert (other.verdict, other.reference) == (Verdict.DIFFERS, "native")


def test_a_quantised_artefact_has_the_entrys_tolerance_or_none(told):
    gguf = f"hf:tiny/bert@{'a' * 40}#gguf:q4"
    int8 = f"hf:tiny/bert@{'a' * 40}#onnx:int8"
    cells = told(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "gguf", "handle": gguf, "off_by": 0.04},
        {"outcome": "passed", "loader": "onnx", "handle": int8, "off_by": 0.04},
    )
    own, none = cells["gguf", "hf:tiny/bert"], cells["onnx", "hf:tiny/bert"]
    assert (own.verdict, own.tolerance) == (Verdict.WORKS, 0.05)
    assert (none.verdict, none.tolerance, none.note) == (
        Verdict.WORKS,
        None,
        "no tolerance is set",
    )
    assert none.relative_rms == pytest.approx(0.04)


def test_a_source_of_an_entry_belongs_to_it_though_run_by_handle(told):
    cells = told({"outcome": "passed", "model": None})
    assert cells["transformers", "hf:tiny/bert"].model == "tiny-bert"
