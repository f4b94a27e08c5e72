"""docs/compatibility.md is what the evidence that comes with caniload says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_has_not_drifted_from_the_evidence() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "write_compatibility.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_random_weights_are_nowhere_said_to_work() -> None:
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    (dream,) = [part for part in text.split("\n## ") if part.startswith("DeepDream")]
    assert "the architecture runs; no weights measured" in dream
    assert "| works" not in dream
