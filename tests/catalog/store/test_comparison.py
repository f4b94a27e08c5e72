"""What one run says beside those before it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from caniload.catalog import tracks
from caniload.catalog.comparison import compare
from caniload.catalog.nights import last_night
from caniload.catalog.store import open_store
from caniload.catalog.tracks import Track, artefact
from caniload.errors import UnknownNameError

NEW = {"torch": "2.13.0", "transformers": "5.23.0"}
OLD = {"torch": "2.12.0", "transformers": "5.23.0"}
PASSED = {"outcome": "passed"}
MOVED = f"hf:tiny/bert@{'e' * 40}#safetensors"
FAILED = {"outcome": "failed", "error": ("ValueError", "because incompatible")}


@pytest.mark.parametrize(
    ("handle", "named"),
    [
        (f"hf:tiny/bert@{'a' * 40}#safetensors:fp16", "hf:tiny/bert#safetensors:fp16"),
        (f"hf:tiny/bert@{'a' * 40}/onnx#onnx", "hf:tiny/bert/onnx#onnx"),
        ("file:mo%40del@sha256-1#onnx", "file:mo%40del#onnx"),
        ("timm:resnet50", "timm:resnet50"),
    ],
)
def test_a_track_names_its_artefact_without_the_revision(compared, handle, named):
    (cell,) = compared([{**PASSED, "handle": handle}]).cells
    assert cell.track.artefact == artefact(handle) == named


@dataclass(frozen=True)
class Wish:
    """What a suite expects of everything that one loader loads."""

    outcome: str
    loader: str = "transformers"
    reason: str = "it is known"
    issue: str = "https://example.org/1"

    def matches(self, *, loader, **_):
        return loader == self.loader


@pytest.fixture
def compared(evidence, home):
    """Return a function from runs to what the last one changed against the one before."""

    def ask(*runs, wishes=(), **more):
        names = [evidence.run(*run, command="nightly suite") for run in runs]
        more.setdefault("against", names[-2] if len(names) > 1 else None)
        with open_store(home) as store:
            return compare(store, names[-1], expectations=wishes, **more)

    return ask


def told(comparison):
    return [(each.kind, each.before, each.after) for each in comparison.changes]


def test_what_broke_is_told_with_its_diagnosis_and_what_else_changed(compared):
    found = compared([{**PASSED, "versions": OLD}], [{**FAILED, "versions": NEW}])
    (change,) = found.changes
    assert (change.kind, change.before, change.after) == ("broken", "passed", "failed")
    assert change.what_else == ("torch 2.12.0 → 2.13.0",)
    assert "because incompatible" in change.reason
    assert "tests.incompatible" in change.reason
    assert change.fault == "model"
    assert change.track.artefact == "hf:tiny/bert#safetensors"


def test_a_moved_revision_and_another_caniload_are_named_beside_the_packages(compared):
    found = compared([PASSED], [{**FAILED, "handle": MOVED, "caniload_version": "0.2.0"}])
    assert found.changes[0].what_else == (
        "revision aaaaaaaaaaaaaa → eeeeeeeeeeeeee",
        "caniload 0.1.0 → 0.2.0",
    )


@pytest.mark.parametrize(
    ("runs", "changes"),
    [
        (([FAILED], [PASSED]), [("fixed", "failed", "passed")]),
        (([PASSED], [PASSED]), []),
        (([FAILED], [FAILED]), []),
        (([PASSED], [PASSED, {**PASSED, "loader": "onnx"}]), [("new", None, "passed")]),
        (([PASSED], [{**PASSED, "device": "cuda"}]), [("new", None, "passed")]),
        (([PASSED], [FAILED, PASSED]), [("flaky", "passed", "passed")]),
        (([PASSED], [{"outcome": "harness_error"}, PASSED]), []),
        (([PASSED], [{**FAILED, "settled": "harness_error"}]), []),
        (([PASSED], [{**FAILED, "settled": "harness_error"}], [FAILED]),
         [("broken", "passed", "failed")]),
        (([FAILED], [{"outcome": "passed", "model": "__control__"}]), []),
        (([FAILED],), []),
        (([PASSED], [{**PASSED, "off_by": 0.01}]), [("broken", "passed", "passed")]),
        (([PASSED], [{**PASSED, "off_by": 1e-4}]), []),
        (([PASSED], [{**PASSED, "off_by": 0.01, "dtype": "float16"}]), []),
        (([{**PASSED, "versions": OLD}], [{**PASSED, "off_by": 0.01, "versions": NEW}]),
         [("broken", "passed", "passed")]),
        (([PASSED], [{**PASSED, "off_by": 0.5, "handle": MOVED}]), []),
    ],
)  # fmt: skip
def test_kinds_of_change(compared, runs, changes):
    assert told(compared(*runs)) == changes


def test_evidence_younger_than_the_run_named_does_not_hide_a_change(evidence, home, compared):
    first = evidence.run(PASSED)
    assert told(compared([FAILED], [FAILED], against=first)) == [("broken", "passed", "failed")]
    assert told(compared([FAILED], since=datetime(2026, 11, 2, 13, tzinfo=UTC))) == [
        ("broken", "passed", "failed")
    ]


def test_the_run_named_is_found_behind_any_number_of_later_ones(evidence, compared, monkeypatch):
    monkeypatch.setattr(tracks, "KEPT", 2)
    first = evidence.run(PASSED)
    evidence.run(PASSED, FAILED)
    found = compared([FAILED], [FAILED], against=first)
    assert told(found) == [("broken", "passed", "failed")]
    assert len(found.cells[0].history) == 3


def test_evidence_of_strangers_is_no_history_of_ours(compared):
    """What CI measured in an environment of the same name is another's."""
    assert told(compared([{**PASSED, "observer": "ci"}], [FAILED])) == [("new", None, "failed")]


