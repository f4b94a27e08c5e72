"""Generations are immutable, `CURRENT` names one, and the store can always be made again."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from caniload.catalog import generations, publishing, questions
from caniload.catalog.store import open_store
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.errors import (
    CatalogueError,
    CorruptStoreError,
    DiskFullError,
    NewerStoreError,
    PermissionDeniedError,
    StoreError,
)
from caniload.words import Verdict

pytestmark = pytest.mark.slow


def answers(settings):
    with open_store(settings) as store:
        return questions.matrix(store, exports=True)


def test_the_first_opening_builds_a_generation(home):
    assert generations.read_current(home) is None
    with open_store(home) as store:
        assert [row[0] for row in store.sql("SELECT id FROM models ORDER BY id")] == [
            "lonely",
            "tiny-bert",
        ]
    assert generations.numbers(home) == [1]


def test_newer_segments_count_before_and_after_they_are_published(home, evidence):
    evidence.run({"outcome": "passed"})
    publishing.publish(home)
    run = evidence.run({"outcome": "passed", "loader": "onnx", "off_by": 0.01})
    before = answers(home)
    made = publishing.publish(home)
    assert run in made.segments
    assert answers(home) == before
    assert {c.verdict for c in before if c.observation_id} == {Verdict.WORKS, Verdict.DIFFERS}


def test_without_newer_segments_only_the_generation_is_read(home, evidence):
    publishing.publish(home)
    evidence.run({"outcome": "passed"})
    with open_store(home, include_open_segments=False) as store:
        assert store.sql("SELECT count(*) FROM observations") == [(0,)]


def test_an_unfinished_segment_is_not_seen(home, evidence):
    run = evidence.run({"outcome": "passed"})
    (home.segments / run / "run.json").unlink()
    assert not [c for c in answers(home) if c.observation_id]


def test_the_last_three_generations_stay(home):
    for _ in range(5):
        publishing.publish(home)
    assert generations.numbers(home) == [3, 4, 5]
    assert sorted(path.name for path in generations.folder(home).iterdir()) == [
        "000003.duckdb",
        "000004.duckdb",
        "000005.duckdb",
    ]


def test_a_deleted_database_is_made_again_with_the_same_answers(home, evidence):
    evidence.run({"outcome": "passed"}, {"outcome": "passed", "loader": "onnx", "off_by": 1e-4})
    evidence.run({"outcome": "failed", "error": ("ValueError", "because incompatible")})
    publishing.publish(home)
    before = answers(home)
    shutil.rmtree(home.store)
    assert answers(home) == before
    for path in generations.folder(home).iterdir():
        path.unlink()
    assert answers(home) == before
    (home.store / "CURRENT").unlink()
    assert answers(home) == before
    publishing.rebuild(home)
    assert answers(home) == before


def test_carrying_over_equals_rebuilding(home, evidence):
    for loader in ("transformers", "onnx", "keras-hub"):
        evidence.run({"outcome": "passed", "loader": loader, "off_by": 2e-4})
        publishing.publish(home)
    carried = answers(home)
    publishing.rebuild(home)
    assert answers(home) == carried


def test_better_rules_improve_old_evidence(home, evidence):
    odd = {"outcome": "failed", "error": ("ValueError", "because of nothing known")}
    evidence.run(odd)
    publishing.publish(home)
    assert [c.diagnosis for c in answers(home) if c.observation_id] == [None]
    path = home.data / "failures.yaml"
    path.write_text(path.read_text().replace("because incompatible", "because of nothing known"))
    (found,) = [c for c in answers(home) if c.observation_id]
    assert found.diagnosis is not None
    assert (found.verdict, found.diagnosis.code) == (Verdict.FAILS, "tests.incompatible")
    path.unlink()
    (found,) = [c for c in answers(home) if c.observation_id]
    assert (found.verdict, found.diagnosis) == (Verdict.UNKNOWN, None)


def test_a_new_entry_is_seen_at_once(home):
    answers(home)
    path = home.data / "models" / "fresh.yaml"
    path.write_text((home.data / "models" / "lonely.yaml").read_text().replace("lonely", "fresh"))
    path.write_text(path.read_text().replace("Lonely", "Fresh"))
    with open_store(home) as store:
        assert questions.check(store, "fresh").verdict is Verdict.UNKNOWN


def test_touched_files_with_the_same_content_publish_nothing(home):
    answers(home)
    os.utime(home.data / "models" / "lonely.yaml", (1, 1))
    answers(home)
    assert generations.numbers(home) == [1]


def test_a_broken_entry_is_named_and_the_old_generation_stays(home):
    answers(home)
    (home.data / "models" / "lonely.yaml").write_text("id: [")
    with pytest.raises(CatalogueError, match=r"lonely\.yaml"):
        answers(home)
    assert generations.numbers(home) == [1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"generation": 1}', "\x00\x01"])
def test_a_damaged_current_names_the_command_that_mends_it(home, text):
    answers(home)
    (home.store / "CURRENT").write_text(text)
    with pytest.raises(CorruptStoreError, match="catalog rebuild"):
        open_store(home)
    publishing.rebuild(home)
    answers(home)


@pytest.mark.parametrize("damage", ["text", "truncated", "zeros"])
def test_a_damaged_generation_names_the_command_that_mends_it(home, evidence, damage):
    evidence.run({"outcome": "passed"})
    path = publishing.publish(home).path(home)
    before = answers(home)
    data = path.read_bytes()
    path.write_bytes(
        {
            "text": b"not a database",
            "truncated": data[: len(data) // 3],
            "zeros": data[:100] + bytes(len(data) - 100),
        }[damage]
    )
    with pytest.raises(CorruptStoreError, match="catalog rebuild") as refused:
        answers(home)
    assert "\n" not in str(refused.value)
    publishing.rebuild(home)
    assert answers(home) == before


def test_a_damaged_segment_is_named(home, evidence):
    run = evidence.run({"outcome": "passed"})
    publishing.publish(home)
    bad = evidence.run({"outcome": "passed"})
    (home.segments / bad / "observations.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(CorruptStoreError, match=bad) as refused:
        open_store(home)
    assert run not in str(refused.value)
    assert refused.value.exit_code == 4


def test_a_newer_store_is_a_clear_error_and_is_left_alone(home):
    answers(home)
    current = home.store / "CURRENT"
    raw = json.loads(current.read_text())
    current.write_text(json.dumps(raw | {"schema_version": 99}))
    for ask in (open_store, publishing.publish, publishing.rebuild):
        with pytest.raises(NewerStoreError, match="schema 99"):
            ask(home)
    assert generations.numbers(home) == [1]


def test_a_newer_file_is_a_clear_error(home):
    path = publishing.publish(home).path(home)
    with duckdb.connect(str(path)) as database:
        database.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(NewerStoreError, match="schema 99"):
        open_store(home)


def test_an_older_schema_is_migrated_and_keeps_its_evidence(home, evidence, tmp_path, monkeypatch):
    run = evidence.run({"outcome": "passed"})
    publishing.publish(home)
    before = answers(home)
    shutil.rmtree(home.segments / run)
    later = tmp_path / "migrations"
    shutil.copytree(generations.MIGRATIONS, later)
    number = generations.schema_version() + 1
    (later / f"{number:04}_more.sql").write_text("CREATE TABLE more (x INTEGER);")
    monkeypatch.setattr(generations, "MIGRATIONS", later)
    assert answers(home) == before
    with open_store(home) as store:
        assert store.generation.schema_version == number
        assert store.sql("SELECT count(*) FROM store.more") == [(0,)]
        assert store.sql("SELECT schema_version FROM store.meta") == [(number,)]


def test_migrations_are_numbered_without_a_gap():
    assert [number for number, _ in generations.migrations()] == list(
        range(1, generations.schema_version() + 1)
    )


def test_the_tables_follow_the_columns_that_segments_have(home):
    with open_store(home) as store:
        for table, columns in (
            ("observations", OBSERVATION_COLUMNS),
            ("settlements", SETTLEMENT_COLUMNS),
        ):
            have = [row[0] for row in store.sql(f"DESCRIBE store.{table}")]
            want = [name for name, _ in columns if name not in ("record", "fingerprint")]
            assert have[: len(want)] == want


def test_files_open_in_duckdb_1_5(home):
    path = publishing.publish(home).path(home)
    with duckdb.connect(":memory:") as database:
        database.execute(f"ATTACH '{path}' AS g (READ_ONLY)")
        (tags,) = database.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'g'"
        ).fetchone()
    assert tags["storage_version"].startswith("v1.5.0")


def test_each_view_has_one_file():
    for path in Path(generations.__file__).parent.joinpath("views").glob("*.sql"):
        made = [line for line in path.read_text().splitlines() if line.startswith("CREATE ")]
        assert len(made) == 1, path.name


def test_past_twenty_newer_segments_a_generation_is_published(home, evidence, monkeypatch):
    monkeypatch.setattr(publishing, "PUBLISH_AFTER", 2)
    publishing.publish(home)
    for expected in (None, None, 2):
        evidence.run({"outcome": "passed"})
        made = publishing.maybe_publish(home)
        assert (made.number if made else None) == expected


def test_a_home_that_is_a_file_is_said(home):
    home.home.parent.mkdir(parents=True, exist_ok=True)
    home.home.write_text("")
    with pytest.raises(StoreError) as refused:
        open_store(home)
    assert str(home.home) in str(refused.value)


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFullError), (errno.EROFS, PermissionDeniedError)]
)
def test_what_the_system_refuses_is_said_in_our_words(number, kind):
    error = generations.translated(OSError(number, os.strerror(number)), Path("/store"))
    assert isinstance(error, kind)
    assert "/store" in str(error)
