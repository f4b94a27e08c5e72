"""The worker's framework-free part, on this Python and on 3.9 where one can be had."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from drive import RECIPE, SMOKE, Seen, drive, job

TOY = Path(__file__).with_name("toy_loader.py")


def oldest() -> Path | None:
    """A Python 3.9: named by CANILOAD_TEST_PYTHON39, on PATH, or one that pyenv keeps."""
    named = (os.environ.get("CANILOAD_TEST_PYTHON39"), shutil.which("python3.9"))
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.9.*/bin/python"))
    for choice in (*named, *kept):
        if choice and subprocess.run([choice, "-V"], capture_output=True).returncode == 0:
            return Path(choice)
    return None


PYTHONS = [pytest.param(Path(sys.executable), id="this")]
if (old := oldest()) is not None:
    PYTHONS.append(pytest.param(old, id="3.9"))

on_each = pytest.mark.parametrize("python", PYTHONS)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A toy artefact with a BERT tokenizer's files."""
    root = tmp_path / "toy"
    root.mkdir()
    (root / "weights.json").write_text('{"scale": 0.5}')
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,?!$'-[]"
    vocab = ["[PAD]", "[UNK]", *letters, *("##" + c for c in letters)]
    (root / "vocab.txt").write_text("\n".join(vocab))
    (root / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    return root


def run(python: Path, toy: Path, behaviour: str | None = None, **more: Any) -> Seen:
    work = job(toy, "toy", "pytorch", None, smoke_file=str(TOY), hints={"behaviour": behaviour})
    return drive(python, {**work, **more}, toy.parent / f"run-{behaviour}-{len(more)}")


@on_each
def test_a_plugin_passes_with_the_standard_library_alone(python: Path, toy: Path) -> None:
    seen = run(python, toy)
    assert seen.result == ("passed", "check"), seen.log
    assert [event["event"] for event in seen.events][:2] == ["hello", "stage"]
    assert seen.exit_code == 0
    assert {check["status"] for check in seen.checks.values()} == {"passed"}
    (output,) = seen.fingerprint["outputs"]
    assert output["shape"] == [2, 16, 2]
    assert len(output["samples"]) == 64
    assert output["samples"][-8:] == [0.0] * 8


@on_each
@pytest.mark.parametrize(
    ("behaviour", "check", "code"),
    [
        ("random", "weights", "weights_mismatch"),
        ("elsewhere", "device", "wrong_device"),
        ("nan", "output", "nonfinite_output"),
        ("infinite", "output", "nonfinite_output"),
        ("degenerate", "output", "degenerate_output"),
        ("nondeterministic", "output", "nondeterministic"),
        ("backwards", "preprocessing", "preprocessing_mismatch"),
        ("untold", "preprocessing", "preprocessing_error"),
    ],
)
def test_each_check_catches_what_no_other_does(
    python: Path, toy: Path, behaviour: str, check: str, code: str
) -> None:
    seen = run(python, toy, behaviour)
    assert seen.result == ("failed", "check")
    assert seen.final["message"].startswith(f"{code}: ")
    assert seen.checks[check]["status"] == "failed"
    (told,) = seen.all("exceptions")
    assert told["exceptions"][0]["type"] == "caniload.CheckFailed"
    without = run(python, toy, behaviour, disable_checks=[check])
    assert without.result == ("passed", "check")


def test_no_output_is_caught_by_output_and_fingerprint(toy: Path) -> None:
    python = Path(sys.executable)
    assert run(python, toy, "silent").final["message"].startswith("no_output: ")
    left = run(python, toy, "silent", disable_checks=["output"])
    assert left.checks["fingerprint"]["status"] == "failed"
    assert left.result == ("failed", "check")
    assert run(python, toy, "silent", disable_checks=["output", "fingerprint"]).result == (
        "passed",
        "check",
    )


def test_padding_and_declared_infinities_are_excluded(toy: Path) -> None:
    python = Path(sys.executable)
    assert run(python, toy, "nan-in-padding").result == ("passed", "check")
    allowed = {**RECIPE, "options": {"infinite_outputs": ["last_hidden_state"]}}
    seen = run(python, toy, "infinite", recipe=allowed)
    assert seen.result == ("passed", "check"), seen.final


@on_each
@pytest.mark.parametrize(
    ("behaviour", "outcome", "stage", "kind"),
    [
        ("absent", "not_installed", "import", "ModuleNotFoundError"),
        ("half-installed", "failed", "import", "ModuleNotFoundError"),
        ("bare", "loads_only", "load", "caniload.LoadsOnly"),
        ("foreign-code", "refused", "load", "caniload.Refused"),
        ("memory", "out_of_memory", "load", "MemoryError"),
    ],
)
def test_exceptions_become_outcomes_in_one_place(
    python: Path, toy: Path, behaviour: str, outcome: str, stage: str, kind: str
) -> None:
    seen = run(python, toy, behaviour)
    assert seen.result == (outcome, stage)
    assert seen.exit_code == 0
    (told,) = seen.all("exceptions")
    assert told["exceptions"][0]["type"] == kind


@on_each
def test_an_exceptions_chain_is_told_outermost_first(python: Path, toy: Path) -> None:
    seen = run(python, toy, "chain")
    (told,) = seen.all("exceptions")
    assert told["exceptions"] == [
        {
            "type": "ValueError",
            "message": "checkpoint is damaged\nsecond line",
            "relation": "raised",
        },
        {"type": "KeyError", "message": "'no such weight'", "relation": "cause"},
    ]
    assert seen.final["message"] == "ValueError: checkpoint is damaged"


def test_a_plugin_exports(toy: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    seen = run(
        Path(sys.executable), toy, action="export", export_format="txt", export_to=str(target)
    )
    assert seen.result == ("passed", "export")
    (exported,) = seen.all("exported")
    assert [file["path"] for file in exported["files"]] == ["toy.txt"]


@pytest.mark.parametrize(
    "work",
    [
        b"not json",
        json.dumps({"protocol": 2}).encode(),
        json.dumps(
            {"protocol": 1, "loader": "no-such", "framework": "pytorch", "smoke_file": None}
        ).encode(),
        json.dumps(
            {"protocol": 1, "loader": "../events", "framework": "pytorch", "smoke_file": None}
        ).encode(),
    ],
)
def test_a_job_that_is_none_ends_without_a_final(work: bytes, tmp_path: Path) -> None:
    seen = drive(Path(sys.executable), work, tmp_path / "run")
    assert seen.exit_code == 70
    assert not seen.all("final")


def test_every_file_is_python_3_9_with_relative_imports_only() -> None:
    files = sorted(SMOKE.glob("*.py"))
    assert len(files) > 10
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
        names = [
            name
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        ]
        assert not [name for name in names if name.split(".")[0] == "caniload"], file
