"""Write the suite of a night of every architecture below a number of parameters.

python benchmarks/architectures.py SUITE [MOST]

Asks timm and torchvision on PyTorch and keras.applications on TensorFlow, each in its default
environment, what it builds by name and with how many parameters, and writes SUITE, a caniload.toml
of all below MOST (200M). Then, and again after whatever cut it off, from SUITE's folder:

caniload nightly SUITE --no-verify --workers 1
caniload nightly SUITE --resume RUN

`python benchmarks/architectures.py --table HOME` prints what the runs in HOME came to.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from caniload.runs import sweep
from caniload.settings import Settings
from caniload.units import count

LIBRARIES = (
    ("timm", "timm", "pytorch"),
    ("torchvision", "torchvision", "pytorch"),
    ("keras-applications", "keras", "tensorflow"),
)
"""Loader, hub of its handles, framework."""
TABLE = """
SELECT loader, outcome, count(*) AS cells, round(median(wall_seconds), 2) AS median_seconds,
    round(sum(wall_seconds)) AS all_seconds, round(max(peak_memory_bytes) / 1e6) AS most_memory_mb
FROM read_parquet($segments) WHERE attempt = 1
GROUP BY loader, outcome ORDER BY loader, cells DESC
"""


class Silent:
    """Watch and say nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def written(most: int) -> str:
    """Return the suite's text."""
    settings = Settings.read()
    lines = ['name = "architectures"', 'environments = ["vision", "tensorflow"]', ""]
    lines += ["[budget]", 'attempt = "10m"', ""]
    for loader, hub, framework in LIBRARIES:
        request = sweep.Request(loader, framework, max_parameters=most)
        names = sweep.names(request, settings, Silent())
        lines += [f"# {loader}: {len(names)} architectures", "[[models]]", "model = ["]
        lines += [f'    "{hub}:{name}",' for name in names]
        lines += ["]", 'weights = "random"', f'framework = "{framework}"', ""]
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1] == "--table":
        segments = str(Path(sys.argv[2]) / "segments" / "*" / "observations.parquet")
        duckdb.sql(TABLE, params={"segments": segments}).show(max_width=120)
        return
    most = count(sys.argv[2] if len(sys.argv) > 2 else "200M")
    Path(sys.argv[1]).write_text(written(most), encoding="utf-8")


if __name__ == "__main__":
    main()
