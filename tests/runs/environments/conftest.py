"""Tiny real packages that pip installs from a folder, and one tiny environment made of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_packages import specification, wheel

from caniload.runs import environments
from caniload.runs.built import Marker, write_marker
from caniload.runs.environments import EnvSpec
from caniload.settings import Settings


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip, by the user's own configuration, takes all packages from."""
    folder = tmp_path / "wheelhouse"
    wheel(folder, "alpha", "1.0")
    wheel(folder, "alpha", "2.0")
    wheel(folder, "local_build", "3.1+cpu.g1234567")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One real environment without packages, built once; tests copy it."""
    home = tmp_path_factory.mktemp("tiny")
    settings = Settings.read({"CANILOAD_HOME": str(home)})
    return environments.build(specification(), settings).parent.parent


@pytest.fixture
def place(tiny_built: Path, settings: Settings) -> Callable[..., EnvSpec]:
    """Return a function that puts a built environment of a name and size into this home."""

    def put(name: str, size_bytes: int = 1000, **distributions: str) -> EnvSpec:
        spec = specification(name)
        path = settings.envs / name
        shutil.copytree(tiny_built, path, symlinks=True)
        marker = Marker.model_validate_json((path / "caniload-environment.json").read_bytes())
        known = {**marker.distributions, **distributions}
        changed = {
            "name": name,
            "digest": spec.digest,
            "size_bytes": size_bytes,
            "distributions": known,
        }
        write_marker(path, marker.model_copy(update=changed))
        return spec

    return put


@pytest.fixture
def budget_of(settings: Settings) -> Callable[[int], Settings]:
    """Return a function from a budget in bytes to this home's settings with it."""
    return lambda size_bytes: replace(settings, env_budget_bytes=size_bytes)