@pytest.mark.parametrize(
    ("wanted", "after", "kind"),
    [
        ("fails", FAILED, "expected"),
        ("fails", PASSED, "unexpected-pass"),
        ("works", PASSED, "expected"),
        ("works", FAILED, "unexpected-failure"),
        ("tests.incompatible", FAILED, "expected"),
        ("tests.harness", FAILED, "unexpected-failure"),
        ("timed_out", {"outcome": "timed_out"}, "expected"),
        ("blocked", {"outcome": "timed_out"}, "expected"),
    ],
)
def test_expectations_stand_before_what_changed(compared, wanted, after, kind):
    (change,) = compared([PASSED], [after], wishes=[Wish(wanted)]).changes
    assert (change.kind, change.issue) == (kind, "https://example.org/1")
    assert change.loud == (kind != "expected")


def times(*seconds, **more):
    """Runs of passes that took so long to load and run, behind a second of imports."""
    return [
        [{**PASSED, "wall_seconds": one + 1.0, "stage_seconds": {"load": one, "run": 0.0}, **more}]
        for one in seconds
    ]


@pytest.mark.parametrize(
    ("runs", "slower"),
    [
        (times(1.0, 1.02, 0.98, 2.0), True),
        (times(1.0, 1.02, 0.98, 1.3), False),
        (times(1.0, 1.02, 2.0), False),  # two earlier ones say nothing
        (times(1.0, 2.0, 3.0, 4.0), False),  # it was never steady
        (times(0.01, 0.01, 0.01, 0.1), False),  # a tenth of a second is noise
        (times(1.0, 1.0, 1.0, worker="warm") + times(2.0), False),  # fresh beside warm
        ([*times(1.0, 1.0, 1.0), [*times(2.0)[0], *times(1.0)[0]]], False),  # the fastest counts
    ],
)
def test_slower_than_its_own_history_allows(compared, runs, slower):
    found = compared(*runs)
    assert [each.kind for each in found.changes] == (["slower"] if slower else [])
    if slower:
        numbers = found.changes[0].numbers
        assert numbers == {"seconds": 2.0, "median_seconds": 1.0, "limit_seconds": 1.5}


@pytest.mark.parametrize(("mebibytes", "more"), [(600, True), (450, False)])
def test_more_memory_than_its_own_history_allows(compared, mebibytes, more):
    sizes = [400, 401, 400, mebibytes]
    runs = [[{**PASSED, "peak_memory_bytes": size * 2**20}] for size in sizes]
    kinds = [each.kind for each in compared(*runs).changes]
    assert kinds == (["more-memory"] if more else [])


def test_what_the_suite_no_longer_lists_is_gone(compared):
    other = {**PASSED, "loader": "onnx"}
    found = compared([PASSED, other], [PASSED])
    assert told(found) == []
    listed = {cell.track for cell in found.cells}
    found = compared([PASSED, other], [PASSED], listed=lambda: listed)
    assert told(found) == [("gone", "passed", None)]
    assert isinstance(found.changes[0].track, Track)


def test_evidence_that_stands_joins_the_cells(evidence, home, compared):
    evidence.run({**PASSED, "loader": "onnx"})
    with open_store(home) as store:
        (cell_id,) = store.sql("SELECT cell_id FROM observations")[0]
    found = compared([PASSED], standing_cells=[cell_id])
    assert [(cell.track.loader, cell.tonight) for cell in found.cells] == [
        ("onnx", False),
        ("transformers", True),
    ]


def test_the_last_night_is_of_the_same_suite_and_older(evidence, home):
    first = evidence.run(PASSED, command="nightly ours")
    evidence.run(PASSED, command="nightly other")
    second = evidence.run(PASSED, command="nightly ours")
    assert last_night(home, "ours") == second
    assert last_night(home, "ours", second) == first
    assert last_night(home, "ours", first) is None


def test_a_run_that_nobody_knows_is_refused(evidence, compared):
    with pytest.raises(UnknownNameError, match="20200101"):
        compared([PASSED], against="20200101T000000Z-000000")


def test_a_night_is_compared_without_a_query_a_cell(evidence, home, compared):
    many = [{**PASSED, "handle": f"hf:tiny/m{n}@{'a' * 40}#safetensors"} for n in range(150)]
    runs = [evidence.run(*many) for _ in range(4)]
    with open_store(home) as store:
        store.sql("SELECT 1 FROM observations LIMIT 1")
        began = time.perf_counter()
        found = compare(store, runs[-1], runs[-2])
        assert time.perf_counter() - began < 3.0
    assert (len(found.cells), found.changes) == (150, ())
    assert len(found.cells[0].history) == 3
