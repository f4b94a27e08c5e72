"""Measure a night in which nothing has changed: 10,000 sources in six environments.

python benchmarks/unchanged_night.py ENVS WORK [ROUNDS]

Makes in WORK a catalogue of 10,000 pinned checkpoints, six environments that differ in the
version of transformers (their markers alone: nothing runs in them), and evidence of yesterday for
each of the 60,000 cells; publishes it, and then times `caniload nightly` whole, as a cold process:
its wall time, and the most memory it held. ENVS holds the built environment `pytorch`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from caniload.catalog import publishing
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.runs.envspecs import read_spec
from caniload.runs.night import orders
from caniload.runs.suite import read_suite
from caniload.settings import Settings

SOURCES, A_MODEL = 10_000, 50
RUN = "20261124T030000Z-000000"
SUITE = """
name = "unchanged"
max_age = "36500d"
environments = ["made-0", "made-1", "made-2", "made-3", "made-4", "made-5"]

[[models]]
hub = "hf"
"""
LIMIT_SECONDS, LIMIT_BYTES = 2.0, 300e6


class Silent:
    """Watch and say nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def main() -> int:
    """Make, publish, time."""
    if len(sys.argv) < 3:
        sys.stderr.write(__doc__ or "")
        return 2
    envs, work = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    environ = {
        "CANILOAD_HOME": str(work / "home"),
        "CANILOAD_ENVS": str(work / "envs"),
        "CANILOAD_DATA": str(work / "data"),
    }
    settings = Settings.read(environ)
    if not (work / "caniload.toml").exists():
        make(work, settings, envs)
    seconds, memory, said = [], [], ""
    for _ in range(rounds):
        took, held, said = once(work, environ)
        seconds.append(took)
        memory.append(held)
    found = {
        "seconds_median": round(statistics.median(seconds), 2),
        "seconds_best": round(min(seconds), 2),
        "memory_bytes_max": max(memory),
        "limit_seconds": LIMIT_SECONDS,
        "limit_bytes": LIMIT_BYTES,
        "coverage": said,
    }
    print(json.dumps(found, indent=1))
    fits = found["seconds_median"] < LIMIT_SECONDS and max(memory) < LIMIT_BYTES
    return 0 if fits else 1


def environments(settings: Settings, envs: Path) -> None:
    """Write six specifications, and the markers that building them would leave."""
    marker = json.loads((envs / "pytorch" / "caniload-environment.json").read_text())
    for number in range(6):
        name, version = f"made-{number}", f"5.{number}.0"
        (settings.data / "environments" / f"{name}.yaml").write_text(
            f"name: {name}\nabout: Made.\npython: '>=3.11'\nframeworks: [pytorch]\n"
            f"loaders: [transformers]\nrequirements: [transformers=={version}]\n"
            "disk_bytes: 1000\n"
        )
        spec = read_spec(settings.data / "environments" / f"{name}.yaml")
        own = marker | {"name": name, "digest": spec.digest}
        own["distributions"] = {**marker["distributions"], "transformers": version}
        folder = settings.envs / name
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(envs / "pytorch" / "bin" / "python")
        (folder / "caniload-environment.json").write_text(json.dumps(own))


