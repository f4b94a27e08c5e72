"""DESIGN's verdict table, row by row, over real records in real segments."""

from __future__ import annotations

import pytest

from caniload.catalog import publishing, questions
from caniload.catalog.store import open_store
from caniload.records import Recipe
from caniload.words import Verdict

pytestmark = pytest.mark.slow

MODEL = ("ValueError", "it cannot be loaded because incompatible")
ODD = ("RuntimeError", "nobody knows why at 0x7f00")


@pytest.fixture(params=["newer", "published"])
def one(request, evidence, home, verdicts):
    """Return the only cell of some observations, read from segments and from a generation."""

    def ask(*described, loader="transformers", framework="pytorch", runs=None):
        for group in runs or [described]:
            evidence.run(*group)
        if request.param == "published":
            publishing.publish(home)
        found = [
            c
            for c in verdicts()
            if c.observation_id and (c.loader, c.framework) == (loader, framework)
        ]
        assert len(found) == 1
        return found[0]

    return ask


def test_a_pass_without_reference_works_and_says_so(one):
    cell = one({"outcome": "passed", "loader": "onnx"}, loader="onnx")
    assert cell.verdict is Verdict.WORKS
    assert cell.unreferenced
    assert cell.note == "unreferenced"


def test_the_native_loader_reads_reference(one):
    cell = one({"outcome": "passed"})
    assert (cell.verdict, cell.is_reference, cell.note) == (Verdict.WORKS, True, "reference")
    assert cell.relative_rms is None


def test_a_pass_within_tolerance_works_with_the_number(one):
    cell = one(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "onnx", "off_by": 1e-4},
        loader="onnx",
    )
    assert cell.verdict is Verdict.WORKS
    assert cell.relative_rms == pytest.approx(1e-4, rel=1e-6)
    assert cell.tolerance == 3e-4
    assert (cell.reference, cell.reference_loader) == ("native", "transformers")


def test_a_pass_out_of_tolerance_differs_with_the_number(one):
    cell = one(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "keras-hub", "off_by": 1.1e-3},
        loader="keras-hub",
    )
    assert cell.verdict is Verdict.DIFFERS
    assert cell.relative_rms == pytest.approx(1.1e-3, rel=1e-6)


def test_half_precision_has_its_own_tolerance(one):
    half = Recipe(dtype="float16")
    cell = one(
        {"outcome": "passed", "recipe": half},
        {"outcome": "passed", "recipe": half, "loader": "onnx", "off_by": 1e-2},
        loader="onnx",
    )
    assert (cell.verdict, cell.tolerance) == (Verdict.WORKS, 2e-2)


def test_another_shape_is_never_within_tolerance(one):
    short = {"last_hidden_state": (1.0, 2.0)}
    cell = one(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "onnx", "outputs": short},
        loader="onnx",
    )
    assert cell.verdict is Verdict.DIFFERS
    assert cell.relative_rms == float("inf")


def test_outputs_of_other_names_and_shapes_are_not_compared(one):
    cell = one(
        {"outcome": "passed"},
        {"outcome": "passed", "loader": "onnx", "outputs": {"logits": (1.0, 2.0)}},
        loader="onnx",
    )
    assert cell.verdict is Verdict.WORKS
    assert cell.unreferenced


A, B, C = (1.0, 2.0, 3.0), (3.0, 1.0, 2.0), (3.0, 1.0, 2.5)


@pytest.mark.parametrize(
    ("theirs", "verdict", "number"),
    [
        ({"Identity:0": B, "Identity_1:0": A}, Verdict.WORKS, 0.0),
        ({"Identity:0": C, "Identity_1:0": A}, Verdict.DIFFERS, 0.134),
        ({"Identity:0": A, "Identity_1:0": A}, Verdict.DIFFERS, 0.655),
    ],
    ids=["another order", "one is off", "one stands twice"],
)
def test_outputs_without_a_shared_name_are_paired_by_shape_and_nearness(
    one, theirs, verdict, number
):
    cell = one(
        {"outcome": "passed", "outputs": {"note": A, "onset": B}},
        {"outcome": "passed", "loader": "onnx", "outputs": theirs},
        loader="onnx",
    )
    assert cell.verdict is verdict
    assert cell.relative_rms == pytest.approx(number, abs=1e-3)


