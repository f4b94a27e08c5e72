"""The contract, and more, of the loaders on TensorFlow and Keras, over files of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tf_said
import tiny_tf
from drive import Seen, relative_rms
from tf_said import CELLS, Cell

pytestmark = pytest.mark.framework

TOLERANCE = 3e-4

Said = Callable[[str], tuple[dict[str, Seen], dict[str, dict[str, Any]]]]

each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)


@pytest.fixture(scope="session")
def said_tf(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Said:
    """Return, for an environment, what its loaders said of every file, and its snippets."""
    home = tmp_path_factory.mktemp("tiny-tf")
    pythons = {name: framework_python(name) for name in tiny_tf.ENVIRONMENTS.values()}
    tiny_tf.write(pythons, home)
    done: dict[str, tuple[dict[str, Seen], dict[str, dict[str, Any]]]] = {}

    def ask(environment: str) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
        if environment not in done:
            scratch = tmp_path_factory.mktemp(environment)
            done[environment] = tf_said.say(environment, home, scratch, framework_python)
        return done[environment]

    return ask


def of(said_tf: Said, cell: Cell, case: str) -> Seen:
    return said_tf(cell.environment)[0][f"{cell.id}.{case}"]


def message(seen: Seen) -> str:
    return str(seen.final["message"])


@each_cell
def test_a_file_that_the_library_wrote_passes(said_tf: Said, cell: Cell) -> None:
    seen = of(said_tf, cell, "works")
    assert seen.result == ("passed", "check"), seen.log[-2000:]
    assert seen.final["evidence_level"] == "pretrained"
    whole = cell.loader not in ("keras-file", "keras-applications")
    assert seen.checks["weights"]["status"] == ("not_applicable" if whole else "passed")
    assert seen.checks["device"]["status"] == "passed"


@each_cell
def test_a_corrupted_file_fails_at_load_with_the_librarys_words(said_tf: Said, cell: Cell) -> None:
    seen = of(said_tf, cell, "truncated")
    assert seen.result == ("failed", "load"), seen.final
    (told,) = seen.all("exceptions")
    assert any(fact["message"] for fact in told["exceptions"])


@each_cell
def test_nan_and_degenerate_weights_are_no_evidence(said_tf: Said, cell: Cell) -> None:
    assert message(of(said_tf, cell, "nan")).startswith("nonfinite_output: ")
    zero = of(said_tf, cell, "zero")
    assert zero.result == ("failed", "check")
    assert message(zero).startswith("degenerate_output: ")


@each_cell
def test_permuted_values_change_the_fingerprint(said_tf: Said, cell: Cell) -> None:
    seen = of(said_tf, cell, "permuted")
    assert seen.result == ("passed", "check"), seen.final
    assert relative_rms(seen, of(said_tf, cell, "works")) > 100 * TOLERANCE


@each_cell
def test_a_device_that_is_not_there_is_no_silent_pass(said_tf: Said, cell: Cell) -> None:
    seen = of(said_tf, cell, "cuda")
    assert seen.final["outcome"] == "failed", seen.final
    assert seen.final["stage"] in ("load", "run", "check")


@each_cell
def test_weights_that_are_not_the_files_are_caught(said_tf: Said, cell: Cell) -> None:
    """A Keras model that lost its weights; elsewhere a file that is not the one fetched."""
    code = "weights_missing" if cell.loader == "keras-file" else "weights_mismatch"
    seen = of(said_tf, cell, "swapped")
    assert seen.result == ("failed", "check")
    assert message(seen).startswith((f"{code}: ", "weights_random: ")), seen.final


@each_cell
def test_the_printed_snippet_gives_the_same_numbers(said_tf: Said, cell: Cell) -> None:
    reports, outputs = said_tf(cell.environment)
    printed_like_seen(outputs[cell.id], reports[f"{cell.id}.works"])


def printed_like_seen(output: dict[str, Any], seen: Seen) -> None:
    """A snippet's output is one of those that the worker fingerprinted."""
    from array import array

    from caniload.loaders.smoke.fingerprint import Flat, print_of

    flat = Flat("output", tuple(output["shape"]), "float32", array("d", output["values"]))
    found = print_of(flat, 20260101)
    near = pytest.approx(found["samples"], rel=1e-4, abs=1e-5)
    assert any(
        item["shape"] == found["shape"] and item["samples"] == near
        for item in seen.fingerprint["outputs"]
    )


def test_the_snippet_of_a_graph_that_hears_gives_it_the_same_wav(said_tf: Said) -> None:
    reports, outputs = said_tf("tensorflow")
    printed_like_seen(outputs["sound"], reports["sound"])


