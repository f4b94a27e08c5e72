"""The authored rules and the messages that prove them, read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from caniload.catalog.diagnosis import load_rules
from caniload.catalog.rule_model import Rules

HERE = Path(__file__).parent
FAILURES = HERE.parents[2] / "caniload" / "data" / "failures.yaml"


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((HERE / name).read_text("utf-8"))
    return read


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The packaged rules."""
    return load_rules(FAILURES)


@pytest.fixture(scope="session")
def samples() -> dict[str, str]:
    """One real message a class."""
    return _read("samples.yaml")


@pytest.fixture(scope="session")
def variants() -> dict[str, Any]:
    """Messages that each class claims, those that people reported among them, and near misses."""
    found = _read("variants.yaml")
    for name, texts in _read("reported.yaml").items():
        found[name]["variants"] += texts
    return found


@pytest.fixture(scope="session")
def listed() -> dict[str, str]:
    """Which class is provoked in a real environment, and why another is not."""
    return _read("provoked.yaml")
