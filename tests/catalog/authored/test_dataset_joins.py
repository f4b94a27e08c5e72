"""Datasets that libraries list hang under the entry that they are, by evidence, or not at all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from caniload.catalog import dataset_joining, lint
from caniload.catalog.dataset_joining import BY, FILE
from caniload.catalog.rules import Problem
from caniload.catalog.store import Store, open_store
from caniload.catalog.upstream import snapshots
from caniload.catalog.upstream.importing import take
from caniload.errors import CatalogueError
from caniload.settings import Settings

TODAY = date(2026, 11, 26)
DATA = Settings.read({"CANILOAD_HOME": "unused"}).data
Files = dict[str, dict[str, Any]]
Write = Callable[[Files], Path]

HASH = {"url": "https://x.org/digits.gz", "algorithm": "sha256", "value": "ab12"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "tfds": [
        {"name": "digits", "checksums": [HASH]},
        {"name": "digits", "config": "large"},
        {"name": "letters", "checksums": [HASH | {"url": "http://y.org/l.gz", "value": "cd"}]},
    ],
    "keras-datasets": [{"name": "digits", "checksums": [HASH | {"url": "http://x.org/digits.gz?d=1",
                                                               "value": "ef"}]}],
}  # fmt: skip
JOIN = {
    "dataset": "digits",
    "catalogue": "tfds",
    "name": "digits",
    "by": "checksum",
    "page": "tensorflow-datasets==4",
    "read": date(2026, 11, 25),
    "says": "The hashes are those of the entry.",
}
KERAS = JOIN | {"catalogue": "keras-datasets", "by": "url"}


@pytest.fixture
def make(clean: Files, write: Write) -> Callable[..., Path]:
    """A function that writes a catalogue with two snapshots and the joins that it is given."""

    def data(*joins: dict[str, Any]) -> Path:
        clean["datasets/digits.yaml"]["checksums"] = [
            HASH | {"page": "d==1", "read": "2026-11-23", "says": "It checks this."}
        ]
        folder = write(clean)
        (folder / FILE).parent.mkdir(exist_ok=True)
        (folder / FILE).write_text(yaml.safe_dump({"joins": list(joins)}))
        for catalogue, rows in ROWS.items():
            head = {"kind": "header", "catalogue": catalogue, "upstream": "pypi:d",
                    "version": "1", "read": "2026-11-25"}  # fmt: skip
            facts = [{"kind": "dataset", "catalogue": catalogue} | row for row in rows]
            lines = (json.dumps(line) for line in (head, *facts))
            take(lines, catalogue, folder / snapshots.FOLDER)
        (folder / "failures.yaml").write_bytes((DATA / "failures.yaml").read_bytes())
        return folder

    return data


def found(data: Path) -> list[Problem]:
    """What lint says of the joins."""
    return [each for each in lint.run(data, TODAY).problems if each.rule == "dataset_joins"]


def joined(store: Store) -> list[tuple[Any, ...]]:
    """The joins in a published generation."""
    return store.sql(
        "SELECT dataset, catalogue, name, config, rule FROM store.dataset_joins ORDER BY ALL"
    )


def test_rows_of_a_name_hang_under_the_entry_with_the_rule(
    make: Callable[..., Path], settings: Settings
) -> None:
    data = make(JOIN, KERAS)
    assert found(data) == []
    with open_store(replace(settings, data=data)) as store:
        assert joined(store) == [
            ("digits", "keras-datasets", "digits", None, "datasets:url"),
            ("digits", "tfds", "digits", "large", "datasets:checksum"),
            ("digits", "tfds", "digits", None, "datasets:checksum"),
        ]


def test_a_join_of_configurations_takes_no_other(
    make: Callable[..., Path], settings: Settings
) -> None:
    data = make(JOIN | {"configs": ["large"], "by": "source"})
    assert found(data) == []
    with open_store(replace(settings, data=data)) as store:
        assert [row[3] for row in joined(store)] == ["large"]


@pytest.mark.parametrize(
    ("joins", "says"),
    [
        ([JOIN | {"dataset": "figures"}], "no dataset has this id"),
        ([JOIN | {"read": date(2027, 1, 1)}], "no day on which it was read"),
        ([JOIN, JOIN | {"configs": ["large"], "by": "source"}], "digits has it already"),
        ([JOIN | {"name": "numbers"}], "no dataset of this name"),
        ([JOIN | {"configs": ["small"]}], "no configuration small"),
        ([JOIN | {"name": "letters"}], "none of its files has a hash of the entry"),
        ([JOIN | {"name": "letters", "by": "url"}], "none of its files has an address"),
    ],
)
def test_a_join_that_does_not_hold_is_found(
    make: Callable[..., Path], joins: list[dict[str, Any]], says: str
) -> None:
    (problem,) = found(make(*joins))
    assert says in problem.says
    assert problem.file == FILE


@pytest.mark.parametrize(
    "spoilt",
    [JOIN | {"by": "name"}, JOIN | {"catalogue": "hf"}, JOIN | {"says": ""}, JOIN | {"like": "d"}],
)
def test_a_join_without_evidence_is_no_join(
    make: Callable[..., Path], spoilt: dict[str, Any]
) -> None:
    data = make(spoilt)
    with pytest.raises(CatalogueError, match=r"joins\[0\]"):
        dataset_joining.read(data)
    assert len(found(data)) == 1


@pytest.fixture(scope="module")
def shipped() -> dict[str, dict[str, list[snapshots.Row]]]:
    """The rows of the shipped snapshots of datasets, by catalogue and name."""
    rows: dict[str, dict[str, list[snapshots.Row]]] = {}
    for catalogue in dataset_joining.CATALOGUES:
        names = rows.setdefault(catalogue, defaultdict(list))
        for row in snapshots.read(DATA / snapshots.FOLDER / f"{catalogue}.parquet").rows:
            names[row["name"]].append(row)
    return rows


def test_every_shipped_join_finds_its_rows(
    shipped: dict[str, dict[str, list[snapshots.Row]]],
) -> None:
    joins = dataset_joining.read(DATA)
    assert {join.by for join in joins} == set(BY)
    for join in joins:
        rows = shipped[join.catalogue].get(join.name, [])
        configs = {row["config"] for row in rows}
        assert rows, join
        assert set(join.configs) <= configs, join


def test_files_of_one_address_are_not_joined_to_two_entries(
    shipped: dict[str, dict[str, list[snapshots.Row]]],
) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for join in dataset_joining.read(DATA):
        if not join.configs:  # squad of tensorflow-datasets is two datasets, by configuration
            for row in shipped[join.catalogue][join.name]:
                for file in row["checksums"] or ():
                    owners[file["value"]].add(join.dataset)
    assert {value: ids for value, ids in owners.items() if len(ids) > 1} == {}


def test_mnist_is_one_dataset_in_three_libraries() -> None:
    mnist = {
        join.catalogue: join.by for join in dataset_joining.read(DATA) if join.dataset == "mnist"
    }
    assert mnist == {"tfds": "checksum", "torchvision-datasets": "file", "keras-datasets": "source"}
