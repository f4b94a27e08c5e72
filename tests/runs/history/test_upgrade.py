"""An upgrade tried in a copy of a user's environment: what breaks, what is fixed, what stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.builds

Caniload = Callable[..., tuple[int, Any, str]]


def _ask(python: Path, package: str, *more: str) -> list[str]:
    return ["upgrade", "rung:twice/as-much", "--python", str(python), "--package", package, *more]


def _state(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            stat = path.stat()
            found[str(path)] = (stat.st_nlink, stat.st_mtime_ns, stat.st_ino, path.read_bytes())
    return found


def test_what_would_break_is_seen_in_the_copy_and_theirs_is_untouched(
    caniload: Caniload, made: Path, tmp_path: Path
) -> None:
    before = _state(made)
    code, found, said = caniload(*_ask(made, "tinylib==2.0"))
    assert code == 1, said
    (cell,) = found["cells"]
    assert cell["effect"] == "breaks"
    assert (cell["before"]["outcome"], cell["after"]["outcome"]) == ("passed", "failed")
    assert "import name 'load'" in cell["after"]["exception_message"]
    assert cell["attempts_after"] == 2
    assert found["moved"] == {"tinylib": ["1.1", "2.0"]}
    assert _state(made) == before
    assert not list((tmp_path / "home" / "envs" / ".copies").iterdir())


def test_what_stays_and_what_is_fixed(
    caniload: Caniload, made: Path, tmp_path: Path, pip_environ: dict[str, str]
) -> None:
    code, found, _ = caniload(*_ask(made, "tinylib==1.9"))
    assert (code, [each["effect"] for each in found["cells"]]) == (0, ["works"])

    broken = tmp_path / "broken"
    subprocess.run(["cp", "-a", str(made), str(broken)], check=True)
    subprocess.run(
        [broken / "bin" / "python", "-m", "pip", "install", "-q", "tinylib==1.11"],
        env={**os.environ, **pip_environ},
        check=True,
    )
    code, found, _ = caniload(*_ask(broken, "tinylib==1.9"))
    assert (code, [each["effect"] for each in found["cells"]]) == (0, ["fixed"])
    code, found, _ = caniload(*_ask(broken, "tinylib==2.0"))
    assert (code, [each["effect"] for each in found["cells"]]) == (0, ["fails"])


def test_a_suite_s_models_are_tried(caniload: Caniload, made: Path, tmp_path: Path) -> None:
    suite = tmp_path / "caniload.toml"
    suite.write_text('name = "ours"\nmodels = ["rung:twice/as-much"]\n')
    ask = ["upgrade", "--suite", "caniload.toml", "--python", str(made), "-p", "tinylib==2.0"]
    code, found, said = caniload(*ask)
    assert code == 1, said
    assert [each["effect"] for each in found["cells"]] == ["breaks"]


def test_an_upgrade_that_pip_refuses_breaks_nothing_and_is_no_yes(
    caniload: Caniload, made: Path
) -> None:
    code, found, said = caniload(*_ask(made, "tinylib==1.10"))
    assert (code, found) == (3, None)
    assert "missing-thing" in said


def test_an_interpreter_in_no_environment_is_told(caniload: Caniload) -> None:
    base = Path(sys.executable).resolve()
    code, _, said = caniload(*_ask(base, "tinylib==2.0"))
    assert code == 2
    assert "virtual environment" in said
