"""Measure the parent's own time an attempt: wall time less what the worker says its stages took.

python benchmarks/parent_overhead.py MODEL_DIRECTORY PYTHON [ATTEMPTS]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path


class Silent:
    """Watch a run and say nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def main() -> int:
    folder, python = Path(sys.argv[1]), Path(sys.argv[2])
    attempts = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory() as home:
        os.environ["CANILOAD_HOME"] = home
        from caniload.runs.plan import Wish
        from caniload.runs.workflow import Request, attempt
        from caniload.settings import Settings

        wish = Wish(framework="pytorch", loader="transformers")
        request = Request((str(folder),), wish, python=python)
        own, wall, outcomes = [], [], []
        for _ in range(attempts):
            for seen in attempt(request, Settings.read(), Silent()).observations:
                own.append(seen.wall_seconds - sum(seen.stage_seconds.values()))
                wall.append(seen.wall_seconds)
                outcomes.append(str(seen.outcome))
    print(
        json.dumps(
            {
                "attempts": len(own),
                "outcomes": sorted(set(outcomes)),
                "parent_seconds": {
                    "median": round(statistics.median(own), 3),
                    "min": round(min(own), 3),
                    "max": round(max(own), 3),
                },
                "wall_seconds_median": round(statistics.median(wall), 3),
                "limit": 0.4,
            },
            indent=2,
        )
    )
    return 0 if statistics.median(own) < 0.4 else 1


if __name__ == "__main__":
    sys.exit(main())
