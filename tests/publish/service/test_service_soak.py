from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from evidence import attempt, record
from serving import Served, Start

pytestmark = pytest.mark.soak

SECONDS = 600.0
WARM_SECONDS = 120.0


def test_memory_stays_flat_over_ten_minutes_of_requests_and_publishing(start: Start) -> None:
    """Questions of every kind, names that nobody knows, a generation a minute."""
    served = start()
    paths = served.get("/v1").json()["data"]["paths"]
    names = [row["id"] for row in served.get("/v1/models?limit=500").json()["data"]]
    chance = random.Random(7)
    began = time.monotonic()
    warm = 0.0
    next_run, day, asked = began + 30, 0, 0
    with httpx.Client(base_url=served.url, timeout=60) as client:
        while (passed := time.monotonic() - began) < SECONDS:
            path = chance.choice(paths).replace("{model}", chance.choice(names))
            if "{" in path:
                path = path.partition("{")[0] + f"nobody-{asked}"
            elif chance.random() < 0.1:
                path = f"/v1/check/nobody-{asked}"
            answer = client.get(path, params={"memory": "1GB"} if "/fit/" in path else None)
            assert answer.status_code in (200, 404), (path, answer.text)
            asked += 1
            if warm == 0.0 and passed > WARM_SECONDS:
                warm = resident_bytes(served)
            if time.monotonic() > next_run:
                record(served.home, attempt(), day=day)
                day, next_run = day + 1, next_run + 60
                subprocess.run(
                    [sys.executable, "-m", "caniload", "catalog", "publish"],
                    env=served.environ, check=True, capture_output=True, timeout=300,
                )  # fmt: skip
    assert asked > 1000
    assert day >= 8
    assert resident_bytes(served) < warm * 1.15


def resident_bytes(served: Served) -> float:
    """The proportional set size of the service."""
    text = Path(f"/proc/{served.process.pid}/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024
