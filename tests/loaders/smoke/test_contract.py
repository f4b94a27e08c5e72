"""One contract for every loader, over files that the real libraries wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import CELLS, Cell
from drive import Seen, relative_rms

pytestmark = pytest.mark.framework

TOLERANCE = 3e-4

Said = Callable[[str], tuple[dict[str, Seen], dict[str, dict[str, Any]]]]

each_loader = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)


def of(said: Said, cell: Cell, case: str) -> Seen:
    return said(cell.environment)[0][f"{cell.id}.{case}"]


@each_loader
def test_a_file_that_the_library_wrote_passes(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "works")
    assert seen.result == ("passed", "check"), seen.final
    assert seen.final["evidence_level"] == "pretrained"
    assert seen.exit_code == 0
    assert set(seen.checks) == {"weights", "device", "output", "fingerprint", "preprocessing"}
    assert seen.checks["device"]["status"] == seen.checks["output"]["status"] == "passed"
    expected = "not_applicable" if cell.loader == "onnx" else "passed"
    assert seen.checks["weights"]["status"] == expected
    assert seen.checks["preprocessing"]["status"] == expected
    stages = [event["stage"] for event in seen.all("stage_done")]
    assert stages == ["import", "load", "run", "check"]
    blob = seen.blobs / f"{seen.fingerprint['blob_sha256']}.npz"
    assert blob.is_file()


@each_loader
def test_a_corrupted_file_fails_at_load_with_the_librarys_words(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "truncated")
    assert seen.result == ("failed", "load"), seen.final
    (told,) = seen.all("exceptions")
    assert any(fact["message"] for fact in told["exceptions"])


@each_loader
def test_permuted_values_change_the_fingerprint(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "permuted")
    assert seen.result == ("passed", "check"), seen.final
    assert relative_rms(seen, of(said, cell, "works")) > 100 * TOLERANCE


@each_loader
def test_the_wrong_architecture_never_passes(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "wrong")
    assert seen.final["outcome"] == "failed", seen.final
    assert seen.final["stage"] in ("load", "check")


@each_loader
def test_nan_weights_fail_at_the_output_check(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "nan")
    assert seen.result == ("failed", "check"), seen.final
    assert seen.final["message"].startswith("nonfinite_output: ")
    (told,) = seen.all("exceptions")
    assert told["exceptions"][0]["type"] == "caniload.CheckFailed"


@each_loader
def test_a_device_that_is_not_there_is_no_silent_pass(said: Said, cell: Cell) -> None:
    seen = of(said, cell, "cuda")
    assert seen.final["outcome"] == "failed", seen.final
    assert seen.final["stage"] in ("load", "run", "check")


@pytest.mark.parametrize(
    "cell", [cell for cell in CELLS if cell.loader != "onnx"], ids=lambda cell: cell.id
)
@pytest.mark.parametrize("case", ["unrelated", "zeroed"])
def test_random_or_degenerate_weights_never_pass(said: Said, cell: Cell, case: str) -> None:
    seen = of(said, cell, case)
    assert seen.final["outcome"] == "failed", seen.final


def test_an_unrelated_tensor_leaves_a_random_model_that_is_caught(said: Said) -> None:
    seen = said("pytorch")[0]["transformers-pytorch.unrelated"]
    assert seen.final["message"].startswith("weights_random: none of ")


@pytest.mark.parametrize(
    ("environment", "name", "check", "code"),
    [
        ("pytorch", "transformers-pytorch.unrelated", "weights", "weights_random"),
        ("onnxruntime", "onnx-onnxruntime.cuda", "device", "wrong_device"),
        ("pytorch", "transformers-pytorch.nan", "output", "nonfinite_output"),
        ("tensorflow", "keras-hub-tensorflow.swapped", "preprocessing", "preprocessing_mismatch"),
    ],
)
def test_what_one_check_catches_passes_without_it(
    said: Said, environment: str, name: str, check: str, code: str
) -> None:
    """A check that caught nothing of its own would leave the second run failing too."""
    seen = said(environment)[0]
    assert seen[name].final["message"].startswith(f"{code}: ")
    assert seen[f"{name}-without-{check}"].result == ("passed", "check")


def test_without_fingerprints_permuted_values_cannot_be_told(said: Said) -> None:
    seen = said("pytorch")[0]
    assert seen["transformers-pytorch.permuted"].all("fingerprint")
    assert not seen["transformers-pytorch.permuted-without-fingerprint"].all("fingerprint")


def test_random_weights_are_evidence_of_the_architecture_alone(said: Said) -> None:
    seen = said("pytorch")[0]["random"]
    assert seen.result == ("passed", "check"), seen.final
    assert seen.final["evidence_level"] == "architecture"
    assert seen.checks["weights"]["status"] == "not_applicable"


def test_an_export_names_its_files_and_checks_weights_first(said: Said) -> None:
    seen = said("pytorch")[0]
    assert seen["export.works"].result == ("passed", "export"), seen["export.works"].log[-2000:]
    (exported,) = seen["export.works"].all("exported")
    assert "model.onnx" in [file["path"] for file in exported["files"]]
    assert seen["export.unrelated"].result == ("failed", "export")
    assert seen["export.unrelated"].final["message"].startswith("weights_random: ")


@each_loader
def test_real_minilm_against_transformers(said: Said, cell: Cell) -> None:
    reference = said("pytorch")[0]["transformers-pytorch.minilm"]
    seen = of(said, cell, "minilm")
    assert seen.result == ("passed", "check"), seen.final
    measured = relative_rms(seen, reference)
    if cell.loader == "keras-hub":
        assert 5e-4 < measured < 5e-3
        assert seen.checks["weights"]["numbers"]["matched"] == 103
    else:
        assert measured < TOLERANCE
    if cell.loader != "onnx":
        assert seen.numbers["parameters"] == 22_713_216


@each_loader
def test_the_printed_snippet_gives_the_same_numbers(said: Said, cell: Cell) -> None:
    from caniload.loaders.smoke.fingerprint import print_of

    reports, outputs = said(cell.environment)
    seen = reports[f"{cell.id}.minilm"]
    name, mine = snippet_print(cell, outputs[cell.id], seen)
    (theirs,) = [item for item in seen.fingerprint["outputs"] if item["name"] == name]
    found = print_of(mine, 20260101)
    assert found["shape"] == theirs["shape"]
    assert found["samples"] == pytest.approx(theirs["samples"], rel=1e-4, abs=1e-5)


def snippet_print(cell: Cell, output: dict[str, Any], seen: Seen) -> tuple[str, Any]:
    """Flatten what a snippet left in `output` as the worker flattens outputs."""
    from array import array

    from caniload.loaders.smoke.fingerprint import Flat, _zero_padding
    from caniload.loaders.specs import load_specs

    name = load_specs()[cell.loader].snippet_output
    flat = Flat(name, tuple(output["shape"]), "float32", array("d", output["values"]))
    _zero_padding(flat.values, flat.shape, [16, 12])
    return name, flat
