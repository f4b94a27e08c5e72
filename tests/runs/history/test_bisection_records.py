"""The bisections that come with caniload: whole, replayable, resting on evidence that is there."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from caniload.catalog import questions
from caniload.catalog.history import history
from caniload.catalog.store import open_store
from caniload.runs.bisection import Bisection, search
from caniload.settings import Settings
from caniload.words import Verdict

DATA = Settings.read({}).data
RECORDS = sorted((DATA / "bisections").glob("*.json"))


@pytest.fixture(scope="module")
def observed() -> dict[str, tuple[str, str]]:
    """Outcome and version of transformers of each observation that comes with caniload."""
    rows = duckdb.execute(
        "SELECT id, outcome, lock ->> '$.transformers' FROM read_parquet(?)",
        [str(DATA / "evidence" / "*" / "observations.parquet")],
    ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem for path in RECORDS])
def test_a_committed_bisection_holds_together(
    path: Path, observed: dict[str, tuple[str, str]]
) -> None:
    record = Bisection.model_validate_json(path.read_bytes())
    assert record.complete
    tries = {each.version: each for each in record.tries}
    places = [(each.before, each.after) for each in search(record.listed, tries.__getitem__)]
    assert places == [(each.before, each.after) for each in record.changes]
    for each in record.changes:
        assert each.adjacent, "a release between the two sides was not tried"
        assert not each.contradicted
    for version, each in tries.items():
        assert each.lock["transformers"] == version
        assert each.lock[record.package] == version
        assert each.observations
        for one in each.observations:
            assert observed[one] == (each.outcome, version)


def test_there_are_records() -> None:
    assert RECORDS


def test_what_comes_with_caniload_answers_since_when_and_until_when(settings: Settings) -> None:
    with open_store(settings) as store:
        found = history(store, "minilm", loader="transformers", framework="tensorflow")
        there = questions.check(
            store,
            "minilm",
            loader="transformers",
            framework="tensorflow",
            environment="transformers-4",
        )
    (series,) = [each for each in found.series if not each.options]
    assert series.package == "transformers"
    spans = [(each.result, each.reason, each.first) for each in series.spans]
    assert spans == [
        ("works", None, "4.49.0"),
        ("fails", "hf.tf-safetensors-handle", "4.55.0"),
        ("fails", "hf.tf-class-removed", "5.0.0"),
    ]
    assert [each.releases for each in series.gaps] == [(), ()]
    # The bisection measured this cell last, in a copy of another environment.
    assert Verdict.FAILS in {cell.verdict for cell in there.cells}