def test_formats_of_one_model_agree(said_tf: Said) -> None:
    two, three = said_tf("tf-keras")[0], said_tf("tensorflow")[0]
    native = two["keras-file-tf-keras-h5.works"]
    for other in (
        two["saved-model-tf-keras-saved-model.works"],
        two["tensorflow-hub-tf-keras-saved-model.works"],
        two["keras2-archive"],
        two["whole-gz"],
        two["misnamed"],
        two["layer2"],
        three["keras2-h5"],
        three["litert-tensorflow-tflite.works"],
        said_tf("litert")[0]["litert-litert-tflite.works"],
    ):
        assert other.result == ("passed", "check"), other.final
        assert apart(other, native) < 1e-5
    native = three["keras-file-tensorflow-keras.works"]
    jax, torch = said_tf("keras-jax")[0], said_tf("keras-torch")[0]
    for other in (jax["works"], torch["keras-file-keras-torch-h5.works"]):
        assert other.result == ("passed", "check"), other.final
        assert relative_rms(other, native) < 1e-5


def apart(seen: Seen, reference: Seen) -> float:
    """Compare single outputs, whatever their names."""
    import math

    ((a,), (b,)) = seen.fingerprint["outputs"], reference.fingerprint["outputs"]
    assert a["shape"] == b["shape"]
    return math.dist(a["samples"], b["samples"]) / math.hypot(*b["samples"])


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ("tf-keras", "compiled stateful embedding open several texts texts-saved layer2-plain"),
        ("tensorflow", "uncompiled stateful embedding open several texts application"),
        ("tensorflow", "plain one two-chosen counts strings tf1-as-tf2 tf1-saved sound photo"),
        ("keras-torch", "several application"),
        ("litert", "small int8-1 int8-255"),
    ],
)
def test_files_of_other_kinds_pass(said_tf: Said, environment: str, names: str) -> None:
    seen = said_tf(environment)[0]
    assert {
        name: seen[name].final for name in names.split() if seen[name].final["outcome"] != "passed"
    } == {}


def test_inputs_follow_what_the_model_does_with_them(said_tf: Said) -> None:
    seen = said_tf("tensorflow")[0]
    assert [item["shape"] for item in seen["several"].fingerprint["outputs"]] == [[1, 2], [1, 1]]
    assert seen["plain"].facts["called"] == "__call__"
    assert seen["one"].facts["called"] == "score"
    assert seen["tf1-saved"].facts["called"] == "serving_default"
    graph = seen["tf1-graph-tensorflow-tf1-graph.works"]
    assert [item["name"] for item in graph.fingerprint["outputs"]] == ["means", "tops"]
    assert seen["application"].checks["weights"]["status"] == "passed"
    assert seen["application-random"].checks["weights"]["status"] == "not_applicable"


def test_quantised_files_are_asked_the_same_and_keep_their_dtype(said_tf: Said) -> None:
    seen = said_tf("litert")[0]
    (found,) = seen["int8-1"].fingerprint["outputs"]
    assert found["dtype"] == "int8"
    assert 1e-6 < apart(seen["int8-1"], seen["small"]) < 0.05
    assert apart(seen["int8-255"], seen["small"]) < 0.15  # its picture is 0 to 255
    assert seen["small"].facts["quantised"] == "no"


@pytest.mark.parametrize(
    ("environment", "name", "outcome", "words"),
    [
        ("tf-keras", "lambda.h5", "refused", "Lambda"),
        ("tf-keras", "lambda.keras", "refused", "Lambda"),
        ("tensorflow", "lambda.h5", "refused", "Lambda"),
        ("tensorflow", "lambda.keras", "refused", "Lambda"),
        ("tensorflow", "evil", "refused", "WriteFile"),
        ("tensorflow", "writes", "refused", "WriteFile"),
        ("tf-keras", "bz2", "loads_only", "8 tensors, 143 parameters"),
        ("tf-keras", "gz", "loads_only", "8 tensors, 143 parameters"),
        ("tensorflow", "alone", "loads_only", "8 tensors, 143 parameters"),
        ("tensorflow", "untraced", "loads_only", "no traced function"),
        ("tensorflow", "two", "failed", "which of length, score"),
        ("tf-keras", "wrong-h5", "failed", ""),
        ("tensorflow", "wrong-h5", "failed", ""),
        ("tf-keras", "keras3-file", "failed", "batch_shape"),
        ("tf-keras", "layer3", "failed", "Only instances of `keras.Layer`"),
        ("tensorflow", "keras2-saved", "failed", "add_slot"),
        ("tensorflow", "depthwise", "failed", "groups"),
        ("keras-jax", "texts", "failed", "no texts as inputs"),
        ("tensorflow", "flex", "failed", "Select TensorFlow op"),
        ("litert", "flex", "failed", "Select TensorFlow op"),
    ],
)
def test_what_does_not_work_says_why(
    said_tf: Said, environment: str, name: str, outcome: str, words: str
) -> None:
    seen = said_tf(environment)[0][name]
    assert seen.final["outcome"] == outcome, seen.final
    told = " ".join(
        item["message"] for all_ in seen.all("exceptions") for item in all_["exceptions"]
    )
    assert words in told


@pytest.mark.parametrize("environment", ["tf-keras", "tensorflow"])
def test_a_lambda_runs_when_it_is_allowed_and_the_record_says_so(
    said_tf: Said, environment: str
) -> None:
    seen = said_tf(environment)[0]["lambda-allowed"]
    assert seen.result == ("passed", "check"), seen.final
    assert "Lambda" in seen.facts["code_needed"]
