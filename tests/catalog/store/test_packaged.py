"""Evidence that comes with caniload answers from a fresh home, and is labelled as another's."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from caniload.catalog.questions import matrix
from caniload.catalog.store import open_store
from caniload.settings import Settings


def test_packaged_segments_are_read_where_nothing_was_measured(settings: Settings) -> None:
    packaged = sorted(path.parent.name for path in settings.data.glob("evidence/*/run.json"))
    assert packaged
    with open_store(settings) as store:
        rows = store.sql("SELECT DISTINCT run_id, whom FROM observations ORDER BY run_id")
        cells = matrix(store, "all-minilm-l6-v2", framework="pytorch")
    assert [run for run, _ in rows] == packaged
    assert {whom for _, whom in rows} == {"other"}
    assert cells[0].verdict == "works"


def test_evidence_that_is_new_in_the_data_is_seen_at_the_next_look(
    settings: Settings, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(settings.data, data, ignore=shutil.ignore_patterns("evidence"))
    moved = replace(settings, data=data)
    with open_store(moved) as store:
        assert store.sql("SELECT count(*) FROM observations") == [(0,)]
    shutil.copytree(settings.data / "evidence", data / "evidence")
    with open_store(moved) as store:
        (count,) = store.sql("SELECT count(*) FROM observations")[0]
        again = store.sql("SELECT count(DISTINCT id) FROM observations")
    assert count > 0
    assert again == [(count,)]


def test_what_this_home_measured_itself_stays_its_own(settings: Settings) -> None:
    shutil.copytree(settings.data / "evidence", settings.segments)
    with open_store(settings) as store:
        origins = store.sql("SELECT DISTINCT origin FROM observations")
    assert origins == [("local",)]
