"""The snapshots that come with caniload: what is in them, and that each says where it is from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import yaml

from caniload.catalog.upstream import importing, snapshots
from caniload.catalog.upstream.snapshots import Snapshot
from caniload.handles import parse
from caniload.loaders.fetch.tfhub import _named
from caniload.loaders.specs import load_specs
from caniload.settings import Settings
from caniload.words import FRAMEWORKS

FOLDER = Settings.read({}).data / snapshots.FOLDER
FILES = snapshots.files(FOLDER)
ELSEWHERE = {"tfjs"}
"""What is claimed for a framework that no loader of ours serves."""


def read(name: str) -> Snapshot:
    return snapshots.read(FOLDER / f"{name}.parquet")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_snapshot_satisfies_the_schema_and_would_be_written_the_same(
    path: Path, tmp_path: Path
) -> None:
    kept = snapshots.read(path)
    head = {
        "kind": "header",
        "catalogue": kept.head.catalogue,
        "upstream": kept.head.upstream,
        "version": kept.head.version,
        "read": kept.head.read,
    }
    lines = [head, *({"kind": kept.head.kind, **row} for row in kept.rows)]
    report = importing.take(map(json.dumps, lines), kept.head.catalogue, tmp_path)
    assert report.file.name == path.name
    assert snapshots.read(report.file) == kept
    assert date.fromisoformat(kept.head.read) <= date.today()
    loaders = load_specs()
    for row in kept.rows if kept.head.kind == "source" else ():
        assert set(row["loaders"]) <= set(loaders), row["handle"]
        assert set(row["frameworks"]) <= {*FRAMEWORKS, *ELSEWHERE}, row["handle"]


def test_provenance_names_every_snapshot_with_its_rows_and_hash() -> None:
    stated = yaml.safe_load((FOLDER / snapshots.PROVENANCE).read_text("utf-8"))
    assert set(stated) == {path.name for path in FILES}
    for path in FILES:
        kept = snapshots.read(path)
        said = stated[path.name]
        assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (said["rows"], str(said["read"])) == (len(kept.rows), kept.head.read)
        assert (said["catalogue"], said["upstream"], said["version"]) == (
            kept.head.catalogue,
            kept.head.upstream,
            kept.head.version,
        )


def test_all_snapshots_leave_the_wheel_room() -> None:
    assert sum(path.stat().st_size for path in FILES) < 700_000


def test_tf_hub_is_whole_and_joined() -> None:
    rows = read("tfhub").rows
    kinds = Counter(row["facts"]["kind"] for row in rows)
    assert kinds == {"Module": 1815, "Lite": 372, "Tfjs": 358, "Coral": 3}
    assert len({row["handle"] for row in rows}) == 2548
    handles = {row["handle"] for row in rows}
    children = [row for row in rows if row["facts"]["kind"] != "Module"]
    assert {row["parent"] for row in children if row["parent"]} <= handles
    # 392 name a module, 6 the one version of it; 320 a placeholder, 15 what is not there.
    assert (len(children), sum(row["parent"] is not None for row in children)) == (733, 392 + 6)
    assert all((row["parent"] is None) == ("made_of" in row["facts"]) for row in children)
    for row in rows:
        assert _named(parse(row["handle"])) == parse(row["handle"])


def test_pytorch_hub_has_all_pages_and_onnx_hub_all_files() -> None:
    rows = read("pytorch-hub").rows
    pages = {page for row in rows for page in row["facts"]["pages"].split(", ")}
    assert (len(pages), len(rows)) == (52, 124)
    files = read("onnx-hub").rows
    assert (len(files), len({row["handle"] for row in files})) == (184, 184)
    assert all(row["sha256"] and row["size_bytes"] for row in files)
