"""Make a store of a million models, and time questions on it.

    python benchmarks/scale.py make HOME [MODELS]
    python benchmarks/scale.py ask HOME [ROUNDS] [KIND ...]

`make` draws the catalogue and its evidence in SQL (`scale_data`): the evidence as Parquet segments,
one a bucket of sources, each read, diagnosed, rooted and judged by the product's own code in
bounded memory, and written into one generation in the order in which publishing leaves it. `ask`
puts random questions of each kind, each in a process of its own whose peak of resident memory is
read of the kernel.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import scale_data as drawn

from caniload.catalog import generations, publishing, search_tables, segments, verdicts
from caniload.catalog.generations import Generation
from caniload.settings import Settings

PER_RANGE = 62_500
"""How many models' evidence one bucket of a hub holds."""

COUNTED = ("models", "sources", "claims", "imported_sources", "observations", "prints",
           "diagnoses", "cell_verdicts", "search_terms", "search_words")  # fmt: skip
"""The tables whose rows `make` counts in the end."""

LIMIT_MS = 300.0
LIMIT_BYTES = 2e9


def make(home: Path, models: int) -> None:
    """Draw and publish; says what each step took."""
    settings = Settings.read({"CANILOAD_HOME": str(home)})
    shutil.rmtree(home, ignore_errors=True)
    generations.folder(settings).mkdir(parents=True)
    draft = generations.folder(settings) / "000001.part"
    began = time.perf_counter()
    names = _draw(settings, models)
    _say("drawn as Parquet", began)
    began = time.perf_counter()
    with _connected(home) as database:
        database.execute("ATTACH ':memory:' AS store")
        generations.migrate(database, "store", 0)
        verdicts.create_views(database)
        _attach(database, draft)
        generations.migrate(database, "next", 0)
        _catalogue(database, settings, models)
    _say("catalogue and search tables", began)
    began = time.perf_counter()
    for hub, place, name in names:
        with _connected(home) as database:
            _judge(database, settings, draft, name, f"{hub}-{place}")
    _say("evidence read, diagnosed, judged", began)
    began = time.perf_counter()
    with _connected(home) as database:
        _attach(database, draft)
        _merge(database, home, names)
        database.execute(
            f"INSERT INTO next.meta VALUES ({generations.schema_version()}, 1, "
            "now()::TIMESTAMP, 'drawn'); CHECKPOINT next; DETACH next"
        )
    _say("merged in order", began)
    shutil.rmtree(home / "parts")
    found = Generation(
        1,
        generations.schema_version(),
        tuple(sorted(name for _, _, name in names)),
        generations.content(settings.data, settings.imported),
        generations.stamp(settings.data, settings.imported),
        datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
    )
    draft.replace(found.path(settings))
    generations.write_current(settings, found)
    with duckdb.connect(str(found.path(settings)), read_only=True) as database:
        for table in COUNTED:
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
            print(f"{count:>12,} {table}")
    parquet = sum(path.stat().st_size for path in settings.segments.glob("*/*.parquet"))
    size = found.path(settings).stat().st_size
    print(f"{size / 1e9:.2f} GB generation, {parquet / 1e9:.2f} GB of Parquet segments")


def _draw(settings: Settings, models: int) -> list[tuple[str, int, str]]:
    """Write the evidence as one finished segment a bucket; returns hub, range and name of each."""
    exceptions = json.dumps([{"type": "ImportError", "message": drawn.NO_TF, "relation": "raised"}])
    names = []
    with _connected(settings.home) as database:
        _draw_catalogue(database, models)
        for number, (hub, place) in enumerate(_buckets(models)):
            name = f"20261124T{place:02d}0000Z-{number:06x}"
            folder = settings.segments / name
            folder.mkdir(parents=True)
            database.execute(
                f"CREATE OR REPLACE TABLE made AS {drawn.OBSERVATIONS}",
                {
                    "hub": hub,
                    "first": place * PER_RANGE,
                    "last": (place + 1) * PER_RANGE,
                    "no_tf": drawn.NO_TF,
                    "exceptions": exceptions,
                },
            )
            _copy(database, f"SELECT {drawn.OBSERVED} FROM made", folder / segments.OBSERVATIONS)
            _copy(
                database,
                f"SELECT {drawn.SETTLED} FROM made GROUP BY run_id, cell_id",
                folder / segments.SETTLEMENTS,
            )
            (folder / segments.MARKER).write_text(json.dumps({"schema_version": 1, "run_id": name}))
            names.append((hub, place, name))
    return names


