"""Signal 9 to the real parent at random points: nothing finished is lost, nothing is doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from caniload.runs import journal

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("killed_run.py")
CELLS = 20
POINTS = {"fsync": 12, "synced": 6, "write": 6, "event": 8, "rename": 8, "unlink": 2, "clock": 8}
"""How many kills fall where: 12 between append and fsync, 10 and more while publishing."""


class Driver:
    """A process that forks runs and tells how they ended."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(DRIVER.parent), *sys.path])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, home: Path, where: str, nth: int) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{home} {where} {nth}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def drivers(number: int) -> Iterator[SimpleQueue[Driver]]:
    """Offer so many drivers, to be taken and put back."""
    free: SimpleQueue[Driver] = SimpleQueue()
    made = [Driver() for _ in range(number)]
    for driver in made:
        free.put(driver)
    try:
        yield free
    finally:
        for driver in made:
            with driver.process as process:
                assert process.stdin is not None
                process.stdin.close()


def noted(home: Path) -> list[str]:
    """The observations that were finished before a kill, as the killed process noted them."""
    file = home / "noted"
    return file.read_text().split() if file.exists() else []


def killed_and_resumed(driver: Driver, home: Path, where: str, nth: int) -> None:
    """Kill a run at a point, check what is left, resume it, check what it became."""
    home.mkdir()
    assert driver.run(home, where, nth) == -signal.SIGKILL, (where, nth)
    before = noted(home)
    for left in (home / "segments").glob(f"*/{journal.JOURNAL}"):
        kept = [seen.id for seen in journal.read(left.parent).observations]
        assert kept[: len(before)] == before, "a finished observation was lost"
    assert driver.run(home, "never", 0) == 0, (where, nth)
    (marker,) = (home / "segments").glob("*/run.json")
    contents = journal.read(marker.parent)
    ids = [seen.id for seen in contents.observations]
    assert len(ids) == len(set(ids)) == CELLS
    assert set(before) <= set(ids), "a finished observation was lost"
    assert set(Counter(seen.cell.id for seen in contents.observations).values()) == {1}
    planned = [cell.id for cell in contents.header.cells]
    assert sorted(each.cell_id for each in contents.settlements) == sorted(planned)
    assert [each for one in contents.settlements for each in one.observations] == ids


def test_fifty_kills(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    whole = tmp_path / "whole"
    whole.mkdir()
    with drivers(2) as free, ThreadPoolExecutor(2) as pool:
        driver = free.get()
        began = time.monotonic()
        assert driver.run(whole, "never", 0) == 0
        totals = json.loads((whole / "totals").read_text())
        # A first part of the time that a whole run took, so that the clock strikes within it.
        totals["clock"] = int(400 * (time.monotonic() - began))
        free.put(driver)
        points = [
            (where, nth)
            for where, number in POINTS.items()
            for nth in chance.choices(range(1, totals[where] + 1), k=number)
        ]
        assert len(points) == 50

        def one(number: int, where: str, nth: int) -> None:
            driver = free.get()
            try:
                killed_and_resumed(driver, tmp_path / str(number), where, nth)
            finally:
                free.put(driver)

        for done in [pool.submit(one, number, *point) for number, point in enumerate(points)]:
            done.result()
