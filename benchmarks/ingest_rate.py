"""Ingest many observations from Parquet, all checks on, and say how many a second.

    python benchmarks/ingest_rate.py [OBSERVATIONS]

Two kinds of rows, in segments of 20,000, written by the program's own `journal.row`: of attempts
that passed, each with the lock of 41 packages and a fingerprint of 256 samples (as most of what a
sweep leaves behind), and of attempts that failed at import, with their exception.
Every row has an id and a cell of its own. Timed is `publishing.ingest` into an empty home, from
the files in the page cache to the folders renamed and synced; the best and the median of three.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from caniload.catalog import publishing
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS, ddl
from caniload.records import (
    Cell,
    Device,
    Environment,
    ExceptionFact,
    Fingerprint,
    Observation,
    Observer,
    OutputPrint,
    Recipe,
    RunHeader,
    Sandbox,
    cell_id,
)
from caniload.runs.journal import row
from caniload.settings import Settings

SEGMENT = 20_000
SHAPES = 200
"""Rows that are written by the program; the others are their copies under other names."""
ROUNDS = 3
NAME = "nameless"
"""Stands in a shape where each copy has its number."""
START = datetime(2026, 11, 1, tzinfo=UTC)
OBSERVER = Observer(name="ci", caniload_version="0.1.0", machine="m", cpu_count=2, memory_bytes=1)
LOCK = {f"package-{n:02d}": f"1.{n}.0" for n in range(40)} | {"torch": "2.13.0"}


def observation(number: int, run_id: str, *, passed: bool) -> Observation:
    environment = Environment(
        name="vision", python="3.11.7", python_minor="3.11", platform="linux-x86_64",
        decisive={"torch": "2.13.0", "timm": "1.0.22"}, lock=LOCK,
    )  # fmt: skip
    recipe = Recipe(inputs={"kind": "image", "size": 224})
    at = START + timedelta(seconds=number)
    values = tuple(((number + 1) * (index + 1) % 977) / 977.123456789 for index in range(256))
    printed = OutputPrint(
        name="logits", shape=(2, 1000), dtype="float32", mean=0.1, rms=1.0, samples=values
    )
    failure = ExceptionFact(
        type="builtins.ImportError", message="cannot import name 'TFBertModel' from 'transformers'"
    )
    return Observation(
        id=f"{run_id}-{NAME}",
        run_id=run_id,
        cell=Cell(
            model=None, handle=f"hf:bench/{NAME}@{number:040x}#safetensors",
            loader="timm", framework="pytorch", environment="vision",
            environment_key=environment.key, device="cpu", recipe=recipe,
        ),
        started_at=at,
        finished_at=at + timedelta(seconds=2, microseconds=123456),
        outcome="passed" if passed else "failed",
        stage="check" if passed else "import",
        evidence_level="pretrained" if passed else None,
        stage_seconds={"import": 3.1, "load": 0.2, "run": 0.1, "check": 0.05} if passed else {},
        wall_seconds=4.0,
        exceptions=() if passed else (failure,),
        message="" if passed else failure.message,
        fingerprint=Fingerprint(recipe_hash=recipe.hash, outputs=(printed,)) if passed else None,
        numbers={"parent_seconds": 0.1},
        environment=environment,
        device=Device(kind="cpu"),
        sandbox=Sandbox(kind="bubblewrap", network=False, memory="cgroup1", processes="cgroup"),
        peak_memory_bytes=500_000_000,
        observer=OBSERVER,
    )  # fmt: skip


def write(folder: Path, count: int, *, passed: bool) -> float:
    """Write one finished segment; return the bytes of a record."""
    run_id = folder.name
    shapes = [row(observation(n, run_id, passed=passed)) for n in range(SHAPES)]
    folder.mkdir(parents=True)
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE shapes ({ddl(OBSERVATION_COLUMNS)})")
        marks = ", ".join("?" for _ in OBSERVATION_COLUMNS)
        database.executemany(f"INSERT INTO shapes VALUES ({marks})", shapes)
        named = ("id", "handle", "source")
        replaced = ", ".join(f"replace({c}, '{NAME}', 'm' || k) AS {c}" for c in named[:3])
        for column, colon in (("record", ":"), ("fingerprint", ": ")):  # none is like another
            text = f"replace({column}, '\"mean\"{colon}0.1', '\"mean\"{colon}0.1' || k)"
            replaced += f", replace({text}, '{NAME}', 'm' || k) AS {column}"
        database.execute(
            f"CREATE TABLE rows AS SELECT * REPLACE ({replaced}) FROM "
            f"(SELECT s.*, k FROM range({count}) t(k) JOIN "
            "(SELECT *, row_number() OVER () - 1 AS n FROM shapes) s "
            f"ON s.n = k % {SHAPES}) q"
        )
        listed = folder / "cells.csv"
        cells = database.execute(
            "SELECT handle, loader, framework, environment_key, device, recipe_hash FROM rows"
        ).fetchall()
        listed.write_text(
            "handle,id\n" + "".join(f"{cell[0]},{_cell_id(*cell)}\n" for cell in cells)
        )
        database.execute(
            f"UPDATE rows SET cell_id = c.id FROM read_csv('{listed}', all_varchar=true) c "
            "WHERE c.handle = rows.handle"
        )
        listed.unlink()
        database.execute("ALTER TABLE rows DROP k; ALTER TABLE rows DROP n")
        database.execute(f"CREATE TABLE ended ({ddl(SETTLEMENT_COLUMNS)})")
        database.execute(
            "INSERT INTO ended "
            "SELECT run_id, cell_id, to_json([id]), outcome, finished_at FROM rows"
        )
        for name, table in (("observations", "rows"), ("settlements", "ended")):
            target = folder / f"{name}.parquet"
            how = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10240"
            database.execute(f"COPY {table} TO '{target}' ({how})")
        size = database.execute("SELECT avg(strlen(record)) FROM rows").fetchall()[0][0]
    header = RunHeader(
        run_id=run_id, started_at=START, command="bench", observer=OBSERVER, cells=()
    )
    names = ("observations.parquet", "settlements.parquet")
    marker = {
        "schema_version": 1,
        "run_id": run_id,
        "observations": count,
        "settlements": count,
        "sha256": {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names},
        "header": json.loads(header.model_dump_json()),
    }
    (folder / "run.json").write_text(json.dumps(marker))
    return float(size)


def _cell_id(handle: str, loader: str, framework: str, key: str, device: str, recipe: str) -> str:
    return cell_id(handle, loader, framework, key, device, recipe, "attempt", None, None)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        for passed in (True, False):
            root = Path(folder) / ("passed" if passed else "failed")
            size = 0.0
            for number in range(count // SEGMENT):
                size = write(
                    root / f"20261101T0000{number:02d}Z-00000{passed:d}", SEGMENT, passed=passed
                )
            took = []
            for again in range(ROUNDS):
                settings = Settings.read({"CANILOAD_HOME": f"{folder}/{root.name}-{again}"})
                began = time.perf_counter()
                report = publishing.ingest(settings, [root])
                took.append(time.perf_counter() - began)
                assert (report.added, report.rejected) == (count // SEGMENT * SEGMENT, ())
            best, middle = report.added / min(took), report.added / statistics.median(took)
            print(
                f"{root.name}: {report.added:,} observations, record {size:,.0f} bytes: "
                f"best {best:,.0f} a second, median {middle:,.0f}"
            )


if __name__ == "__main__":
    main()
