"""One home for the questions of this room: its store is made once, of what the package brings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from caniload.catalog import generations, publishing
from caniload.catalog.store import Store
from caniload.settings import Settings


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a home that holds nothing but what comes with caniload.

    The data is a copy: a store that is asked twice is not made anew between.
    """
    folder = tmp_path_factory.mktemp("packaged")
    shutil.copytree(Settings.read({}).data, folder / "data")
    variables = {"CANILOAD_HOME": str(folder / "home"), "CANILOAD_DATA": str(folder / "data")}
    settings = Settings.read(variables)
    publishing.publish(settings)
    return settings


@pytest.fixture
def spoiled(packaged: Settings, tmp_path: Path) -> Iterator[Store]:
    """That store as a copy which a test may spoil: `store.database` writes into it."""
    current = generations.read_current(packaged)
    assert current is not None
    shutil.copy(current.path(packaged), tmp_path / "spoiled.duckdb")
    with duckdb.connect(":memory:") as database:
        database.execute(f"ATTACH '{tmp_path / 'spoiled.duckdb'}' AS store")
        yield Store(database, current, packaged, (), prepared=False)
