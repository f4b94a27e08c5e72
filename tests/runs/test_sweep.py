"""A sweep attempts what the library itself lists, in warm workers, and goes on where it ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caniload.errors import BadInputError
from caniload.units import count

DATA = Path(__file__).parents[2] / "caniload" / "data"


def sweep(*arguments: str, home: Path) -> tuple[int, Any, str]:
    data_dir = home / "data"
    if not data_dir.exists():  # what comes with caniload counts as attempted before
        shutil.copytree(DATA, data_dir, ignore=shutil.ignore_patterns("evidence"))
    environ = {**os.environ, "CANILOAD_HOME": str(home), "CANILOAD_DATA": str(data_dir)}
    if "CANILOAD_TEST_ENVS" in os.environ:
        environ["CANILOAD_ENVS"] = os.environ["CANILOAD_TEST_ENVS"]
    done = subprocess.run(
        [sys.executable, "-m", "caniload", "sweep", *arguments, "--format", "json"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    data = json.loads(done.stdout)["data"] if done.stdout else None
    return done.returncode, data, done.stderr


@pytest.mark.framework
def test_each_name_of_the_library_is_attempted_or_left_out_with_its_reason(
    framework_python: Callable[[str], Path], tmp_path: Path
) -> None:
    framework_python("vision")
    asked = ("torchvision", "--only", "resnet", "--max-params", "30M")
    code, first, _ = sweep(*asked, "--limit", "2", home=tmp_path)
    assert code == 0
    assert len(first["cells"]) == 2
    assert {cell["verdict"] for cell in first["cells"]} <= {"unknown", "blocked"}
    assert {cell["weights"] for cell in first["cells"]} == {"random"}
    reasons = set(first["omitted"].values())
    assert reasons == {"more parameters than asked for", "not asked for", "past the limit"}
    assert len(first["omitted"]) + 2 == first["listed"] > 100
    code, second, _ = sweep(*asked, "--limit", "2", home=tmp_path)
    names = {cell["handle"] for cell in first["cells"]}
    assert names.isdisjoint(cell["handle"] for cell in second["cells"])
    before = {name for name, why in second["omitted"].items() if why == "attempted before"}
    assert before == {name.partition(":")[2] for name in names}


@pytest.mark.framework
def test_what_is_swept_runs_warm_and_never_works(
    framework_python: Callable[[str], Path], tmp_path: Path
) -> None:
    framework_python("vision")
    code, data, _ = sweep("timm", "--only", "resnet10t", home=tmp_path)
    assert code == 0
    (cell,) = data["cells"]
    assert (cell["handle"], cell["outcome"], cell["verdict"]) == (
        "timm:resnet10t",
        "passed",
        "unknown",
    )
    assert cell["note"] == "the architecture runs; no weights measured"
    environ = {
        **os.environ,
        "CANILOAD_HOME": str(tmp_path),
        "CANILOAD_DATA": str(tmp_path / "data"),
    }
    asked = "SELECT worker, evidence_level FROM observations WHERE source = 'timm:resnet10t'"
    done = subprocess.run(
        [sys.executable, "-m", "caniload", "sql", asked, "--format", "json"],
        capture_output=True,
        text=True,
        env=environ,
        check=True,
    )
    assert json.loads(done.stdout)["data"]["rows"] == [["warm", "architecture"]]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("transformers",), "builds no architectures by name"),
        (("nonesuch",), "builds no architectures by name"),
        (("timm", "--max-params", "many"), "write a number as 100M"),
        (("timm", "--shard", "3/2"), "--shard 1/4"),
        (("timm", "--framework", "jax"), "does not serve jax"),
    ],
)
def test_bad_input_is_one_line_and_two(
    arguments: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    code, data, said = sweep(*arguments, home=tmp_path)
    assert (code, data) == (2, None)
    assert named in said
    assert said.count("\n") == 1


def test_parameters_are_counted_in_thousands() -> None:
    assert (count("100M"), count("1.5G"), count("700k")) == (10**8, 15 * 10**8, 700_000)
    with pytest.raises(BadInputError):
        count("-1")