def _buckets(models: int) -> Iterator[tuple[str, int]]:
    """Yield hub and range of each bucket, in the order of their sources."""
    for hub in drawn.HUBS:
        for place in range(-(-models // PER_RANGE)):
            yield hub, place


def _draw_catalogue(database: duckdb.DuckDBPyConnection, models: int) -> None:
    database.execute(drawn.MODELS, {"models": models})
    database.execute(drawn.SOURCES)


def _catalogue(database: duckdb.DuckDBPyConnection, settings: Settings, models: int) -> None:
    """Write what comes with caniload, what was drawn, and the search tables of both."""
    publishing._write_authored(database, settings, ready=False)
    _draw_catalogue(database, models)
    database.execute(drawn.AUTHORED)
    for table in search_tables.TABLES:
        database.execute(f"DELETE FROM next.{table}")
    search_tables.write(database, "next", settings.data)
    database.execute("CHECKPOINT next; DETACH next")


def _judge(
    database: duckdb.DuckDBPyConnection, settings: Settings, draft: Path, name: str, part: str
) -> None:
    """Read one segment as a reader reads a newer one, and keep what is derived of it."""
    database.execute("ATTACH ':memory:' AS store")
    generations.migrate(database, "store", 0)
    verdicts.create_views(database)
    _attach(database, draft)
    database.execute("INSERT INTO store.failure_rules FROM next.failure_rules")
    segments.load_newer(database, settings, [name])
    verdicts.diagnose_rows(
        database, verdicts.rules_of(database), "newer_observations", "newer_diagnoses"
    )
    verdicts.root(database, "newer_observations", "newer_lineage")
    database.execute("INSERT INTO fresh_groups SELECT DISTINCT group_key FROM newer_lineage")
    verdicts.judge_newer(database)
    database.execute(
        "INSERT INTO next.observations FROM newer_observations ORDER BY source, started_at, id;"
        "INSERT INTO next.prints FROM newer_prints ORDER BY observation_id, output;"
        "INSERT INTO next.diagnoses FROM newer_diagnoses"
    )
    folder = settings.home / "parts" / part
    folder.mkdir(parents=True, exist_ok=True)
    for table, order in (
        ("newer_settlements", "run_id"),
        ("newer_lineage", "model"),
        ("fresh_verdicts", "model"),
    ):
        _copy(database, f"FROM {table} ORDER BY {order}", folder / f"{table}.parquet")
    database.execute("DETACH next")


def _merge(
    database: duckdb.DuckDBPyConnection, home: Path, names: list[tuple[str, int, str]]
) -> None:
    """Bring what was derived of the buckets into the order in which publishing leaves it."""
    for place in sorted({place for _, place, _ in names}):
        parts = f"{home}/parts/*-{place}"
        database.execute(
            f"INSERT INTO next.cell_verdicts FROM read_parquet('{parts}/fresh_verdicts.parquet') "
            "ORDER BY model, source, loader, framework, cell_id;"
            f"INSERT INTO next.lineage FROM read_parquet('{parts}/newer_lineage.parquet') "
            "ORDER BY model, observation_id"
        )
    every = f"read_parquet('{home}/parts/*/newer_settlements.parquet')"
    runs = [row[0] for row in database.execute(f"SELECT DISTINCT run_id FROM {every}").fetchall()]
    runs.sort()
    for first in range(0, len(runs), 50):
        chosen = runs[first : first + 50]
        database.execute(
            f"INSERT INTO next.settlements FROM {every} WHERE run_id BETWEEN ? AND ? "
            "ORDER BY run_id, cell_id",
            [chosen[0], chosen[-1]],
        )


def _connected(home: Path) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(":memory:")
    database.execute(
        f"SET temp_directory = '{home}/tmp'; SET memory_limit = '6GB'; SET threads = 2;"
        "SET preserve_insertion_order = true"
    )
    return database


def _attach(database: duckdb.DuckDBPyConnection, draft: Path) -> None:
    database.execute(f"ATTACH '{draft}' AS next (STORAGE_VERSION 'v1.5.0')")


def _copy(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def _say(what: str, began: float) -> None:
    print(f"{time.perf_counter() - began:>10.1f} s {what}", flush=True)


def cold(home: Path, rounds: int) -> dict[str, Any]:
    """Time `caniload check MODEL` as processes of their own, start to end."""
    import scale_questions

    program = Path(sys.executable).parent / "caniload"
    times = []
    peak = 0
    for model, _, _ in scale_questions.asked_for(home, rounds):
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(program), "check", model, "--format", "json"],
            env={**os.environ, "CANILOAD_HOME": str(home), "VIRTUAL_ENV": sys.prefix},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        times.append((time.perf_counter() - began) * 1e3)
        if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
            assert child.stderr is not None
            raise SystemExit(f"check {model}: {child.stderr.read().decode()}")
        peak = max(peak, usage.ru_maxrss * 1024)
    return {"kind": "cold check", **scale_questions.figures(times), "peak_bytes": peak}


KINDS = ("check", "matrix", "gaps", "whole", "search", "facets", "cold")
"""What is asked: of one model, of all with a limit, by words, by facets; and cold processes."""


def ask(home: Path, rounds: int, kinds: tuple[str, ...]) -> int:
    """Ask all kinds; 1 where one is slower or larger than promised."""
    held = True
    for kind in kinds:
        if kind == "cold":
            told = cold(home, min(rounds, 40))  # a start takes as long whatever is asked
        else:
            script = Path(__file__).with_name("scale_questions.py")
            done = subprocess.run(
                [sys.executable, str(script), str(home), kind, str(rounds)],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            told = json.loads(done.stdout)
        holds = told["p95_ms"] <= LIMIT_MS and told["peak_bytes"] <= LIMIT_BYTES
        held = held and holds
        mark = "" if holds else "NOT HELD"
        spent = f"{told['cpu_ms']:.1f} ms of processor" if "cpu_ms" in told else ""
        print(f"{_row(kind, told)} {told['peak_bytes'] / 1e6:>6.0f} MB {spent} {mark}")
        for form, figures in told.get("forms", {}).items():
            print(_row(f"  {form}", figures), flush=True)
    return 0 if held else 1


def _row(name: str, told: dict[str, Any]) -> str:
    return (
        f"{name:<28} {told['count']:>4} {told['median_ms']:>8.1f} {told['p95_ms']:>8.1f} "
        f"{told['max_ms']:>8.1f} ms"
    )


def main() -> int:
    home = Path(sys.argv[2]).absolute()
    if sys.argv[1] == "make":
        make(home, int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000)
        return 0
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    return ask(home, rounds, tuple(sys.argv[4:]) or KINDS)


if __name__ == "__main__":
    sys.exit(main())
