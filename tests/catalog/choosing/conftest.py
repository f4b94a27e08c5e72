"""One home for the questions of this room: its store is made once, of what the package brings."""

from __future__ import annotations

import pytest

from caniload.settings import Settings


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a home that holds nothing but what comes with caniload."""
    home = tmp_path_factory.mktemp("packaged")
    return Settings.read({"CANILOAD_HOME": str(home)})