def make(work: Path, settings: Settings, envs: Path) -> None:
    """Write the catalogue and yesterday's evidence, and publish both."""
    shutil.copytree(
        Settings.read({}).data,
        settings.data,
        ignore=shutil.ignore_patterns("models", "evidence", "sweeps", "__pycache__"),
    )
    environments(settings, envs)
    models = settings.data / "models"
    models.mkdir()
    for number in range(SOURCES // A_MODEL):
        lines = [
            f"id: model-{number:03}",
            f"name: Model {number}",
            "family: made",
            "tasks: [fill-mask]",
            "licence: Apache-2.0",
            "about: A made model.",
            "sources:",
        ]
        for n in range(A_MODEL):
            at = f"{number * A_MODEL + n:040x}"
            lines += [
                f"  - handle: hf:bench/model-{number:03}-{n:02}@{at}",
                "    pin: {by: made, at: 2026-11-01T00:00:00Z, answered_by: made}",
                "    formats: [safetensors]",
            ]
        (models / f"model-{number:03}.yaml").write_text("\n".join(lines) + "\n")
    (work / "caniload.toml").write_text(SUITE)
    publishing.publish(settings)
    prepared = orders.prepare(
        read_suite(work / "caniload.toml"), settings, orders.Order(dry=True), Silent()
    )
    write(prepared, settings)
    publishing.publish(settings)


def write(prepared: orders.Prepared, settings: Settings) -> None:
    """Write a finished segment in which every cell passed."""
    folder = settings.segments / RUN
    folder.mkdir(parents=True)
    rows = folder.with_suffix(".jsonl")
    with rows.open("w") as file:
        for n, each in enumerate(prepared.candidates):
            head, _, form = each.handle.partition("#")
            row = {
                "id": f"{RUN}-{n:06}",
                "run_id": RUN,
                "cell_id": each.cell_id,
                "attempt": 1,
                "model": each.listed.model,
                "source": head.partition("@")[0],
                "handle": each.handle,
                "revision": head.partition("@")[2],
                "format": form,
                "loader": each.loader,
                "framework": each.framework,
                "environment": each.seat.name,
                "device": each.device,
                "recipe_hash": each.recipe_hash,
                "weights": "pretrained",
                "kind": "attempt",
                "outcome": "passed",
                "stage": "check",
                "evidence_level": "pretrained",
                "worker": "warm",
                "started_at": "2026-11-24T03:00:00Z",
                "finished_at": "2026-11-24T03:00:01Z",
                "wall_seconds": 1.0,
                "caniload_version": "0.1.0",
                "machine": "bench",
                "observer": "me",
            }
            file.write(json.dumps(row) + "\n")
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE made AS FROM read_json('{rows}')")
        have = {row[0] for row in database.execute("DESCRIBE made").fetchall()}
        empty = {"checks": "'[]'", "exceptions": "'[]'", "patches": "'[]'", "record": "'{}'"}
        empty |= dict.fromkeys(("numbers", "facts", "decisive", "lock", "sandbox"), "'{}'")
        picked = ", ".join(
            f"CAST({name if name in have else empty.get(name, 'NULL')} AS {kind}) AS {name}"
            for name, kind in OBSERVATION_COLUMNS
        )
        copy(database, f"SELECT {picked} FROM made", folder / "observations.parquet")
        settled = {
            "run_id": "run_id",
            "cell_id": "cell_id",
            "observations": "CAST(json_array(id) AS JSON)",
            "outcome": "outcome",
            "settled_at": "finished_at",
        }
        columns = ", ".join(
            f"CAST({settled[name]} AS {kind}) AS {name}" for name, kind in SETTLEMENT_COLUMNS
        )
        copy(database, f"SELECT {columns} FROM made", folder / "settlements.parquet")
    rows.unlink()
    cells = [
        {"handle": each.handle, "loader": each.loader, "framework": each.framework,
         "environment": each.seat.name, "device": each.device,
         "recipe": each.trial.recipe.model_dump(mode="json")}
        for each in prepared.candidates
    ]  # fmt: skip
    command = "nightly unchanged"
    header = {"command": command, "run_id": RUN, "cells": cells}
    marker = {"schema_version": 1, "run_id": RUN, "command": command, "header": header}
    (folder / "run.json").write_text(json.dumps(marker, indent=1))


def copy(database: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    """Write a query's rows as Parquet."""
    database.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def once(work: Path, environ: dict[str, str]) -> tuple[float, int, str]:
    """Run a night cold; return its seconds, its most memory in bytes, and what it counted."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "caniload", "nightly", "--format", "json"],
        cwd=work,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
    )
    held = 0
    status = Path(f"/proc/{process.pid}/status")
    answer = bytearray()
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    while process.poll() is None:
        with contextlib.suppress(OSError):
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    held = max(held, int(line.split()[1]) * 1024)
        answer += process.stdout.read() or b""
        time.sleep(0.005)
    took = time.perf_counter() - began
    answer += process.stdout.read() or b""
    if process.returncode:
        raise SystemExit(f"nightly ended with {process.returncode}")
    told = json.loads(answer)["data"]["coverage"]
    return took, held, f"{told['listed']} listed, {told['planned']} planned"


if __name__ == "__main__":
    sys.exit(main())
