"""The command line as a user has it: a process of its own, a clean HOME, nothing inherited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a clean HOME and nothing of the developer's."""
    home = tmp_path / "user"
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "CANILOAD_HOME": str(tmp_path / "caniload-home"),
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
