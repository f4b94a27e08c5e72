"""Time `caniload check` from a cold process, beside a bare script and `hf version`.

All in one run, taking turns, so that a busy machine slows all alike; medians and their ratios.
The bare script imports duckdb and typer, opens the same generation read-only and runs the same
query as `check` does, printing its rows. `hf version` only prints huggingface_hub's version.

python benchmarks/make_store.py HOME 100000
python benchmarks/cold_check.py HOME [ROUNDS]
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

MODEL = "all-minilm-l6-v2"
FRAMEWORK = "pytorch"
LIMITS = {"bare": 1.3, "hf version": 1.2}

BARE = """
import duckdb
import typer

app = typer.Typer()
database = duckdb.connect(":memory:")
database.execute("ATTACH '{path}' AS store (READ_ONLY)")
rows = database.execute({query!r}, {params!r}).fetchall()
for row in rows:
    typer.echo(row)
"""


def generation(home: Path) -> Path:
    """The file of the generation that counts."""
    number = json.loads((home / "store" / "CURRENT").read_text())["generation"]
    return home / "store" / "generations" / f"{number:06d}.duckdb"


def asked(home: Path) -> tuple[str, list[object]]:
    """The query that `check` runs for its cells, taken from the program itself."""
    os.environ["CANILOAD_HOME"] = str(home)
    from caniload.catalog import questions
    from caniload.catalog.store import Store, open_store
    from caniload.settings import Settings

    seen: list[tuple[str, list[object]]] = []
    usual = Store.direct_rows

    def kept(store: Store, text: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        seen.append((text, list(params)))
        return usual(store, text, params)

    Store.direct_rows = kept  # type: ignore[method-assign,assignment]
    with open_store(Settings.read()) as store:
        questions.check(store, MODEL, framework=FRAMEWORK, environment=FRAMEWORK)
    return next(each for each in seen if "store.cell_verdicts" in each[0])


def seconds(command: list[str], environ: dict[str, str]) -> float:
    """The wall time of one process, start to end."""
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    took = time.perf_counter() - began
    if done.returncode not in (0, 1, 3) or not done.stdout:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return took


def main() -> int:
    home = Path(sys.argv[1]).absolute()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 31
    query, params = asked(home)
    programs = Path(sys.executable).parent
    environ = {**os.environ, "CANILOAD_HOME": str(home), "VIRTUAL_ENV": sys.prefix}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE.format(path=generation(home), query=query, params=params))
        checking = [str(programs / "caniload"), "check", MODEL, "--framework", FRAMEWORK]
        commands = {
            "check": [*checking, "--env", FRAMEWORK],
            "check here": checking,  # reads the metadata of the active environment too
            "bare": [sys.executable, str(script)],
            "hf version": [str(programs / "hf"), "version"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                took = seconds(command, environ)
                if turn:  # the first warms the disk's cache
                    times[name].append(took)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {name: medians["check"] / medians[name] for name in LIMITS}
    print(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
                "python": platform.python_version(),
                "rounds": rounds,
                "median_seconds": {name: round(value, 3) for name, value in medians.items()},
                "best_seconds": {name: round(min(each), 3) for name, each in times.items()},
                "check_over": {name: round(value, 2) for name, value in ratios.items()},
                "limits": LIMITS,
            },
            indent=2,
        )
    )
    return 0 if all(ratios[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
