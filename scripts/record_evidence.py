"""Take finished runs of a home into the evidence that comes with caniload.

python scripts/record_evidence.py HOME [RUN ...]

Without runs all finished ones are taken. What is taken is a copy of the run's segment, less the
column `record`: it repeats the others whole, which a wheel can do without. HOME may be the
evidence itself, laid out as `HOME/segments`.
"""

from __future__ import annotations

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
        slim(target)
        size = sum((target / name).stat().st_size for name in FILES)
        sys.stdout.write(f"{run}: {size:,} bytes\n")
    return 0


def slim(folder: Path) -> None:
    """Empty the column `record`, pack the file tighter, and name its new hash."""
    path = folder / FILES[0]
    draft = path.with_suffix(".part")
    with duckdb.connect() as database:
        database.execute(
            f"COPY (SELECT * REPLACE (NULL::VARCHAR AS record) FROM read_parquet('{path}')) "
            f"TO '{draft}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 22)"
        )
    draft.replace(path)
    marker = folder / "run.json"
    told = json.loads(marker.read_text(encoding="utf-8"))
    told.setdefault("sha256", {})[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    marker.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
