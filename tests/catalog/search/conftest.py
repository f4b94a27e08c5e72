"""The shipped catalogue in a store of its own, with the evidence that comes with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caniload.catalog.store import Store, open_store
from caniload.settings import Settings


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store built of what the package ships, open for reading."""
    home = tmp_path_factory.mktemp("shipped")
    with open_store(Settings.read({"CANILOAD_HOME": str(home)})) as store:
        yield store
