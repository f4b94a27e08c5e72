"""A snapshot is what an importer's lines say, the same bytes for the same facts, or nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from caniload.catalog.upstream import snapshots
from caniload.catalog.upstream.importing import take
from caniload.errors import CatalogueError

HEADER = {
    "kind": "header",
    "catalogue": "timm",
    "upstream": "pypi:timm",
    "version": "1.0.31",
    "read": "2026-11-25",
}


def source(name: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "source",
        "catalogue": "timm",
        "handle": f"timm:{name}",
        "name": name,
        "tasks": ["image-classification"],
        "frameworks": ["pytorch"],
        "parameters": 11_000_000,
        "licence": "apache-2.0",
        "published": "2024-02-29",
        "metrics": {"top5": 89.5, "top1": 70},
        "facts": {"input": "3x224x224", "crop": 0.875},
        **more,
    }


FACTS = [source("resnet18.a1_in1k"), source("resnet50.a1_in1k"), source("vit_b.augreg")]


def lines(*facts: dict[str, Any], **head: Any) -> list[str]:
    return [json.dumps(each) for each in (HEADER | head, *facts)]


def test_the_same_facts_in_any_order_are_the_same_bytes(tmp_path: Path) -> None:
    first = take(lines(*FACTS), "timm", tmp_path / "a")
    written = (tmp_path / "a" / "timm.parquet").read_bytes()
    assert (first.written, first.rows, first.changes.added) == (
        True,
        3,
        tuple(f"{fact['handle']} {fact['name']}" for fact in FACTS),
    )
    shuffled = [{**dict(reversed(fact.items())), "languages": []} for fact in reversed(FACTS)]
    take(lines(*shuffled), "timm", tmp_path / "b")
    assert (tmp_path / "b" / "timm.parquet").read_bytes() == written

    later = take(lines(*FACTS, read="2026-12-24"), "timm", tmp_path / "a")
    assert (later.differs, later.written, later.read) == (False, False, "2026-11-25")
    assert (tmp_path / "a" / "timm.parquet").read_bytes() == written

    kept = snapshots.read(tmp_path / "a" / "timm.parquet")
    assert kept.head == snapshots.Head("source", "timm", "pypi:timm", "1.0.31", "2026-11-25")
    (row,) = [row for row in kept.rows if row["name"] == "resnet50.a1_in1k"]
    assert row["licence"] == "Apache-2.0"
    assert (row["published"], row["parameters"]) == ("2024-02-29", 11_000_000)
    assert row["metrics"] == {"top1": 70, "top5": 89.5}
    assert row["facts"] == {"crop": 0.875, "input": "3x224x224"}
    assert (row["languages"], row["sha256"]) == ([], None)

    stated = yaml.safe_load((tmp_path / "a" / "provenance.yaml").read_text("utf-8"))
    assert stated["timm.parquet"]["sha256"] == hashlib.sha256(written).hexdigest()
    assert (stated["timm.parquet"]["rows"], stated["timm.parquet"]["version"]) == (3, "1.0.31")


def test_what_was_added_changed_and_is_gone_is_told(tmp_path: Path) -> None:
    take(lines(*FACTS), "timm", tmp_path)
    before = (tmp_path / "timm.parquet").read_bytes()
    grown = source("resnet50.a1_in1k", metrics={"top1": 71})
    now = lines(FACTS[0], grown, source("vit_l.augreg"), version="1.0.32")
    checked = take(now, "timm", tmp_path, check=True)
    assert (checked.differs, checked.written) == (True, False)
    assert (tmp_path / "timm.parquet").read_bytes() == before
    done = take(now, "timm", tmp_path)
    assert done.written
    assert done.changes == checked.changes
    assert done.former_version == "1.0.31"
    assert done.changes.added == ("timm:vit_l.augreg vit_l.augreg",)
    assert done.changes.changed == ("timm:resnet50.a1_in1k resnet50.a1_in1k",)
    assert done.changes.gone == ("timm:vit_b.augreg vit_b.augreg",)
    assert not take(now, "timm", tmp_path, check=True).differs
    renewed = take(lines(FACTS[0], grown, source("vit_l.augreg"), version="2"), "timm", tmp_path)
    assert (bool(renewed.changes), renewed.written) == (False, True)


WRONG = {
    "no JSON": (["{'kind': 1}"], "line 1: no JSON"),
    "an empty output": ([], "gave nothing"),
    "a header alone": (lines(), "a header and no facts"),
    "no header": ([json.dumps(FACTS[0])], "line 1: kind: the first line is no header"),
    "two headers": (lines(FACTS[0], HEADER), "line 3: kind: the header stands once"),
    "another catalogue": (lines(FACTS[0], catalogue="hf"), "line 1: catalogue: 'hf'"),
    "another kind": (lines({"kind": "model"}), "line 2: kind: 'model' is none of"),
    "a count as text": (
        lines(FACTS[0], source("x", parameters="11")),
        "line 3: parameters: Input should be a valid integer",
    ),
    "an unknown field": (lines(source("x", about="Prose.")), "line 2: about: Extra inputs"),
    "prose in a fact": (
        lines(source("x", facts={"about": "word " * 60})),
        "line 2: facts.about",
    ),
    "several lines in a fact": (
        lines(source("x", architecture="one\ntwo")),
        "line 2: architecture: Value error, a fact stands on one line",
    ),
    "a task of its own": (
        lines(source("x", tasks=["classify"])),
        "line 2: tasks.0: Value error, 'classify' is no Hugging Face pipeline tag",
    ),
    "a handle that is none": (lines(source("x", handle="resnet")), "line 2: handle: "),
    "one key twice": (
        lines(FACTS[0], FACTS[1], FACTS[0]),
        "line 4: handle: 'timm:resnet18.a1_in1k resnet18.a1_in1k' stands in line 2 already",
    ),
    "two kinds": (
        lines(FACTS[0], {"kind": "dataset", "catalogue": "timm", "name": "x"}),
        "line 3: kind: 'dataset' stands among 'source' lines",
    ),
    "a number that is none": (
        [*lines(FACTS[0]), json.dumps(source("x", metrics={"top1": float("nan")}))],
        "line 3: metrics.top1",
    ),
    "four wrong lines": (
        lines(*(source(f"x{n}", parameters=-1) for n in range(4))),
        "line 4: parameters: Input should be greater than or equal to 0; 1 more lines are wrong",
    ),
}


@pytest.mark.parametrize(("given", "says"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named_by_line_and_field_and_nothing_is_written(
    tmp_path: Path, given: list[str], says: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        take(given, "timm", tmp_path / "none")
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_a_damaged_snapshot_is_told_apart_from_one_that_changed(tmp_path: Path) -> None:
    take(lines(*FACTS), "timm", tmp_path)
    path = tmp_path / "timm.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CatalogueError, match=r"timm\.parquet is no snapshot"):
        take(lines(*FACTS), "timm", tmp_path)
