"""Measure the memory of the host process while `caniload run` attempts a model.

The proportional set size of the one process is sampled, its workers' not: those are what is
measured, not what measures. ru_maxrss is not used; it inherits the parent's.

python benchmarks/host_memory.py MODEL_DIRECTORY PYTHON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_BYTES = 150_000_000


def pss_bytes(pid: int) -> int:
    """The process's proportional set size; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "caniload", "run", sys.argv[1], "--python", sys.argv[2]),
                *("--framework", "pytorch", "--loader", "transformers", "--format", "json"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "CANILOAD_HOME": home},
        )
        peak, samples = 0, 0
        while process.poll() is None:
            peak = max(peak, pss_bytes(process.pid))
            samples += 1
            time.sleep(0.02)
    print(
        json.dumps(
            {
                "exit_code": process.returncode,
                "samples": samples,
                "peak_pss_bytes": peak,
                "limit_bytes": LIMIT_BYTES,
            },
            indent=2,
        )
    )
    return 0 if samples and 0 < peak < LIMIT_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
