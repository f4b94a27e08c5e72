"""Take finished runs of a home into the evidence that comes with caniload.

python scripts/record_evidence.py HOME [RUN ...]

Without runs all finished ones are taken. What is taken is a copy of the run's segment, less the
column `record`: it repeats the others whole, which a wheel can do without. HOME may be the
evidence itself, laid out as `HOME/segments`.
"""

from __future__ import annotations

import hashlib
import json
import argparse
import shutil
import sys
from pathlib import Path

from caniload.runs import segment_files

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
        if asked.observer:
            relabel(root / run, target, asked.observer)
        else:
            for name in FILES:
                shutil.copyfile(root / run / name, target / name)
        size = sum((target / name).stat().st_size for name in FILES)
        sys.stdout.write(f"{run}: {size:,} bytes\n")
    return 0


def relabel(source: Path, target: Path, name: str) -> None:
    """Write a segment's records under another name of who measured them."""
    header, observations, settlements = segment_files.read(source)
    who = header.observer.model_copy(update={"name": name})
    named = [each.model_copy(update={"observer": who}) for each in observations]
    segment_files.write(target, header.model_copy(update={"observer": who}), named, settlements)


if __name__ == "__main__":
    sys.exit(main())
