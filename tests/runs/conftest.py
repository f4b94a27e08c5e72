"""Executors of scripted workers."""

from __future__ import annotations

import pytest
from scripted import WORKER

from caniload.runs import sandbox
from caniload.runs.executor import Executor
from caniload.settings import Settings


@pytest.fixture
def executor(settings: Settings) -> Executor:
    """An executor of scripted workers, in the sandbox that this machine has."""
    return Executor(settings, worker=WORKER)


@pytest.fixture
def boxed(settings: Settings) -> Executor:
    """An executor that certainly has a sandbox; a machine without bubblewrap fails here."""
    assert sandbox.bubblewrap() is not None, "install bubblewrap: these tests need a real one"
    return Executor(settings, worker=WORKER)


@pytest.fixture
def bare(settings: Settings) -> Executor:
    """An executor of scripted workers without a sandbox."""
    return Executor(settings, worker=WORKER, sandbox="none")
