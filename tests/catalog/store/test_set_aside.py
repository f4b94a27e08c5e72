"""What a broken environment gave stays in the record, and nothing rests on it."""

from __future__ import annotations

import pytest

from caniload.catalog import questions
from caniload.catalog.attempted import attempted
from caniload.catalog.publishing import publish
from caniload.catalog.store import open_store
from caniload.words import Verdict

BROKEN = {"settled": "harness_error"}
ODD = ("RuntimeError", "something that no rule explains")


@pytest.fixture(params=["newer segments", "a generation"])
def told(request, evidence, home):
    """Return a function from runs to (verdict, outcome) by loader, read in both ways."""

    def ask(*runs):
        for run in runs:
            evidence.run(*run)
        if request.param == "a generation":
            publish(home)
        with open_store(home) as store:
            return {cell.loader: cell for cell in questions.matrix(store) if cell.observation_id}

    return ask


def test_a_pass_in_a_broken_environment_is_no_verdict_and_stays_in_the_record(told, home, evidence):
    assert told([{"outcome": "passed", **BROKEN}]) == {}
    with open_store(home) as store:
        (row,) = questions.evidence(store, model="tiny-bert")
        assert row["outcome"] == "passed"
        assert questions.check(store, "tiny-bert", loader="transformers").verdict in (
            Verdict.CLAIMED,
            Verdict.UNKNOWN,
        )
        assert attempted(store, [row["cell_id"]]) == set()
        assert store.sql("SELECT observation_id FROM set_aside") == [(row["id"],)]


def test_an_earlier_pass_stands_beside_a_failure_of_a_broken_environment(told):
    cell = told(
        [{"outcome": "passed"}],
        [{"outcome": "failed", "error": ("ValueError", "because incompatible"), **BROKEN}],
    )["transformers"]
    assert (cell.verdict, cell.attempts) == (Verdict.WORKS, 1)


def test_what_a_broken_environment_gave_is_nobodys_reference(told):
    cells = told(
        [{"outcome": "passed", "off_by": 0.5, **BROKEN}],
        [{"outcome": "passed", "loader": "onnx"}],
    )
    assert list(cells) == ["onnx"]
    assert cells["onnx"].unreferenced


def test_what_was_made_in_a_broken_environment_is_set_aside_with_it(told, evidence):
    made = evidence.run({"outcome": "passed", "kind": "export", "export_format": "onnx", **BROKEN})
    read = {"outcome": "failed", "error": ("ValueError", "because incompatible")}
    handle = f"hf:tiny/bert@{'a' * 40}#onnx:transformers-pytorch"
    parent = f"{made}-0000"
    assert told([{**read, "loader": "onnx", "handle": handle, "parent_observation": parent}]) == {}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (("passed", "failed"), Verdict.FAILS),
        (("passed", "passed"), Verdict.UNKNOWN),
        (("failed", "failed"), Verdict.UNKNOWN),
        (("passed", "harness_error"), Verdict.UNKNOWN),
        (("passed", "refused"), Verdict.FAILS),
        (("refused", "refused"), Verdict.UNKNOWN),
    ],
)
def test_controls_behave_when_each_does_what_it_is_known_to_do(told, said, verdict):
    """The second is known to fail; one of another key of the same environment counts as well."""

    def controls():
        return [
            {
                "outcome": outcome,
                "model": "__control__",
                "handle": f"file:control-{expected}@sha256-0",
                "facts": {"expected": expected},
                "versions": {"torch": "2.13.0"},
            }
            for outcome, expected in zip(said, ("passed", "failed"), strict=True)
        ]

    cell = told(*([{"outcome": "failed", "error": ODD}, *controls()] for _ in range(2)))
    assert cell["transformers"].verdict is verdict


def test_fingerprints_sampled_at_other_positions_are_never_compared(told, monkeypatch):
    """An older caniload sampled other positions, which the recipe's hash tells."""
    import caniload.records

    monkeypatch.setattr(caniload.records, "SAMPLING", 1)
    old = {"outcome": "passed", "loader": "onnx", "off_by": 0.5}
    from_before = told([old])
    assert from_before["onnx"].unreferenced
    monkeypatch.undo()
    cells = told([{"outcome": "passed"}], [{"outcome": "passed", "loader": "timm", "off_by": 0.5}])
    assert cells["transformers"].is_reference
    assert cells["onnx"].unreferenced
    assert (cells["timm"].verdict, cells["timm"].reference) == (Verdict.DIFFERS, "native")
