"""The main job end to end: the demo in real environments, and every snippet that it leads to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caniload.cli.demo import EXPECTED
from caniload.loaders.smoke.fingerprint import Flat, _zero_padding, print_of
from caniload.loaders.specs import load_specs
from caniload.settings import Settings

pytestmark = [pytest.mark.framework, pytest.mark.timeout(900)]

ENVIRONMENTS = ("pytorch", "tensorflow", "keras-torch", "keras-jax", "onnxruntime")
TELL = """
import json as _json, numpy as _numpy
_array = _numpy.asarray(output)
print(_json.dumps({"shape": _array.shape, "values": _array.ravel().tolist()}))
"""


@dataclass(frozen=True)
class Shown:
    """A demo that has run: its home, what it printed, and its exit code."""

    environ: dict[str, str]
    done: subprocess.CompletedProcess[str]

    def caniload(self, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "caniload", *args],
            capture_output=True,
            text=True,
            env=self.environ | variables,
            check=False,
        )

    @property
    def cells(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.done.stdout)["data"]["cells"]
        return found


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, framework_python: Callable[[str], Path]
) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    data = folder / "data"
    shutil.copytree(
        Settings.read({}).data, data, ignore=shutil.ignore_patterns("evidence", "__pycache__")
    )
    environ = {
        **os.environ,
        "CANILOAD_HOME": str(folder / "home"),
        "CANILOAD_DATA": str(data),
        "CANILOAD_ENVS": str(framework_python("pytorch").parents[2]),
    }
    shown = Shown(environ, subprocess.CompletedProcess([], 0))
    return Shown(environ, shown.caniload("demo", "--format", "json"))


def test_every_row_is_seen_in_this_run(demo: Shown) -> None:
    assert demo.done.returncode == 0, demo.done.stderr
    attempts = {(c["loader"], c["framework"]): c for c in demo.cells if c["kind"] == "attempt"}
    assert set(attempts) == {(row.loader, row.framework) for row in EXPECTED}
    assert len({cell["run_id"] for cell in demo.cells}) == 1
    for row in EXPECTED:
        cell = attempts[row.loader, row.framework]
        assert cell["verdict"] == row.verdict
        if row.between:
            assert row.between[0] <= cell["relative_rms"] <= row.between[1]
        assert (cell["diagnosis"] or {}).get("code") == row.diagnosis
    assert attempts["transformers", "pytorch"]["reference"] == "itself"
    assert "TFBertModel" in attempts["transformers", "tensorflow"]["exception_message"]
    assert attempts["onnx", "onnxruntime"]["parent_observation"]


def test_without_the_rules_the_same_failure_is_undiagnosed(demo: Shown, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(demo.environ["CANILOAD_DATA"], data)
    (data / "failures.yaml").unlink()
    done = demo.caniload(
        "check", "minilm", "-f", "tensorflow", "-l", "transformers", "--env", "tensorflow",
        CANILOAD_DATA=str(data),
    )  # fmt: skip
    assert not done.stdout.startswith("fails")
    assert "unknown: undiagnosed" in done.stdout, done.stdout
    assert done.returncode == 3
    known = demo.caniload("check", "minilm", "-l", "transformers", "--env", "tensorflow")
    assert known.stdout.startswith("fails")
    assert "4.57" in known.stdout
    assert known.returncode == 1


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_printed_snippet_runs_where_it_says_and_gives_the_same_fingerprint(
    demo: Shown, tmp_path: Path, framework_python: Callable[[str], Path], environment: str
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(os.environ["CANILOAD_TEST_MINILM"]) as wheel:
        wheel.extractall(site)
    cells = [c for c in demo.cells if c["environment"] == environment and c["kind"] == "attempt"]
    passed = [cell for cell in cells if cell["outcome"] == "passed"]
    assert passed
    for cell in passed:
        question = ("check", "minilm", "--env", environment, "-l", cell["loader"])
        (answer,) = json.loads(demo.caniload(*question, "--format", "json").stdout)["data"]
        assert answer["best"]["observation_id"] == cell["observation_id"]
        code = answer["snippet"]
        printed = demo.caniload(*question).stdout
        assert all(line in printed for line in code.splitlines())
        done = subprocess.run(
            [str(framework_python(environment)), "-c", code + TELL],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(site), "HOME": str(tmp_path)},
            check=False,
        )
        assert done.returncode == 0, code + done.stderr
        output = json.loads(done.stdout.splitlines()[-1])
        name = load_specs()[cell["loader"]].snippet_output
        flat = Flat(name, tuple(output["shape"]), "float32", array("d", output["values"]))
        _zero_padding(flat.values, flat.shape, [16, 12])
        query = (
            "SELECT shape, samples FROM prints WHERE output = "
            f"'{name}' AND observation_id = '{cell['observation_id']}'"
        )
        rows = json.loads(demo.caniload("sql", query, "--format", "json").stdout)["data"]["rows"]
        ((shape, samples),) = rows
        found = print_of(flat, 20260101)
        assert list(found["shape"]) == list(shape)
        assert found["samples"] == pytest.approx(samples, rel=1e-4, abs=1e-5)
