"""Readers, runs and publishers as real processes: nobody blocks anybody, a kill loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caniload.catalog import generations, publishing, questions
from caniload.catalog.store import open_store
from caniload.errors import BusyError

pytestmark = pytest.mark.slow

PUBLISHER = """
import os, signal, sys
from caniload.catalog import authored_tables, generations, publishing, segments, verdicts
from caniload.settings import Settings

places = {
    "locked": (publishing, "_publish", True),
    "segments read": (segments, "load_newer", False),
    "schema made": (generations, "migrate", False),
    "diagnosed": (verdicts, "diagnose_rows", False),
    "written": (publishing, "_judge", True),
    "rooted": (verdicts, "root", False),
    "judged": (verdicts, "judge", False),
    "not durable": (publishing, "_durable", True),
    "durable": (publishing, "_durable", False),
    "before CURRENT": (generations, "write_current", True),
    "after CURRENT": (generations, "write_current", False),
    "before pruning": (generations, "prune", True),
    "after pruning": (generations, "prune", False),
}
module, name, before = places[sys.argv[1]]
real = getattr(module, name)

def dies(*args, **kwargs):
    if not before:
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, name, dies)
publishing.publish(Settings.read())
"""
POINTS = (
    "locked",
    "segments read",
    "schema made",
    "diagnosed",
    "written",
    "rooted",
    "judged",
    "not durable",
    "durable",
    "before CURRENT",
    "after CURRENT",
    "before pruning",
    "after pruning",
)
PUBLISH = "from caniload.catalog import publishing; from caniload.settings import Settings; "
READER = """
import sys
from caniload.catalog import questions
from caniload.catalog.store import open_store
from caniload.settings import Settings

with open_store(Settings.read()) as store:
    print(len(store.sql("FROM observations")), flush=True)
    sys.stdin.readline()
    print(len(store.sql("FROM observations")), questions.check(store, "tiny").verdict, flush=True)
"""
RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Evidence
from caniload.settings import Settings
evidence = Evidence(Settings.read())
for number in range(int(sys.argv[3])):
    evidence.run({"outcome": "passed", "loader": sys.argv[2]},
                 run_id=f"20261105T120000Z-{sys.argv[2]}{number:03d}")
"""


def start(*arguments: str, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def answers(settings):
    with open_store(settings) as store:
        return questions.matrix(store)


@pytest.mark.parametrize("point", POINTS)
def test_a_publisher_killed_anywhere_loses_nothing(home, evidence, point):
    evidence.run({"outcome": "passed"})
    publishing.publish(home)
    evidence.run({"outcome": "passed", "loader": "onnx", "off_by": 0.01})
    before = answers(home)
    with start(PUBLISHER, point) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert answers(home) == before
    made = publishing.publish(home, lock_seconds=5)
    assert answers(home) == before
    left = {path.name for path in generations.folder(home).iterdir()}
    assert f"{made.number:06d}.duckdb" in left
    assert all(name.endswith(".duckdb") for name in left)
    assert len(left) <= generations.KEEP


def test_publishers_killed_at_random_moments_lose_nothing(home, evidence):
    seed = int(os.environ.get("CANILOAD_TEST_SEED", "0")) or random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)
    evidence.run({"outcome": "passed"})
    publishing.publish(home)
    killed = 0
    for number in range(12):
        evidence.run({"outcome": "passed", "loader": f"loader-{number}"})
        before = answers(home)
        with start(
            PUBLISH + "print('ready', flush=True); publishing.publish(Settings.read())"
        ) as p:
            assert p.stdout is not None
            p.stdout.readline()
            time.sleep(moments.uniform(0, 0.8))
            p.kill()
            killed += p.wait(60) == -signal.SIGKILL
        assert answers(home) == before, f"with CANILOAD_TEST_SEED={seed}"
    assert killed >= 1
    publishing.publish(home)
    with open_store(home) as store:
        assert store.sql("SELECT count(*), count(DISTINCT id) FROM observations") == [(13, 13)]


def test_a_reader_two_runs_and_a_publisher_never_block_each_other(home, evidence):
    evidence.run({"outcome": "passed"})
    publishing.publish(home)
    folder = str(Path(__file__).parent)
    reader = start(READER)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "1\n"
    runs = [start(RUN, folder, letter, "4") for letter in ("aa", "bb")]
    publisher = start(PUBLISH + "[publishing.publish(Settings.read()) for _ in range(5)]")
    began = time.monotonic()
    while any(process.poll() is None for process in (*runs, publisher)):
        assert time.monotonic() - began < 100
        assert len(answers(home)) >= 1
    assert [process.returncode for process in (*runs, publisher)] == [0, 0, 0]
    out, _ = reader.communicate("go on\n", timeout=60)
    assert out == "1 works\n"
    assert reader.returncode == 0
    for process in (*runs, publisher):
        process.communicate()
    with open_store(home) as store:
        assert store.sql("SELECT count(*) FROM observations") == [(9,)]


def test_two_first_openings_at_once_build_one_generation(home, evidence):
    evidence.run({"outcome": "passed"})
    readers = [start(READER) for _ in range(3)]
    for reader in readers:
        out, _ = reader.communicate("\n", timeout=100)
        assert out == "1\n1 works\n"
    assert generations.numbers(home) == [1]


def test_a_second_publisher_is_told_that_one_is_at_work(home):
    holder = start(
        "import sys; from caniload.settings import Settings\n"
        "from caniload.catalog import publishing\n"
        "with publishing._alone(Settings.read(), 1): print('held', flush=True); sys.stdin.read()"
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match="another process"):
        publishing.publish(home, lock_seconds=0.1)
    assert publishing.maybe_publish(home) is None
    holder.communicate("", timeout=30)
    assert publishing.publish(home).number == 1
