"""Requests a second of `caniload serve` and of datasette, over the same rows, in one run.

    python benchmarks/serve.py HOME DATASETTE [--seconds 20] [--model minilm]

HOME is a home whose store is published; DATASETTE the `datasette` of an environment of its own.
The load tool is h2load (Debian's `nghttp2-client`), for both and for both questions: 64
connections that ask again as soon as they are answered; and 200 connections that each ask once a
second, begun evenly over the first second, which is an open loop as long as no answer takes a
second. Both services have one worker process.

The rows are the cells that answer `check MODEL`, from the same store; in SQLite they have a
row each, the columns of an answer's cell, and an index on the model. Datasette is asked for as
many of them as make an answer of about the same size, or fewer. Neither is asked to compress.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from caniload.catalog import questions
from caniload.catalog.store import open_store
from caniload.publish.json_form import plain
from caniload.settings import Settings

CONNECTIONS = 64
RATE = 200
SERVICE, DATASETTE = 8941, 8942
PLAIN = "_shape=array&_nofacet=1&_nosuggest=1&_nocount=1"
"""What spares datasette work that nobody asked it for."""


def rows_of(settings: Settings) -> list[dict[str, object]]:
    """All cells, as the service tells them."""
    with open_store(settings) as store:
        return [plain(cell) for cell in questions.matrix(store)]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """Put the rows into SQLite with an index on what is asked for."""
    names = list(rows[0])
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE cells ({', '.join(f'{name!r}' for name in names)})")
        database.executemany(
            f"INSERT INTO cells VALUES ({', '.join('?' for _ in names)})",
            [[_flat(row[name]) for name in names] for row in rows],
        )
        database.execute("CREATE INDEX cells_model ON cells (model)")
        database.execute("ANALYZE")


def _flat(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body


def started(command: list[str], url: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 120
    while True:
        try:
            get(url)
            return process
        except OSError:
            assert process.poll() is None, f"{command} ended"
            assert time.monotonic() < until, f"{command} does not answer"
            time.sleep(0.2)


def load(options: list[str], url: str) -> dict[str, float]:
    """Run h2load and read its log: one line a request, with status and microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = ["h2load", "--h1", "--threads=1", f"--log-file={log}", *options, url]
        print("$", " ".join(command).replace(folder, "FOLDER"), flush=True)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = [line.split("\t") for line in log.read_text().splitlines()]
    took = sorted(int(line[2]) / 1000 for line in lines)
    ends = [int(line[0]) + int(line[2]) for line in lines]
    seconds = (max(ends) - min(int(line[0]) for line in lines)) / 1e6
    good = sum(line[1] == "200" for line in lines)
    told = next(line for line in done.stdout.splitlines() if line.startswith("requests:"))
    print(f"  {told}", flush=True)
    return {
        "requests": len(lines),
        "errors": len(lines) - good,
        "a second": good / seconds,
        "p50 ms": took[len(took) // 2],
        "p99 ms": took[min(len(took) - 1, int(len(took) * 0.99))],
        "max ms": took[-1],
    }


def measure(name: str, url: str, seconds: int) -> tuple[dict[str, float], dict[str, float]]:
    print(f"{name}: {url}, {len(get(url))} bytes an answer", flush=True)
    closed = load(["-c", str(CONNECTIONS), f"--duration={seconds}"], url)
    opened = load(
        ["-c", str(RATE), "--rps=1", "-r", "10", "--rate-period=50ms", "-n", str(RATE * seconds)],
        url,
    )
    for what, found in (("closed, 64 connections", closed), ("open, 200 a second", opened)):
        numbers = ", ".join(f"{key} {value:.1f}" for key, value in found.items())
        print(f"  {what}: {numbers}", flush=True)
    return closed, opened


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("home", type=Path)
    asked.add_argument("datasette")
    asked.add_argument("--seconds", type=int, default=20)
    asked.add_argument("--model", default="all-minilm-l6-v2")
    options = asked.parse_args()
    env = {**os.environ, "CANILOAD_HOME": str(options.home.absolute())}
    rows = rows_of(Settings.read(env))
    print(f"{len(rows)} cells, load average {os.getloadavg()[0]:.1f} before", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "cells.db"
        write(database, rows)
        service = f"http://127.0.0.1:{SERVICE}/v1/check/{options.model}"
        page = f"http://127.0.0.1:{DATASETTE}/cells/cells.json?model={options.model}&{PLAIN}"
        running = [
            started(
                [sys.executable, "-m", "caniload", "serve", "--port", str(SERVICE)], service, env
            ),
            started(
                [options.datasette, "serve", "--immutable", str(database), "--port", str(DATASETTE),
                 "--setting", "max_returned_rows", "1000"],
                page, env,
            ),
        ]  # fmt: skip
        try:
            size, most = len(get(service)), len(json.loads(get(page + "&_size=max")))
            count = most
            while count > 1 and len(get(f"{page}&_size={count}")) > size:
                count -= 1
            page = f"{page}&_size={count}"
            print(f"datasette gives {count} of the model's {most} rows", flush=True)
            theirs, _ = measure("datasette", page, options.seconds)
            ours, _ = measure("caniload", service, options.seconds)
            print(f"ratio of requests a second: {ours['a second'] / theirs['a second']:.1f}")
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)
    print(f"load average {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
