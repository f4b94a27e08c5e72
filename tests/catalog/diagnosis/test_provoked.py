"""Failures made to happen in real environments get their own class."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog.diagnosis import Failure, diagnose
from caniload.catalog.rule_model import Rules

PROVOKE = Path(__file__).parent / "provoke"
FRAMEWORKS = {
    "pytorch": "pytorch",
    "onnxruntime": "onnxruntime",
    "transformers4": "transformers-4",
    "tensorflow": "tensorflow",
    "tensorflow_hub": "tf-keras",
    "jax": "keras-jax",
}
"""Which environment provokes which file; a later one reads what an earlier one wrote."""


def _run(command: list[str], work: Path) -> list[dict[str, Any]]:
    """Run one file of provocations; returns its lines."""
    environ = {**os.environ, "PROVOKE_IN": str(work), "HOME": str(work)}
    done = subprocess.run(
        command, cwd=work, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def _wrong(rules: Rules, lines: list[dict[str, Any]]) -> list[tuple[str, str | None, Any]]:
    """List what was not diagnosed as it should be."""
    out = []
    for line in lines:
        chain = tuple((name, text, how) for name, text, how in line["exceptions"])
        found = diagnose(
            rules,
            Failure(outcome="failed", exceptions=chain, log_excerpt=line["log"], **line["facts"]),
        )
        if found is None or found.code != line["id"]:
            out.append((line["id"], found and found.code, line["exceptions"]))
    return out


def _listed(listed: dict[str, str], where: str) -> set[str]:
    return {name for name, how in listed.items() if where in how.removeprefix("provoked: ").split()
            and how.startswith("provoked: ")}  # fmt: skip


def test_every_class_is_listed_as_provoked_or_with_a_reason(
    rules: Rules, listed: dict[str, str], samples: dict[str, str]
) -> None:
    assert set(listed) == {rule.id for rule in rules.rules}
    assert set(samples) <= set(listed)
    for name, how in listed.items():
        assert how.startswith(("provoked: ", "not provoked: ")), name
        assert len(how.split(": ", 1)[1]) > 1, name


@pytest.mark.framework
def test_frameworks_raise_what_the_rules_say(
    rules: Rules,
    listed: dict[str, str],
    framework_python: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    for name, environment in FRAMEWORKS.items():
        python = framework_python(environment)
        lines = _run([str(python), "-B", str(PROVOKE / f"in_{name}.py")], tmp_path)
        assert _wrong(rules, lines) == []
        assert {line["id"] for line in lines} == _listed(listed, name)


def test_python_alone_raises_what_the_rules_say(
    rules: Rules, listed: dict[str, str], tmp_path: Path
) -> None:
    lines = _run([sys.executable, "-B", "-S", str(PROVOKE / "in_python.py")], tmp_path)
    assert _wrong(rules, lines) == []
    assert {line["id"] for line in lines} == _listed(listed, "python")


def test_an_illegal_instruction_is_told_by_its_signal(rules: Rules) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    done = subprocess.run([sys.executable, "-S", "-c", code], check=False)
    assert done.returncode == -signal.SIGILL
    found = diagnose(rules, Failure(outcome="crashed", signal=-done.returncode))
    assert found is not None
    assert found.code == "env.illegal-instruction"


def test_pip_without_a_build_is_told_by_its_words(rules: Rules, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-index", "nobodys-package==1.0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    found = diagnose(rules, Failure(outcome="failed", log_excerpt=done.stderr))
    assert found is not None
    assert found.code == "env.no-wheel"
