"""Executors of scripted workers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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


@pytest.fixture
def apart(settings: Settings) -> Iterator[Executor]:
    """A sandboxed executor whose scratch lies outside of the checkout.

    The checkout is shown whole to workers of an interpreter that has it installed as editable, and
    what lies closed within it, as pytest's folders may, another user cannot reach.
    """
    assert sandbox.bubblewrap() is not None, "install bubblewrap: these tests need a real one"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Executor(replace(settings, home=Path(folder)), worker=WORKER)