def test_a_failure_diagnosed_as_the_models_own_fails(one):
    cell = one({"outcome": "failed", "error": MODEL})
    assert cell.verdict is Verdict.FAILS
    assert cell.diagnosis is not None
    assert (cell.diagnosis.code, cell.diagnosis.fault) == ("tests.incompatible", "model")


def test_a_degenerate_output_is_unknown(one):
    error = ("caniload.CheckFailed", "degenerate_output: every value is the same")
    cell = one({"outcome": "failed", "stage": "check", "error": error})
    assert cell.verdict is Verdict.UNKNOWN
    assert "degenerate" in (cell.note or "")


def test_random_weights_are_unknown_and_say_why(one):
    cell = one({"outcome": "passed", "recipe": Recipe(weights="random")})
    assert cell.verdict is Verdict.UNKNOWN
    assert cell.note == "the architecture runs; no weights measured"


@pytest.mark.parametrize(
    "odd", [{"outcome": "failed", "error": ODD}, {"outcome": "crashed", "signal": 11}]
)
def test_an_undiagnosed_failure_is_unknown_until_repeated_beside_passing_controls(one, odd):
    control = {"outcome": "passed", "model": "__control__", "handle": "file:/control@sha256-0"}
    cell = one(runs=[[odd, control], [dict(odd), dict(control)]])
    assert cell.verdict is Verdict.FAILS
    assert "2 times while the controls passed" in (cell.note or "")


@pytest.mark.parametrize("controls", ["none", "failed", "once"])
def test_an_undiagnosed_failure_without_controls_is_unknown(one, controls):
    def runs():
        for number in range(2):
            yield [{"outcome": "failed", "error": ODD}]
            if controls == "failed" or (controls == "once" and number == 0):
                said = "failed" if controls == "failed" else "passed"
                yield [{"outcome": said, "model": "__control__", "handle": "file:/c@sha256-0"}]

    told = list(runs())
    groups = [told[0]] if controls == "none" else [told[0] + told[1], *told[2:]]
    if controls == "failed":
        groups = [told[0] + told[1], told[2] + told[3]]
    cell = one(runs=groups)
    assert cell.verdict is Verdict.UNKNOWN
    assert "undiagnosed" in (cell.note or "")


def test_different_undiagnosed_failures_are_not_a_repetition(one):
    control = {"outcome": "passed", "model": "__control__", "handle": "file:/c@sha256-0"}
    other = {"outcome": "failed", "error": ("KeyError", "quite another")}
    cell = one(runs=[[{"outcome": "failed", "error": ODD}, control], [other, dict(control)]])
    assert cell.verdict is Verdict.UNKNOWN


def test_the_address_in_a_message_does_not_make_it_another_failure(one):
    control = {"outcome": "passed", "model": "__control__", "handle": "file:/c@sha256-0"}
    again = {"outcome": "failed", "error": (ODD[0], ODD[1].replace("7f00", "55aa"))}
    cell = one(runs=[[{"outcome": "failed", "error": ODD}, control], [again, dict(control)]])
    assert cell.verdict is Verdict.FAILS


def test_outcomes_that_disagree_over_repeats_are_flaky(one):
    cell = one(runs=[[{"outcome": "passed"}], [{"outcome": "crashed", "signal": 11}]])
    assert cell.verdict is Verdict.FLAKY
    assert "2 attempts" in (cell.note or "")


def test_a_network_failure_after_a_pass_is_not_flaky(one):
    cell = one(runs=[[{"outcome": "passed"}], [{"outcome": "unavailable", "stage": "fetch"}]])
    assert cell.verdict is Verdict.WORKS


def test_repeats_are_compared_within_one_version_of_caniload(one):
    cell = one(
        runs=[
            [{"outcome": "failed", "error": ODD}],
            [{"outcome": "passed", "caniload_version": "0.2.0"}],
        ]
    )
    assert cell.verdict is Verdict.WORKS


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("environment", "environment"),
        ("artifact", "artefact"),
        ("flaky-network", "network"),
        ("gated", "permission"),
        ("policy", "policy"),
        ("resources", "resources"),
    ],
)
def test_a_failure_diagnosed_as_anothers_fault_is_blocked_with_the_kind(one, kind, fault):
    cell = one({"outcome": "failed", "error": ("OSError", f"no, because {kind}")})
    assert (cell.verdict, cell.fault) == (Verdict.BLOCKED, fault)


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        ("timed_out", "resources"),
        ("out_of_memory", "resources"),
        ("unavailable", "network"),
        ("not_installed", "environment"),
        ("refused", "policy"),
        ("loads_only", "artefact"),
    ],
)
def test_these_outcomes_are_blocked_with_the_kind(one, outcome, fault):
    cell = one({"outcome": outcome})
    assert (cell.verdict, cell.fault) == (Verdict.BLOCKED, fault)


