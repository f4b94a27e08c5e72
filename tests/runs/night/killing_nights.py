"""Kill what a night is made of at moments that a seed decides, and see what is left of it."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from soaked_night import truth

from caniload.handles import parse
from caniload.runs import journal, processes
from caniload.runs.controls import is_control

HERE = Path(__file__).parent
KINDS = ("parent", "zygote", "child")
SPREAD_SECONDS = 0.4
"""A kill comes so long after the last one at most, or as soon as there is one of its kind."""
GONE_SECONDS = 10.0
"""How long what hangs on a killed parent may take to end."""


@dataclass
class Tally:
    """What was killed, and what the attempts of the finished nights came to."""

    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    workers: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    nights: int = 0
    starts: int = 0

    def __str__(self) -> str:
        """One line each, for a log."""
        rows = [
            f"{self.nights} nights, {self.starts} starts",
            f"killed: {dict(sorted(self.kills.items()))}",
            f"attempts: {dict(sorted(self.outcomes.items()))}",
            f"workers: {dict(sorted(self.workers.items()))}",
            f"settled: {dict(sorted(self.settled.items()))}",
        ]
        return "\n".join(rows)


def soak(folder: Path, cells: int, kills: int, seed: int) -> Tally:
    """Kill so many times, over as many nights as that takes; each is brought to its end."""
    chance = random.Random(seed)
    # Each kind has its share, in an order that the seed decides.
    waiting = [KINDS[n % len(KINDS)] for n in range(kills)]
    chance.shuffle(waiting)
    tally = Tally()
    while waiting:
        home = folder / f"night-{tally.nights}"
        home.mkdir()
        through_the_night(home, cells, waiting, chance, tally)
        tally.nights += 1
    return tally


def through_the_night(
    home: Path, cells: int, waiting: list[str], chance: random.Random, tally: Tally
) -> None:
    """Start a night, kill parts of it, take it up again until it is complete; then judge it."""
    while True:
        tally.starts += 1
        with (home / "log").open("ab") as log:
            night = subprocess.Popen(
                [sys.executable, str(HERE / "soaked_night.py"), str(home), str(cells)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
                stdout=log,
                stderr=log,
            )
        try:
            strike(night, waiting, chance, tally)
        finally:
            if night.poll() is None:
                night.kill()
            night.wait()
        if night.returncode == 0:
            break
        assert night.returncode == -signal.SIGKILL, (home / "log").read_text()[-2000:]
        for left in (home / "segments").glob(f"*/{journal.JOURNAL}"):
            kept = [seen.id for seen in journal.read(left.parent).observations]
            assert set(noted(home)) <= set(kept), "a finished observation was lost"
    judge(home, cells, tally)


def strike(
    night: subprocess.Popen[bytes], waiting: list[str], chance: random.Random, tally: Tally
) -> None:
    """Kill what is wanted next until the parent is among the dead or the night is over."""
    over = os.pidfd_open(night.pid)
    try:
        patience = chance.uniform(0.0, SPREAD_SECONDS)
        while waiting and not ended(over, patience):
            kind = waiting[-1]
            family = {pid: processes.start_time(pid) for pid in processes.tree(night.pid)}
            if not killed(find(night.pid, kind, chance)):
                patience = 0.005
                continue
            patience = chance.uniform(0.0, SPREAD_SECONDS)
            waiting.pop()
            tally.kills[kind] += 1
            if kind == "parent":
                night.wait()
                assert all_gone(family), "a process outlived the night that started it"
                return
        assert ended(over, 300.0), "the night does not end"
    finally:
        os.close(over)


def killed(pid: int | None) -> bool:
    """Kill a process; tell whether there was one."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def ended(pidfd: int, seconds: float) -> bool:
    """Wait for a process so long at most, and tell whether it has ended."""
    return bool(select.select([pidfd], [], [], seconds)[0])


def find(parent: int, kind: str, chance: random.Random) -> int | None:
    """Choose a process of a kind among those of a night; None while there is none.

    A child is what does a job: a fork of a zygote, or a fresh worker.
    """
    if kind == "parent":
        return parent
    found: list[int] = []
    for pid in processes.tree(parent) - {parent}:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            above = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            parents = Path(f"/proc/{above}/cmdline").read_bytes()
        except OSError:
            continue
        inside = not line.startswith(b"/bin/sh") and b"bwrap" not in line.split(b"\0")[0]
        fork = b"zygote" in line and b"bwrap" not in parents.split(b"\0")[0] and parents == line
        if kind == "zygote" and b"caniload_smoke.zygote" in line and not fork:
            found.append(pid)
        if kind == "child" and inside and (fork or b"caniload_smoke.worker" in line):
            found.append(pid)
    return chance.choice(sorted(found)) if found else None


def all_gone(family: dict[int, int | None]) -> bool:
    """Wait until none of these processes is left."""
    deadline = time.monotonic() + GONE_SECONDS
    while any(born is not None and alive(pid, born) for pid, born in family.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int, born: int) -> bool:
    """Tell whether this very process still runs; a corpse that nobody has buried does not."""
    if processes.start_time(pid) != born:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def noted(home: Path) -> list[str]:
    """The observations that the night noted as finished."""
    file = home / "noted"
    return file.read_text().split() if file.exists() else []


def judge(home: Path, cells: int, tally: Tally) -> None:
    """Check a complete night: nothing lost, nothing doubled, nothing that is not so."""
    (marker,) = (home / "segments").glob("*/run.json")
    assert not list((home / "segments").glob(f"*/{journal.JOURNAL}")), "the night is finished"
    contents = journal.read(marker.parent)
    seen = {each.id: each for each in contents.observations}
    assert len(seen) == len(contents.observations), "an observation is there twice"
    assert set(noted(home)) <= set(seen), "a finished observation was lost"
    planned = {cell.id: cell for cell in contents.header.cells}
    settled = [each.cell_id for each in contents.settlements]
    assert sorted(settled) == sorted(planned), "each planned cell ends in one settlement"
    rests = [one for each in contents.settlements for one in each.observations]
    assert sorted(rests) == sorted(seen), "each observation counts for one settlement"
    own = {key: cell for key, cell in planned.items() if not is_control(cell)}
    assert len(own) == cells
    for each in contents.settlements:
        attempts = [seen[one] for one in each.observations]
        assert {one.cell.id for one in attempts} == {each.cell_id}
        assert [one.attempt for one in attempts] == list(range(1, len(attempts) + 1))
        tally.outcomes.update(str(one.outcome) for one in attempts)
        tally.workers.update(one.worker for one in attempts)
        if each.cell_id in own:
            name = parse(own[each.cell_id].handle).locator
            ends = {str(one.outcome) for one in attempts}
            assert ends <= {truth(name), "harness_error"}, (name, ends)
            tally.settled[str(each.outcome)] += 1
            if each.outcome == "harness_error":
                lost = sum(one.outcome == "harness_error" for one in attempts)
                assert lost > 1, "what was killed once is tried again"
