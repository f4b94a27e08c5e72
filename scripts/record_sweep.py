"""Record what a sweep left out, and why, beside its evidence.

python scripts/record_sweep.py HOME LOADER FRAMEWORK [MAX_PARAMS]

HOME is where the sweep ran to its end: all that is asked for must have been attempted. Writes
`caniload/data/sweeps/LOADER-FRAMEWORK.json`: how many architectures the library lists, and the
names of those that were not attempted, by reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SWEEPS = Path(__file__).parent.parent / "caniload" / "data" / "sweeps"
DONE = "attempted before"


def main() -> int:
    """Ask the finished sweep again: it attempts nothing and says what it left out."""
    if len(sys.argv) < 4:
        sys.stderr.write(__doc__ or "")
        return 2
    home, loader, framework = sys.argv[1:4]
    most = sys.argv[4] if len(sys.argv) > 4 else "100M"
    command = [sys.executable, "-m", "caniload", "sweep", loader, "--framework", framework]
    done = subprocess.run(
        [*command, "--max-params", most, "--format", "json"],
        env={**os.environ, "CANILOAD_HOME": home},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)["data"]
    if said["cells"]:
        sys.stderr.write(f"{len(said['cells'])} had not been attempted; run it again\n")
        return 1
    omitted: dict[str, list[str]] = {}
    for name, why in sorted(said["omitted"].items()):
        if why != DONE:
            omitted.setdefault(why, []).append(name)
    record = {
        "loader": loader,
        "framework": framework,
        "max_parameters": most,
        "listed": said["listed"],
        "attempted": sum(1 for why in said["omitted"].values() if why == DONE),
        "omitted": omitted,
    }
    SWEEPS.mkdir(exist_ok=True)
    target = SWEEPS / f"{loader}-{framework}.json"
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target.name}: {record['attempted']} of {record['listed']} attempted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
