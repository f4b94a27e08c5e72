"""What one reader derived of newer segments serves the next, and is never needed."""

from __future__ import annotations

import pytest

from caniload.catalog import overlay, publishing, questions
from caniload.catalog.store import open_store

pytestmark = pytest.mark.slow

MODEL = ("ValueError", "it cannot be loaded because incompatible")


@pytest.fixture
def newer(home, evidence):
    """A generation and a newer segment that changes what the generation says."""
    evidence.run({"outcome": "passed", "loader": "onnx", "off_by": 0.01})
    publishing.publish(home)
    evidence.run({"outcome": "passed"}, {"outcome": "failed", "error": MODEL, "loader": "flax"})
    return home


def told(settings):
    with open_store(settings) as store:
        cells = questions.check(store, "tiny").cells
        rows = store.sql("SELECT cell_id, verdict FROM cell_verdicts ORDER BY ALL")
        limited = questions.matrix(store, run=cells[0].run_id)
        return cells, rows, limited, store.query_user("SELECT count(*) FROM observations")


def test_the_second_reader_says_what_the_first_did(newer):
    first = told(newer)
    (kept,) = overlay.folder(newer).iterdir()
    written = kept.stat().st_mtime_ns
    assert told(newer) == first
    assert kept.stat().st_mtime_ns == written
    kept.unlink()
    assert told(newer) == first


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(9000)])
def test_a_damaged_one_is_made_again(newer, content):
    first = told(newer)
    (kept,) = overlay.folder(newer).iterdir()
    kept.write_bytes(content)
    assert told(newer) == first
    assert kept.stat().st_size > len(content)


def test_a_home_where_none_can_be_written_is_read_as_well(newer):
    overlay.folder(newer).write_text("in the way")
    assert told(newer) == told(newer)


def test_one_more_segment_replaces_it_and_publishing_forgets_it(newer, evidence):
    told(newer)
    before = set(overlay.folder(newer).iterdir())
    evidence.run({"outcome": "passed", "loader": "keras-hub"})
    told(newer)
    after = set(overlay.folder(newer).iterdir())
    assert len(after) == 1
    assert not before & after
    for _ in range(3):
        publishing.publish(newer)
    assert not list(overlay.folder(newer).iterdir())
