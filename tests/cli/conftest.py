"""The command line as a user has it: a process of its own, a clean HOME, nothing inherited."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run

from caniload.catalog.compiled import compile_catalogue
from caniload.settings import Settings


@pytest.fixture(scope="session")
def unmeasured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authored data without the evidence that comes with it: tests record their own."""
    data = tmp_path_factory.mktemp("authored") / "data"
    shutil.copytree(
        Settings.read({}).data,
        data,
        ignore=shutil.ignore_patterns("evidence", "__pycache__"),
    )
    compile_catalogue(Settings.read({"CANILOAD_DATA": str(data)}))
    return data


@pytest.fixture
def environ(tmp_path: Path, unmeasured: Path) -> dict[str, str]:
    """An environment with a clean HOME and nothing of the developer's."""
    home = tmp_path / "user"
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "CANILOAD_HOME": str(tmp_path / "caniload-home"),
        "CANILOAD_DATA": str(unmeasured),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def caniload(environ: dict[str, str], tmp_path: Path) -> Run:
    """Run `caniload ARGS` in an empty folder; extra variables and stdin may be given."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(
        *args: str, stdin: str = "", timeout: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "caniload", *args],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=folder,
            env={**environ, **variables},
            timeout=timeout,
            check=False,
        )

    return run
