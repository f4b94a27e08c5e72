"""Take finished runs of a home into the evidence that comes with caniload.

python scripts/record_evidence.py [--observer NAME] HOME [RUN ...]

Without runs all finished ones are taken. What is taken is a copy of the run's segment, less the
column `record`: it repeats the others whole, which a wheel can do without; and less the numbers
of architectures with random weights, which nothing else is ever compared with. HOME may be the
evidence itself, laid out as `HOME/segments`. With `--observer` the name by which the observer
calls itself, `me` unless CANILOAD_OBSERVER was set, becomes that one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import duckdb

EVIDENCE = Path(__file__).parent.parent / "caniload" / "data" / "evidence"
FILES = ("observations.parquet", "settlements.parquet", "run.json")


def main() -> int:
    """Copy the segments; a run that is not finished is named and not taken."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--observer")
    parser.add_argument("home", type=Path)
    parser.add_argument("runs", nargs="*")
    asked = parser.parse_args()
    root = asked.home / "segments"
    runs = asked.runs or sorted(path.parent.name for path in root.glob("*/run.json"))
    for run in runs:
        missing = [name for name in FILES if not (root / run / name).is_file()]
        if missing:
            sys.stderr.write(f"run {run} is not finished in {root}: no {missing[0]}\n")
            return 1
        target = EVIDENCE / run
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(root / run / name, target / name)
        slim(target, asked.observer)
        size = sum((target / name).stat().st_size for name in FILES)
        sys.stdout.write(f"{run}: {size:,} bytes\n")
    return 0


def slim(folder: Path, observer: str | None) -> None:
    """Empty what a wheel can do without, name the observer, pack the file tighter, hash it anew.

    A sweep's architectures are tried in one framework each: their outputs have no counterpart.
    """
    path = folder / FILES[0]
    draft = path.with_suffix(".part")
    marker = folder / "run.json"
    told = json.loads(marker.read_text(encoding="utf-8"))
    swept = told["header"].get("command", "").startswith("sweep ")
    with duckdb.connect() as database:
        database.execute(
            "COPY (SELECT * REPLACE (NULL::VARCHAR AS record, "
            "coalesce($who, observer) AS observer, CASE WHEN $sweep AND weights = 'random' "
            "THEN NULL ELSE fingerprint END AS fingerprint)"
            f" FROM read_parquet('{path}')) "
            f"TO '{draft}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 22)",
            {"who": observer, "sweep": swept},
        )
    draft.replace(path)
    told.setdefault("sha256", {})[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if observer is not None:
        told["header"]["observer"]["name"] = observer
    marker.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
