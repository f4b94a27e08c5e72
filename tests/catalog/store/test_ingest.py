"""Evidence of other machines: taken in once, checked whole, labelled as another's."""

from __future__ import annotations

import json

import duckdb
import pytest

from caniload.catalog import publishing, questions
from caniload.catalog.store import open_store
from caniload.errors import CorruptSegmentError, UnreadableFileError
from caniload.words import Verdict


@pytest.fixture
def handed(evidence, tmp_path):
    """Return a function that writes a segment as another machine would, and its folder."""

    def write(*described, run_id=None):
        root = tmp_path / "handed"
        root.mkdir(exist_ok=True)
        return root / evidence.run(*described, home=root, run_id=run_id)

    return write


def observations(settings):
    with open_store(settings) as store:
        return store.sql("SELECT id, origin, whom FROM observations ORDER BY id")


def test_it_is_idempotent_by_observation_id(home, handed):
    folder = handed({"outcome": "passed"}, {"outcome": "passed", "loader": "onnx"})
    report = publishing.ingest(home, [folder])
    assert (report.added, report.known, report.rejected) == (2, 0, ())
    before = observations(home)
    for again in (folder, folder.parent, folder / "run.json"):
        report = publishing.ingest(home, [again])
        assert (report.added, report.known) == (0, 2)
    publishing.publish(home)
    assert observations(home) == before
    assert [(origin, whom) for _, origin, whom in before] == [("ingested", "other")] * 2


def test_only_what_is_new_of_a_run_is_added(home, handed, evidence, tmp_path):
    run_id = "20261120T120000Z-abcdef"
    first = handed({"outcome": "passed"}, run_id=run_id)
    publishing.ingest(home, [first])
    publishing.publish(home)
    evidence._runs -= 1
    root = tmp_path / "later"
    root.mkdir()
    evidence.run({"outcome": "passed"}, {"outcome": "timed_out"}, home=root, run_id=run_id)
    report = publishing.ingest(home, [root / run_id])
    assert (report.added, report.known) == (1, 1)
    assert len(observations(home)) == 2
    publishing.rebuild(home)
    assert len(observations(home)) == 2
    report = publishing.ingest(home, [root / run_id])
    assert (report.added, report.known) == (0, 2)


def test_a_stranger_s_pass_is_labelled_and_can_be_left_out(home, handed, evidence):
    publishing.ingest(home, [handed({"outcome": "passed"})])
    evidence.run({"outcome": "passed", "loader": "onnx", "observer": "ci"})
    evidence.run({"outcome": "timed_out"})
    told = {}
    for whom in ("all", "me", "ci"):
        with open_store(home) as store:
            cells = questions.matrix(store, whom=whom)
            told[whom] = {
                c.loader: (c.verdict, c.whom) for c in cells if c.observation_id is not None
            }
    assert told == {
        "all": {
            "transformers": (Verdict.WORKS, "other"),
            "onnx": (Verdict.WORKS, "ci"),
        },
        "me": {"transformers": (Verdict.BLOCKED, "me")},
        "ci": {"onnx": (Verdict.WORKS, "ci")},
    }


def test_one_open_store_answers_for_one_after_another(home, evidence):
    evidence.run({"outcome": "passed", "observer": "ci"})
    publishing.publish(home)
    with open_store(home) as store:
        told = [
            questions.check(store, "tiny", framework="pytorch", whom=whom).verdict
            for whom in ("all", "me", "ci", "me", "all")
        ]
    works, claimed = Verdict.WORKS, Verdict.CLAIMED
    assert told == [works, claimed, works, claimed, works]


def damage_hash(folder):
    (folder / "observations.parquet").write_bytes(
        (folder / "observations.parquet").read_bytes() + b"x"
    )


def damage_marker(folder):
    (folder / "run.json").write_text("{")


def damage_missing(folder):
    (folder / "settlements.parquet").unlink()


def damage_unfinished(folder):
    (folder / "run.json").unlink()


def damage_count(folder):
    change(folder, observations=7)


def damage_name(folder):
    change(folder, run_id="../../outside")


def damage_record(folder):
    _rewrite(folder, "UPDATE rows SET outcome = 'crashed'")


def damage_column(folder):
    _rewrite(folder, "ALTER TABLE rows DROP COLUMN stage")


def change(folder, **fields):
    raw = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(raw | fields))


def _rewrite(folder, statement):
    path = folder / "observations.parquet"
    with duckdb.connect(":memory:") as database:
        database.execute(f"CREATE TABLE rows AS FROM '{path}'")
        database.execute(statement)
        database.execute(f"COPY rows TO '{path}'")
    change(folder, sha256={})


@pytest.mark.parametrize(
    "damage",
    [
        damage_hash,
        damage_marker,
        damage_missing,
        damage_unfinished,
        damage_count,
        damage_name,
        damage_record,
        damage_column,
    ],
)
def test_what_is_damaged_is_refused_and_leaves_nothing(home, handed, damage):
    folder = handed({"outcome": "passed"})
    damage(folder)
    with pytest.raises(CorruptSegmentError) as refused:
        publishing.ingest(home, [folder])
    assert str(folder) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not home.segments.exists() or not list(home.segments.iterdir())


def test_a_newer_schema_is_refused(home, handed):
    folder = handed({"outcome": "passed"})
    change(folder, schema_version=99)
    with pytest.raises(CorruptSegmentError, match="schema 99"):
        publishing.ingest(home, [folder])


def test_the_good_are_taken_in_and_the_bad_are_named(home, handed):
    good, bad = handed({"outcome": "passed"}), handed({"outcome": "passed"})
    damage_marker(bad)
    report = publishing.ingest(home, [good.parent])
    assert report.added == 1
    assert [path for path, _ in report.rejected] == [str(bad)]


def test_a_path_that_is_not_there_is_said(home, tmp_path):
    with pytest.raises(UnreadableFileError, match="nowhere"):
        publishing.ingest(home, [tmp_path / "nowhere"])


def test_many_are_checked_ahead_and_kept_in_their_order(home, handed, tmp_path):
    """Two of every three are good; a place that is none is raised after those before it."""
    folders = [handed({"outcome": "passed"}) for _ in range(9)]
    for bad in folders[::3]:
        damage_marker(bad)
    good = [folder.name for folder in folders if folder not in folders[::3]]
    report = publishing.ingest(home, folders)
    assert report.runs == tuple(good)
    assert [path for path, _ in report.rejected] == [str(folder) for folder in folders[::3]]
    late = [handed({"outcome": "passed"}) for _ in range(3)]
    with pytest.raises(UnreadableFileError, match="nowhere"):
        publishing.ingest(home, [*late, tmp_path / "nowhere"])
    kept = {path.name for path in home.segments.iterdir() if not path.name.startswith(".")}
    assert kept == {*good, *(folder.name for folder in late)}