def test_unavailable_takes_the_kind_of_its_diagnosis(one):
    cell = one({"outcome": "unavailable", "error": ("HubError", "no, because gated")})
    assert (cell.verdict, cell.fault) == (Verdict.BLOCKED, "permission")


@pytest.mark.parametrize("error", [MODEL, ODD])
def test_any_failure_in_a_patched_environment_is_blocked(one, error):
    cell = one({"outcome": "failed", "error": error, "patches": ("torchvision ops defined",)})
    assert (cell.verdict, cell.fault) == (Verdict.BLOCKED, "environment")
    assert cell.patches == ("torchvision ops defined",)


def test_a_pass_in_a_patched_environment_works_and_shows_the_patch(one):
    cell = one({"outcome": "passed", "patches": ("torchvision ops defined",)})
    assert (cell.verdict, cell.patches) == (Verdict.WORKS, ("torchvision ops defined",))


def test_a_harness_error_gives_nothing(evidence, verdicts):
    evidence.run({"outcome": "harness_error", "loader": "onnx"})
    assert not [c for c in verdicts() if c.loader == "onnx"]


def test_a_failure_that_is_our_own_fault_is_unknown(one):
    cell = one({"outcome": "failed", "error": ("ValueError", "because harness")})
    assert cell.verdict is Verdict.UNKNOWN


def test_metadata_alone_is_claimed_until_somebody_attempts_it(evidence, verdicts):
    claims = {(c.loader, c.framework): c.verdict for c in verdicts("tiny-bert")}
    assert claims == {
        ("flax-bert", "jax"): Verdict.CLAIMED,
        ("transformers", "pytorch"): Verdict.CLAIMED,
    }
    evidence.run({"outcome": "passed"})
    told = {(c.loader, c.framework): c.verdict for c in verdicts("tiny-bert")}
    assert told == {
        ("flax-bert", "jax"): Verdict.CLAIMED,
        ("transformers", "pytorch"): Verdict.WORKS,
    }


def test_nothing_is_unknown(home):
    with open_store(home) as store:
        answer = questions.check(store, "lonely")
    assert (answer.verdict, answer.best, answer.cells) == (Verdict.UNKNOWN, None, ())


RANKED = [
    ("works", {"outcome": "passed"}),
    ("differs", {"outcome": "passed", "off_by": 0.01}),
    ("flaky", None),
    ("fails", {"outcome": "failed", "error": MODEL}),
    ("blocked", {"outcome": "timed_out"}),
    ("claimed", None),
    ("unknown", {"outcome": "failed", "error": ODD}),
]


@pytest.mark.parametrize("best", range(len(RANKED)))
def test_the_best_of_many_cells_answers_and_says_which(evidence, home, best):
    """Of cells with every verdict from `best` on, the first in DESIGN's order is the answer."""
    cells = []
    for word, described in RANKED[best:]:
        if word == "claimed":
            continue
        name = f"loader-{word}"
        if word == "flaky":
            evidence.run({"outcome": "crashed", "signal": 11, "loader": name})
            cells.append({"outcome": "passed", "loader": name})
        elif described is not None:
            cells.append(described | {"loader": name})
    claim = best <= [word for word, _ in RANKED].index("claimed")
    versions = {"transformers": "4.0", "torch": "1.0"}
    reference = {"outcome": "passed", "device": "cuda", "versions": versions}
    if best <= 1:
        cells.append(reference)
    evidence.run(*cells)
    source = None if claim else "hf:tiny/bert@" + "a" * 40
    with open_store(home) as store:
        answer = questions.check(
            store, "tiny-bert", framework="jax" if best == 5 else None, device="cpu"
        )
        if source:
            shown = [c for c in answer.cells if c.verdict is not Verdict.CLAIMED]
            assert shown[0].verdict is Verdict(RANKED[best][0])
            return
    assert answer.verdict is Verdict(RANKED[best][0])
    assert answer.best is not None
    assert answer.best.verdict is answer.verdict
    if RANKED[best][0] != "claimed":
        assert answer.best.loader == f"loader-{RANKED[best][0]}"
