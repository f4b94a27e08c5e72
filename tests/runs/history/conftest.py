"""An index on loopback, a user's environment with the first release, and the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ladder
import pytest
from loopback.server import Server

from caniload.settings import Settings


@pytest.fixture(scope="session")
def index() -> Iterator[Server]:
    """The index, with the tiny package on it."""
    with Server() as server:
        ladder.publish(server)
        yield server


@pytest.fixture(scope="session")
def pip_environ(index: Server) -> dict[str, str]:
    """What makes pip ask this index alone, whatever the developer's configuration says."""
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{index.base}/index",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, pip_environ: dict[str, str]) -> Path:
    """A virtual environment with tinylib 1.1, built once; tests copy it."""
    folder = tmp_path_factory.mktemp("made") / "theirs"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", "tinylib==1.1"],
        env={**os.environ, **pip_environ},
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authored data without evidence."""
    folder = tmp_path_factory.mktemp("authored") / "data"
    skip = shutil.ignore_patterns("evidence", "bisections", "sweeps", "__pycache__")
    shutil.copytree(Settings.read({}).data, folder, ignore=skip)
    return folder


@pytest.fixture
def environ(tmp_path: Path, pip_environ: dict[str, str], data: Path) -> dict[str, str]:
    """An environment with a clean HOME, the plug-in, and nothing of the developer's."""
    (tmp_path / "user").mkdir()
    return {
        "HOME": str(tmp_path / "user"),
        "PATH": os.environ["PATH"],
        "CANILOAD_HOME": str(tmp_path / "home"),
        "CANILOAD_DATA": str(data),
        "PYTHONPATH": str(ladder.plugin(tmp_path / "plugin")),
        "PYTHONWARNINGS": "error",
        **pip_environ,
    }


@pytest.fixture
def caniload(tmp_path: Path, environ: dict[str, str]) -> Callable[..., tuple[int, Any, str]]:
    """Run `caniload ARGS --format json`; return the code, the document's data, and stderr."""

    def run(*args: str, **variables: str) -> tuple[int, Any, str]:
        done = subprocess.run(
            [sys.executable, "-m", "caniload", *args, "--format", "json"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environ, **variables},
            timeout=300,
            check=False,
        )
        found = json.loads(done.stdout)["data"] if done.stdout else None
        return done.returncode, found, done.stderr

    return run
