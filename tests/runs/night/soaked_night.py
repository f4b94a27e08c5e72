"""Run or take up one night of scripted cells; a process of its own, so that it can be killed.

Started by `killing_nights` with a home and a number of cells. Each observation is noted in
`noted` once `append` has returned, so that the test knows what must not be lost.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from making_nights import GOOD, PYTHON, RULES, Decisive, candidate, planned
from scripted import WORKER

from caniload.records import Observation
from caniload.runs import journal
from caniload.runs.executor import Executor
from caniload.runs.making import Spot
from caniload.runs.night.cells import Candidate
from caniload.runs.night.night import Allowed, NightRun
from caniload.settings import Settings

ZYGOTE = Path(__file__).parents[3] / "caniload" / "loaders" / "smoke" / "zygote.py"
SECONDS = 0.1
"""What an attempt takes at least, so that kills meet one."""
FRESH = 10
"""Every so many-th cell gets a process of its own."""
MEMORY_BYTES = 1 << 30
"""A budget that no cell comes near: without one nothing can be out of memory."""


def cells(number: int) -> list[Candidate]:
    """Name the cells: most pass, each fifth fails, each tenth is no fork's."""
    made = []
    for n in range(number):
        label = f"cell-{n}"
        if truth(label) == "failed":
            made.append(candidate("fail", label=label, message="as ever"))
            continue
        one = candidate("slow_pass", label=label, seconds=SECONDS)
        if n % FRESH == 0:
            recipe = one.trial.recipe.model_copy(update={"allow_code": True})
            one = replace(one, trial=replace(one.trial, recipe=recipe), recipe_hash=recipe.hash)
        made.append(one)
    return made


def truth(name: str) -> str:
    """Return how a cell ends that nobody kills."""
    return "failed" if int(name.rpartition("-")[2]) % 5 == 1 else "passed"


def note_finished(home: Path) -> None:
    """Note each observation once `append` has returned."""
    append = journal.Segment.append

    def noting(self: journal.Segment, observation: Observation) -> None:
        append(self, observation)
        fd = os.open(home / "noted", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, observation.id.encode() + b"\n")
        os.close(fd)

    journal.Segment.append = noting


def worker(home: Path) -> Path:
    """Return the scripted worker with the real zygote beside it."""
    folder = home / "worker"
    if not folder.exists():
        whole = home / "worker.part"
        shutil.rmtree(whole, ignore_errors=True)
        shutil.copytree(WORKER, whole, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(ZYGOTE, whole / "zygote.py")
        whole.rename(folder)
    return folder


def main(home: Path, number: int) -> None:
    """Run the night of this home, or go on with the one that was cut off there."""
    settings = Settings.read({"CANILOAD_HOME": str(home)})
    note_finished(home)
    night = NightRun(
        Executor(settings, worker=worker(home), warm=True, workers=2),
        planned(*cells(number)),
        {"here": Spot("here", PYTHON)},
        {"transformers": Decisive()},
        GOOD,
        RULES,
        Allowed(verify=False, attempt_memory_bytes=MEMORY_BYTES),
    )
    waiting = journal.unfinished(settings.segments)
    if waiting:
        night.resume(waiting[0])
    elif not list(settings.segments.glob("*/run.json")):
        night.run("nightly soak")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
