"""`caniload sql` reads the store and nothing else, and writes nothing."""

from __future__ import annotations

import pytest

from caniload.catalog.store import open_store
from caniload.errors import QueryError

pytestmark = pytest.mark.slow


@pytest.fixture
def store(home, evidence):
    evidence.run({"outcome": "passed"})
    with open_store(home) as opened:
        yield opened


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("token\nhunter2\n")
    return path


def test_it_answers_from_the_generation_and_from_newer_segments(store):
    columns, rows = store.query_user("SELECT model, verdict FROM answers ORDER BY framework")
    assert columns == ("model", "verdict")
    assert rows == [("tiny-bert", "claimed"), ("tiny-bert", "works")]
    assert store.query_user("SELECT count(*) FROM observations")[1] == [(1,)]
    assert store.query_user("WITH m AS (FROM models) SELECT id FROM m ORDER BY 1")[1] == [
        ("lonely",),
        ("tiny-bert",),
    ]


def test_times_with_a_zone_come_as_text(store):
    columns, rows = store.query_user("SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' AS at, 1 AS n")
    assert columns == ("at", "n")
    assert isinstance(rows[0][0], str)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM read_csv_auto('{path}')",
        "SELECT * FROM '{path}'",
        "FROM read_text('{path}')",
        "FROM read_blob('{path}')",
        "FROM read_json('{path}')",
        "FROM read_parquet('{path}')",
        "FROM sniff_csv('{path}')",
        "FROM glob('{folder}/*')",
        "FROM query('FROM read_text(''{path}'')')",
        "COPY models TO '{path}'",
        "COPY (SELECT 1) TO '{path}' (FORMAT parquet)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}'",
        "EXPORT DATABASE '{folder}/out'",
        "IMPORT DATABASE '{folder}'",
        "ATTACH '{folder}/new.duckdb'",
        "ATTACH '{folder}/new.duckdb' AS other (READ_ONLY)",
        "DETACH store",
        "INSTALL httpfs",
        "LOAD '{path}'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET enable_external_access",
        "PRAGMA enable_external_access=true",
        "SET temp_directory = '{folder}'",
        "SELECT getenv('HOME')",
        "CREATE TABLE mine (x INTEGER)",
        "CREATE SECRET s (TYPE http)",
        "INSERT INTO store.models (id) VALUES ('x')",
        "DELETE FROM observations",
        "DROP VIEW answers",
        "SELECT 1; COPY models TO '{path}'",
        "SELECT 1; SELECT 2",
        "",
        "SELEC 1",
        "SELECT nothing FROM nowhere",
    ],
)
def test_it_refuses_in_one_line(store, secret, text):
    before = secret.read_bytes()
    with pytest.raises(QueryError) as refused:
        store.query_user(text.format(path=secret, folder=secret.parent))
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert secret.read_bytes() == before
    assert not (secret.parent / "new.duckdb").exists()
    assert not (secret.parent / "out").exists()
    assert store.query_user("SELECT 1")[1] == [(1,)]


def test_a_python_variable_is_not_a_table(store):
    secrets = [("hunter2",)]
    assert secrets
    with pytest.raises(QueryError):
        store.query_user("SELECT * FROM secrets")
