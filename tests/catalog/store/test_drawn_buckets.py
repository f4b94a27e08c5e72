"""What benchmarks/scale.py judges bucket by bucket is what one publishing of it all would give."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from caniload.catalog import publishing
from caniload.settings import Settings

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
OF_DRAWN = {
    "observations": "machine = 'drawn'",
    "cell_verdicts": "machine = 'drawn'",
    "settlements": "run_id IN (SELECT run_id FROM a.observations)",
    **dict.fromkeys(
        ("prints", "diagnoses", "lineage"), "observation_id IN (SELECT id FROM a.observations)"
    ),
}
"""The tables of evidence and what is derived of it, and what of each was drawn."""

pytestmark = pytest.mark.slow


def test_buckets_judged_one_by_one_are_the_whole_judged_at_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scale
    import scale_data

    monkeypatch.setattr(scale_data, "HUBS", scale_data.HUBS[:2])
    monkeypatch.setattr(scale, "PER_RANGE", 20)
    scale.make(tmp_path / "buckets", 40)
    for name in ("scale", "scale_data"):
        sys.modules.pop(name)
    at_once = Settings.read({"CANILOAD_HOME": str(tmp_path / "once")})
    shutil.copytree(tmp_path / "buckets" / "segments", at_once.segments)
    made = publishing.publish(at_once).path(at_once)
    (drawn,) = (tmp_path / "buckets" / "store" / "generations").glob("*.duckdb")
    with duckdb.connect(":memory:") as database:
        database.execute(f"ATTACH '{drawn}' AS a (READ_ONLY); ATTACH '{made}' AS b (READ_ONLY)")
        for table in OF_DRAWN:
            given = f"FROM a.{table}"
            # The other has the packaged evidence too.
            wanted = f"FROM b.{table} WHERE {OF_DRAWN[table]}"
            for one, other in ((given, wanted), (wanted, given)):
                assert database.execute(f"({one}) EXCEPT ALL ({other})").fetchall() == []
            (count,) = database.execute(f"SELECT count(*) {given}").fetchall()[0]
            assert count > 0, table
        models = database.execute("SELECT model FROM a.cell_verdicts").fetchall()
        assert models == sorted(models)
