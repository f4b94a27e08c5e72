"""A night on a real Ray cluster of two nodes, each with a home and environments of its own.

The cluster's processes, the night's and the workers' are real; what a worker does is scripted.
Only processes that a test started are ended, found as children of what it started.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from caniload.runs import processes

pytestmark = pytest.mark.slow
BIN = Path(sys.executable).parent
DRIVER = Path(__file__).parent / "night_on_ray.py"
LOCAL = "127.0.0.2"  # Ray takes 127.0.0.1 for the machine's outer address
SECONDS = 240


def free_port() -> int:
    with socket.socket() as made:
        made.bind((LOCAL, 0))
        port: int = made.getsockname()[1]
        return port


class RayNodes:
    """The nodes of a cluster, each a process tree of ours with an environment of its own."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.common = {
            "PATH": f"{BIN}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheelhouse),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DISABLE_IMPORT_WARNING": "1",
        }

    @property
    def address(self) -> str:
        return f"{LOCAL}:{self.port}"

    def environ(self, name: str) -> dict[str, str]:
        return {**self.common, "CANILOAD_HOME": str(self.folder / name)}

    def start(self, name: str, *, head: bool = False, cpus: int = 2) -> None:
        where = [f"--address={self.address}"]
        if head:
            where = ["--head", f"--port={self.port}", "--include-dashboard=false"]
        command = [
            str(BIN / "ray"),
            "start",
            *where,
            "--block",
            f"--node-ip-address={LOCAL}",
            f"--num-cpus={cpus}",
            "--num-gpus=0",
            f"--memory={4_000_000_000 if cpus else 0}",
            "--object-store-memory=80000000",
            "--disable-usage-stats",
        ]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                command, env=self.environ(name), stdout=log, stderr=log, start_new_session=True
            )
        self._await(name)

    def _await(self, name: str) -> None:
        """Wait until Ray says that the node runs."""
        log = self.folder / f"{name}.log"
        until = time.monotonic() + 90
        while b"Ray runtime started" not in log.read_bytes():
            assert self.started[name].poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)

    def kill(self, name: str) -> None:
        """End a node as a power cut would: every process of its tree, by its number."""
        process = self.started.pop(name)
        tree = processes.tree(process.pid)
        for pid in sorted(tree):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RayNodes]:
    """A head that runs nothing, and two nodes that do."""
    wheelhouse = tmp_path / "wheelhouse"
    wheelhouse.mkdir()
    with zipfile.ZipFile(wheelhouse / "torch-2.13.0-py3-none-any.whl", "w") as archive:
        archive.writestr("torch/__init__.py", "")
        info = "torch-2.13.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    nodes = RayNodes(tmp_path, wheelhouse)
    try:
        nodes.start("head", head=True, cpus=0)
        nodes.start("one")
        nodes.start("two")
        yield nodes
    finally:
        for name in list(nodes.started):
            nodes.kill(name)


def begin(cluster: RayNodes, cells: list[tuple[str, str, dict[str, Any]]]) -> Any:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), cluster.address, json.dumps(cells)],
        env=cluster.environ("driver"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(driver: Any) -> dict[str, Any]:
    try:
        out, err = driver.communicate(timeout=SECONDS)
    finally:
        driver.kill()
    assert driver.returncode == 0, err.decode()
    assert out.startswith(b"{"), f"something else is on stdout: {out!r}"
    told: dict[str, Any] = json.loads(out)
    return told


def test_a_node_that_dies_while_it_runs_a_cell_loses_nothing(
    cluster: RayNodes, tmp_path: Path
) -> None:
    """The beacon is written by the cell's worker, and says which process on which node it is."""
    beacon = tmp_path / "beacon"
    cells = [("slow", "beacon_then_pass", {"beacon": str(beacon), "seconds": 30})]
    cells += [(f"cell{n}", "slow_pass", {"seconds": 0.2}) for n in range(5)]
    driver = begin(cluster, cells)
    until = time.monotonic() + SECONDS
    while not beacon.exists() or not beacon.read_text().endswith("\n"):
        assert driver.poll() is None, finish(driver)
        assert time.monotonic() < until
        time.sleep(0.05)
    first = int(beacon.read_text().split()[0])
    (home,) = [n for n in ("one", "two") if first in processes.tree(cluster.started[n].pid)]
    assert not (tmp_path / "driver" / "node").exists()
    cluster.kill(home)
    told = finish(driver)

    settled = Counter(cell for cell, _ in told["settled"])
    assert settled == dict.fromkeys(told["planned"], 1), "each planned cell in one settlement"
    cells = [seen for seen in told["seen"] if not seen["label"].startswith("control")]
    assert [
        (seen["label"], seen["outcome"]) for seen in sorted(cells, key=itemgetter("label"))
    ] == [
        *((f"cell{n}", "passed") for n in range(5)),
        ("slow", "passed"),
    ], "each attempt that a node answered is there once"
    assert told["controls"] == {"tiny": [True, ""]}
    (slow,) = [seen for seen in told["seen"] if seen["label"] == "slow"]
    assert slow["lost"] == "its node died"
    assert len(beacon.read_text().splitlines()) == 2, "it was begun on both nodes"
    assert {seen["node"] for seen in cells} <= {seen["node"] for seen in told["seen"]} - {None}
    assert len({seen["node"] for seen in told["seen"]} - {None}) == 2, "both had been at work"
    failed = [seen for seen in told["seen"] if seen["outcome"] == "failed"]
    assert [seen["log"] for seen in failed] == [True] * len(failed), "logs come with them"
    assert failed
    answered = [seen for seen in told["seen"] if seen["node"]]
    assert all(seen["lock"]["torch"] == "2.13.0" for seen in answered)
    for name in ("one", "two"):
        assert (tmp_path / name / "envs" / "tiny" / "bin" / "python").exists(), "built there"


def test_what_no_node_can_do_is_a_harness_error_that_says_so(
    cluster: RayNodes, tmp_path: Path
) -> None:
    """A pip that finds nothing: neither node can build the environment, the driver could."""
    for name in ("one", "two"):
        cluster.kill(name)
    cluster.common["PIP_FIND_LINKS"] = str(tmp_path / "nothing")
    cluster.start("one")
    cluster.start("two")
    cluster.common["PIP_FIND_LINKS"] = str(tmp_path / "wheelhouse")
    told = finish(begin(cluster, [("cell", "pass_", {})]))
    assert Counter(cell for cell, _ in told["settled"]) == dict.fromkeys(told["planned"], 1)
    assert {outcome for _, outcome in told["settled"]} == {"harness_error"}
    (seen, *_) = [each for each in told["seen"] if each["label"] == "cell"]
    assert "given up after 2 of 3 tries" in seen["message"]
    assert "EnvironmentBuildError" in seen["message"]
    assert not told["controls"]["tiny"][0]
