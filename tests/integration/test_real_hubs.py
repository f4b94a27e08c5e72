"""Real published weights behind hubs on loopback: fetched and run, and again without the hubs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from loopback.github import GitHub, Repository
from loopback.server import Server
from loopback.tfhub import Module, TfHubServer, tar_gz

pytestmark = [pytest.mark.framework, pytest.mark.timeout(900)]

WEIGHTS = os.environ.get("CANILOAD_TEST_WEIGHTS")
if not WEIGHTS:
    pytest.skip(
        "CANILOAD_TEST_WEIGHTS is not set: no hub was tried with real published weights",
        allow_module_level=True,
    )

HUBCONF = b'''"""Voice activity detection."""

import os

dependencies = ["torch"]


def silero_vad():
    """Load the program that lies beside this file."""
    import torch

    here = os.path.dirname(os.path.abspath(__file__))
    return torch.jit.load(os.path.join(here, "files", "silero_vad.jit"), map_location="cpu")
'''
ASKED = """
SELECT v.handle, v.model, v.loader, v.framework, v.environment, v.verdict, v.outcome, v.stage,
    v.message, v.options, o.evidence_level, o.checks, o.worker, d.code AS diagnosis
FROM cell_verdicts v
JOIN observations o ON o.id = v.observation_id
LEFT JOIN diagnoses d ON d.observation_id = o.id
WHERE v.run_id = '{run}'
"""


@dataclass
class User:
    """Someone with a home of their own, our built environments, and mirrors of hubs."""

    environ: dict[str, str]

    def call(self, *arguments: str) -> tuple[int, Any]:
        """Run a public command; return its exit code and data."""
        done = subprocess.run(
            [sys.executable, "-m", "caniload", *arguments, "--format", "json"],
            capture_output=True,
            text=True,
            env=self.environ,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, (arguments, done.returncode, done.stderr)
        return done.returncode, json.loads(done.stdout)["data"]

    def run(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Run `caniload run`; return its exit code and what the store says of its cells."""
        code, data = self.call("run", *arguments)
        _, rows = self.call("sql", ASKED.format(run=data["run_id"]))
        return code, [dict(zip(rows["columns"], row, strict=True)) for row in rows["rows"]]


@pytest.fixture
def user(tmp_path: Path) -> User:
    home = tmp_path / "user"
    home.mkdir()
    return User(
        {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "CANILOAD_HOME": str(tmp_path / "caniload-home"),
            "CANILOAD_ENVS": os.environ["CANILOAD_TEST_ENVS"],
            "CANILOAD_HTTP_RETRIES": "0",
            "LANG": "C.UTF-8",
        }
    )


def checks_of(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell's checks by name."""
    checks = cell["checks"]
    return {each["name"]: each for each in (json.loads(checks) if checks else [])}


def test_a_saved_model_from_tf_hub_works_and_needs_the_hub_once(user: User) -> None:
    folder = Path(str(WEIGHTS)) / "basic-pitch" / "nmp"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    with Server() as server:
        TfHubServer(server).add(Module("spotify/basic-pitch", 1, compressed=tar_gz(files)))
        user.environ["CANILOAD_TFHUB_ENDPOINT"] = server.base
        asked = ("tfhub:spotify/basic-pitch@1", "--env", "tf-keras")
        code, first = user.run(*asked)
        assert [(one.path, one.query) for one in server.asked if one.method == "GET"] == [
            ("/spotify/basic-pitch/1", "tf-hub-format=compressed")
        ]
    code_again, again = user.run(*asked)
    for answer, cells in ((code, first), (code_again, again)):
        assert answer == 0, cells
        assert {cell["loader"] for cell in cells} == {"tensorflow-hub", "saved-model"}
        for cell in cells:
            if cell["options"]:  # a KerasLayer, which a Keras of today may refuse: told, not works
                assert cell["verdict"] == "works" or cell["diagnosis"], cell
                continue
            assert cell["verdict"] == "works", cell
            assert cell["evidence_level"] == "pretrained", cell
            assert cell["handle"] == "tfhub:spotify/basic-pitch@1#saved-model"
            assert cell["model"] == "basic-pitch"
            assert {each["status"] for each in checks_of(cell).values()} <= {
                "passed",
                "not_applicable",
            }


def test_a_program_behind_a_hubconf_works_where_code_may_run(user: User) -> None:
    program = (Path(str(WEIGHTS)) / "silero-vad" / "silero_vad.jit").read_bytes()
    files = {"hubconf.py": HUBCONF, "files/silero_vad.jit": program, "README.md": b"# Silero"}
    with Server() as server:
        repository = GitHub(server).add(Repository("snakers4/silero-vad", files))
        user.environ["CANILOAD_TORCHHUB_ENDPOINT"] = server.base
        handle = f"torchhub:snakers4/silero-vad/silero_vad@{repository.commit}"
        refused_code, refused = user.run(handle, "--env", "pytorch")
        code, first = user.run(handle, "--env", "pytorch", "--allow-code")
        zipped = f"/snakers4/silero-vad/zipball/{repository.commit}"
        assert server.paths() == [zipped]
    assert refused_code == 3
    assert [(cell["loader"], cell["outcome"], cell["verdict"]) for cell in refused] == [
        ("torch-hub", "refused", "blocked")
    ]
    code_again, again = user.run(handle, "--env", "pytorch", "--allow-code")
    for answer, cells in ((code, first), (code_again, again)):
        assert answer == 0, cells
        assert [cell["loader"] for cell in cells] == ["torch-hub"]
        cell = cells[0]
        assert cell["verdict"] == "works", cell
        assert cell["evidence_level"] == "pretrained", cell
        assert cell["handle"] == f"{handle}#torch-hub"
        assert cell["model"] == "silero-vad"
        weights = checks_of(cell)["weights"]
        assert weights["status"] == "passed", weights
        assert "silero_vad.jit" in weights["detail"]
