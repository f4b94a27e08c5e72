"""Signal 9 to the parent, to zygotes and to what does the work, over nights of scripted cells."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
from killing_nights import soak


def soaked(folder: Path, cells: int, kills: int) -> None:
    """Soak with a seed of the day, and say what came of it."""
    seed = random.SystemRandom().randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")
    began = time.monotonic()
    tally = soak(folder, cells, kills, seed)
    sys.stdout.write(f"{tally}\n{time.monotonic() - began:.0f} s\n")
    assert sum(tally.kills.values()) == kills
    assert min(tally.kills.values()) >= kills // 3
    assert set(tally.outcomes) <= {"passed", "failed", "harness_error"}
    assert tally.workers["warm"] > tally.workers["fresh"], "a killed zygote is replaced"
    # A kill costs its own cell one attempt: none settles without a second one.
    assert tally.outcomes["harness_error"] <= tally.kills["child"]
    assert tally.settled["harness_error"] <= 1 + kills // 20


@pytest.mark.slow
def test_a_dozen_kills(tmp_path: Path) -> None:
    soaked(tmp_path, cells=60, kills=12)


@pytest.mark.soak
def test_a_hundred_kills_of_two_hundred_cells(tmp_path: Path) -> None:
    soaked(tmp_path, cells=200, kills=100)
