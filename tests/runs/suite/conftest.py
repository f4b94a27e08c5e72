"""Suites as files, and a package index on loopback that pip is configured for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback import packages
from loopback.server import Server

from caniload.runs.suite import Suite, read_suite


@pytest.fixture
def suite_of(tmp_path: Path) -> Callable[[str], Suite]:
    """Return a function that writes a suite into a folder of its own and reads it."""

    def write(text: str) -> Suite:
        path = tmp_path / "project" / "caniload.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_suite(path)

    return write


class Index:
    """A package index whose contents a test replaces, as time does."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def holds(self, **wheels: dict[str, tuple[str, ...]]) -> None:
        """Offer packages, each as its versions with what they require."""
        self.server.routes.clear()
        for name, versions in wheels.items():
            files = {
                f"{name}-{version}-py3-none-any.whl": packages.wheel(
                    name, version, {f"{name}/__init__.py": b""}, requires
                )
                for version, requires in versions.items()
            }
            packages.publish(self.server, name, files)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """An index on loopback, which the user's pip is configured for, and a cache of its own."""
    with Server() as server:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.base}/index/")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield Index(server)
