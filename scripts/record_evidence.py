"""Take finished runs of a home into the evidence that comes with caniload.

python scripts/record_evidence.py HOME [RUN ...]

Without runs all finished ones are taken. What is taken is a copy of the run's segment: its
Parquet files and run.json, as `caniload ingest` would take them from another machine.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

EVIDENCE = Path(__file__).parent.parent / "caniload" / "data" / "evidence"
FILES = ("observations.parquet", "settlements.parquet", "run.json")


def main() -> int:
    """Copy the segments; a run that is not finished is named and not taken."""
    if len(sys.argv) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    root = Path(sys.argv[1]) / "segments"
    runs = sys.argv[2:] or sorted(path.parent.name for path in root.glob("*/run.json"))
    for run in runs:
        missing = [name for name in FILES if not (root / run / name).is_file()]
        if missing:
            sys.stderr.write(f"run {run} is not finished in {root}: no {missing[0]}\n")
            return 1
        target = EVIDENCE / run
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(root / run / name, target / name)
        size = sum((target / name).stat().st_size for name in FILES)
        sys.stdout.write(f"{run}: {size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
