"""Segments that lie elsewhere: by URL, with provenance, within limits."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from loopback.server import Answer, Server

from caniload.catalog import publishing, segment_checks, segment_places
from caniload.catalog.store import open_store
from caniload.errors import CorruptSegmentError, CorruptStoreError, UnreadableFileError

FILES = ("observations.parquet", "settlements.parquet", "run.json")


@pytest.fixture
def handed(evidence, tmp_path):
    def write(*described, run_id=None):
        root = tmp_path / "handed"
        root.mkdir(exist_ok=True)
        return root / evidence.run(*described, home=root, run_id=run_id)

    return write


@pytest.fixture
def web(handed):
    """A web server with one segment at /night/one."""
    folder = handed({"outcome": "passed"}, {"outcome": "timed_out"})
    with Server() as server:
        for name in FILES:
            server.files[f"/night/one/{name}"] = (folder / name).read_bytes()
        yield server


def test_a_web_server_s_segment_is_taken_in_once_and_says_where_it_is_from(home, web):
    url = web.base.replace("http://", "http://user:secret@") + "/night/one"
    for place in (f"{url}/run.json", url):
        report = publishing.ingest(home, [place])
    assert (report.added, report.known) == (0, 2)
    (name,) = [path.name for path in home.segments.iterdir()]
    told = json.loads((home.segments / name / "ingested.json").read_text())
    assert told["from"] == f"{web.base}/night/one"
    assert (told["observer"], told["machine"], told["run_id"]) == ("me", "test", name)
    with open_store(home) as store:
        assert store.sql("SELECT origin, whom FROM observations") == [("ingested", "other")] * 2
    assert not list(home.home.glob(".fetched-*"))


def test_what_the_server_changes_on_the_way_is_refused(home, web):
    whole = web.files["/night/one/observations.parquet"]
    for broken in (whole[:-100], whole[:100] + b"x" + whole[101:], b"<html>log in</html>"):
        web.files["/night/one/observations.parquet"] = broken
        with pytest.raises(CorruptSegmentError, match=r"is not the file that run\.json names"):
            publishing.ingest(home, [f"{web.base}/night/one"])
    web.files["/night/one/observations.parquet"] = whole
    del web.files["/night/one/settlements.parquet"]
    with pytest.raises(CorruptSegmentError, match=r"holds no settlements\.parquet"):
        publishing.ingest(home, [f"{web.base}/night/one"])
    assert not home.segments.exists() or not list(home.segments.iterdir())


def test_a_file_without_end_is_cut_off(home, web, monkeypatch):
    monkeypatch.setitem(segment_places.FILES, "observations.parquet", 1000)
    with pytest.raises(CorruptSegmentError, match="larger than 1,000 bytes"):
        publishing.ingest(home, [f"{web.base}/night/one"])


def test_a_place_that_is_none_is_said(home, web):
    with pytest.raises(UnreadableFileError, match=r"no run\.json lies there"):
        publishing.ingest(home, [f"{web.base}/nothing"])
    web.routes.append(lambda asked: Answer(b"", 403))
    with pytest.raises(UnreadableFileError, match="403"):
        publishing.ingest(home, [f"{web.base}/night/one"])
    with pytest.raises(UnreadableFileError, match="nowhere"):
        publishing.ingest(home, ["nowhere://x/y"])


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_what_was_put_below_a_url_is_taken_in_from_there(home, handed, tmp_path, scheme):
    base = f"file://{tmp_path}/bucket" if scheme == "file" else f"memory://{tmp_path.name}/bucket"
    one, two = handed({"outcome": "passed"}), handed({"outcome": "failed"})
    for folder in (one, two, one):
        assert segment_places.put(folder, base) == f"{base}/{folder.name}"
    assert segment_places.listed(base) == (f"{base}/{one.name}", f"{base}/{two.name}")
    report = publishing.ingest(home, [base])
    assert (report.added, report.known) == (2, 0)
    assert publishing.ingest(home, [f"{base}/{one.name}"]).known == 1


@pytest.mark.parametrize("scheme", ["", "file", "memory"])
def test_segments_elsewhere_are_read_where_they_lie(home, handed, tmp_path, scheme):
    """Nothing of them is copied; what is put there later is there at the next publishing."""
    base = f"memory://{tmp_path.name}/shared" if scheme == "memory" else f"{tmp_path}/shared"
    url = f"file://{base}" if "://" not in base else base
    settings = dataclasses.replace(home, evidence=(url if scheme else base,))
    segment_places.put(handed({"outcome": "passed"}), url)
    for count in (1, 2):
        publishing.publish(settings)
        with open_store(settings) as store:
            rows = store.sql("SELECT origin, whom FROM observations")
        assert rows == [("ingested", "other")] * count
        segment_places.put(handed({"outcome": "failed"}), url)
    assert not settings.segments.exists() or not list(settings.segments.iterdir())


def test_a_place_elsewhere_that_is_damaged_is_named(home, handed, tmp_path):
    folder = handed({"outcome": "passed"})
    (folder / "observations.parquet").write_bytes(b"no parquet")
    settings = dataclasses.replace(home, evidence=(str(folder.parent),))
    with pytest.raises(CorruptStoreError, match="handed cannot be read"):
        publishing.publish(settings)


def rewrite(folder, statement):
    """Change rows and name the new file by its hash, as a faulty writer would."""
    path = folder / "observations.parquet"
    with duckdb.connect(":memory:") as database:
        database.execute(f"CREATE TABLE rows AS FROM '{path}'")
        database.execute(statement)
        database.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    marker = json.loads((folder / "run.json").read_text())
    marker["sha256"]["observations.parquet"] = segment_checks._sha256(path)
    (folder / "run.json").write_text(json.dumps(marker))


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE rows SET record = NULL", "has no record"),
        ("UPDATE rows SET outcome = 'splendid'", "unknown outcome"),
        ("UPDATE rows SET outcome = 'crashed'", "contradicts its record: outcome"),
        ("UPDATE rows SET cell_id = repeat('0', 24)", "contradicts its record: cell_id"),
        ("UPDATE rows SET loader = 'onnx'", "contradicts its record"),
        ("UPDATE rows SET environment_key = 'x'", "contradicts its record"),
        ("UPDATE rows SET source = 'hf:tiny/other'", "contradicts its record: source"),
        ("UPDATE rows SET started_at = started_at + INTERVAL 1 DAY", "contradicts its record"),
        ("UPDATE rows SET recipe_hash = 'x'", "contradicts its record"),
        ("UPDATE rows SET evidence_level = 'architecture'", "contradicts its record"),
        ("UPDATE rows SET id = '../x'", "not well-formed"),
        ("UPDATE rows SET record = replace(record, 'hf:tiny', 'hf:nope')", "contradicts"),
        ("INSERT INTO rows FROM rows", "2 observations, not 1"),
        ("ALTER TABLE rows ALTER attempt TYPE VARCHAR", "column attempt is VARCHAR"),
    ],
)
def test_a_row_that_contradicts_its_record_is_refused_whatever_its_hash(
    home, handed, statement, why
):
    folder = handed({"outcome": "passed"})
    rewrite(folder, statement)
    with pytest.raises(CorruptSegmentError, match=why):
        publishing.ingest(home, [folder])


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "3",
        '{"outputs": 3}',
        '{"outputs": [{"name": "x", "shape": [1], "mean": 0, "rms": "much", "samples": [0]}]}',
        '{"outputs": [{"name": "x", "shape": ["a"], "mean": 0, "rms": 0, "samples": [0]}]}',
    ],
)
def test_what_has_a_fingerprint_that_cannot_be_read_is_no_evidence(home, handed, written):
    folder = handed({"outcome": "passed"})
    change = f"UPDATE rows SET fingerprint = '{written}'"
    rewrite(folder, f"ALTER TABLE rows ALTER fingerprint TYPE VARCHAR; {change}")
    assert publishing.ingest(home, [folder]).added == 1
    publishing.publish(home)
    with open_store(home) as store:
        assert store.sql("SELECT outcome FROM observations") == []
        assert store.sql("SELECT * FROM prints") == []


def test_whole_rows_are_shown_to_agree_without_reading_each_record(home, handed, monkeypatch):
    """The quick way proves them all; one by one they are read only where it cannot."""
    folder = handed({"outcome": "passed"}, {"outcome": "failed"}, {"outcome": "crashed"})
    read = []
    monkeypatch.setattr(segment_checks, "_agrees", lambda row, run: read.append(row["id"]))
    assert len(segment_checks.Checker().check(folder).ids) == 3
    assert read == []
    rewrite(folder, "UPDATE rows SET stage = 'run' WHERE outcome = 'crashed'")
    segment_checks.Checker().check(folder)
    assert len(read) == 1
