"""Loopback hubs for the fetch tests, with short patience and nothing of the developer's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.server import Server

from caniload.settings import Settings


@pytest.fixture(autouse=True)
def _only_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's tokens, netrc, mirrors and pip configuration out of the tests."""
    for name in list(os.environ):
        if name.startswith(("HF_", "PIP_", "TRANSFORMERS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "hf-home" / "token"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
    monkeypatch.setenv("PIP_TIMEOUT", "1")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("CANILOAD_HTTP_TIMEOUT", "0.4")
    monkeypatch.setenv("CANILOAD_HTTP_RETRIES", "1")


@pytest.fixture
def settings(_only_loopback: None) -> Settings:
    return Settings.read()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    """A second server, another origin."""
    with Server() as running:
        yield running
