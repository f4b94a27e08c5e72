"""A published generation holds what the snapshots say: the packaged ones and the user's own."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caniload.catalog import generations, imported_tables
from caniload.catalog.store import open_store
from caniload.catalog.upstream import snapshots
from caniload.catalog.upstream.importing import take
from caniload.errors import CatalogueError
from caniload.settings import Settings

SOURCE = {
    "kind": "source",
    "catalogue": "hf",
    "handle": "hf:tiny/bert",
    "name": "tiny/bert",
    "parent": "hf:tiny/base",
    "tasks": ["fill-mask"],
    "languages": ["en", "de"],
    "parameters": 40,
    "published": "2024-02-29",
    "facts": {"commit": "a" * 40, "downloads": 7},
}
TYPES = [
    {
        "kind": "type",
        "catalogue": "transformers",
        "version": version,
        "model_type": "bert",
        "framework": framework,
        "class": name,
        "auto": "AutoModel",
    }
    for version, framework, name in (
        ("4.57.6", "pytorch", "BertModel"),
        ("4.57.6", "tensorflow", "TFBertModel"),
        ("5.23.0", "pytorch", "BertModel"),
    )
]
DATASET = {
    "kind": "dataset",
    "catalogue": "tfds",
    "name": "mnist",
    "config": None,
    "frameworks": ["tensorflow"],
    "library": "tensorflow-datasets",
    "call": "tfds.load('mnist')",
    "size_bytes": 11594722,
    "splits": {"train": 60000, "test": 10000},
    "checksums": [
        {"url": "https://x.org/a.gz", "algorithm": "sha256", "value": "ab", "size_bytes": 1}
    ],
}


def put(folder: Path, *facts: dict[str, Any], tag: str | None = None, **head: str) -> None:
    """Write facts of one catalogue as its snapshot."""
    catalogue = facts[0]["catalogue"]
    header = {
        "kind": "header",
        "catalogue": catalogue,
        "upstream": f"pypi:{catalogue}",
        "version": facts[0].get("version", "1"),
        "read": "2026-11-25",
    }
    take((json.dumps(each) for each in (header | head, *facts)), catalogue, folder, tag=tag)


@pytest.fixture
def empty(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose data directory holds failure rules and nothing else."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "failures.yaml").write_text((settings.data / "failures.yaml").read_text())
    return replace(settings, data=data)


def test_all_kinds_are_in_their_tables(empty: Settings) -> None:
    packaged = empty.data / snapshots.FOLDER
    put(packaged, *TYPES[:2])
    put(packaged, TYPES[2])
    put(packaged, DATASET)
    put(empty.imported, SOURCE)
    with open_store(empty) as store:
        imports = store.rows("FROM store.imports ORDER BY catalogue, version")
        (source,) = store.rows("FROM store.imported_sources")
        types = store.sql("SELECT version, framework, class, auto FROM store.imported_types")
        rows = store.sql(
            "SELECT splits ->> '$.train', checksums ->> '$[0].url', config, call "
            "FROM store.imported_datasets"
        )
    assert [(row["catalogue"], row["version"], row["row_count"]) for row in imports] == [
        ("hf", "1", 1),
        ("tfds", "1", 1),
        ("transformers", "4.57.6", 2),
        ("transformers", "5.23.0", 1),
    ]
    assert imports[0]["read"] == date(2026, 11, 25)
    assert sorted(types) == [
        ("4.57.6", "pytorch", "BertModel", "AutoModel"),
        ("4.57.6", "tensorflow", "TFBertModel", "AutoModel"),
        ("5.23.0", "pytorch", "BertModel", "AutoModel"),
    ]
    assert rows == [("60000", "https://x.org/a.gz", None, "tfds.load('mnist')")]
    assert source | {"facts": json.loads(source["facts"])} == {
        "catalogue": "hf",
        "handle": "hf:tiny/bert",
        "name": "tiny/bert",
        "architecture": None,
        "parent": "hf:tiny/base",
        "tasks": ["fill-mask"],
        "languages": ["de", "en"],
        "frameworks": [],
        "loaders": [],
        "formats": [],
        "parameters": 40,
        "size_bytes": None,
        "sha256": None,
        "hash": None,
        "url": None,
        "licence": None,
        "published": date(2024, 2, 29),
        "metrics": "{}",
        "facts": {"commit": "a" * 40, "downloads": 7},
    }


def test_what_the_user_imports_is_seen_at_the_next_look(empty: Settings) -> None:
    def seen() -> list[tuple[Any, ...]]:
        with open_store(empty) as store:
            return store.sql("SELECT handle, parameters FROM store.imported_sources ORDER BY 1")

    assert seen() == []
    put(empty.imported, SOURCE, tag="search-bert")
    assert seen() == [("hf:tiny/bert", 40)]
    number = generations.numbers(empty)
    assert seen() == [("hf:tiny/bert", 40)]
    assert generations.numbers(empty) == number, "nothing new, nothing published"

    other = SOURCE | {"handle": "hf:tiny/t5", "name": "tiny/t5"}
    newer = SOURCE | {"parameters": 41}
    put(empty.imported, newer, other, tag="author-tiny", read="2026-11-26")
    assert seen() == [("hf:tiny/bert", 41), ("hf:tiny/t5", 40)]
    (empty.imported / "hf-author-tiny.parquet").unlink()
    assert seen() == [("hf:tiny/bert", 40)]


def test_the_homes_snapshot_takes_the_packaged_ones_place(empty: Settings) -> None:
    put(empty.data / snapshots.FOLDER, DATASET, version="1")
    put(empty.imported, DATASET | {"size_bytes": 5}, version="2")
    with open_store(empty) as store:
        assert store.sql("SELECT version FROM store.imports") == [("2",)]
        assert store.sql("SELECT size_bytes FROM store.imported_datasets") == [(5,)]


def test_a_damaged_snapshot_is_an_error_that_names_it(empty: Settings) -> None:
    empty.imported.mkdir(parents=True)
    (empty.imported / "hf.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CatalogueError, match=r"hf\.parquet is no snapshot"), open_store(empty):
        pass


def test_all_that_comes_with_caniload_is_loaded_in_a_moment(settings: Settings) -> None:
    """A first use has two seconds for everything; the snapshots take a small part of them."""
    with duckdb.connect(":memory:") as database:
        database.execute("ATTACH ':memory:' AS next")
        generations.migrate(database, "next", 0)
        began = time.process_time()
        imported_tables.write(database, "next", settings)
        spent = time.process_time() - began
        counts = database.execute(
            "SELECT (SELECT sum(row_count) FROM next.imports), "
            "(SELECT count(*) FROM next.imported_sources) + "
            "(SELECT count(*) FROM next.imported_types) + "
            "(SELECT count(*) FROM next.imported_datasets)"
        ).fetchall()
    assert counts[0][0] == counts[0][1] >= 2856
    assert spent < 0.5
