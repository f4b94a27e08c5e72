"""Bisection over a real index, with real pip in real copies of an environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.server import Answer, Server

from caniload.runs.bisection import Try, search

pytestmark = pytest.mark.builds

Caniload = Callable[..., tuple[int, Any, str]]


def _ask(made: Path, *more: str) -> list[str]:
    return ["bisect", "rung:twice/as-much", "--package", "tinylib", "--python", str(made), *more]


def test_every_change_is_found_to_the_release_and_nothing_is_asked_twice(
    caniload: Caniload, made: Path, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    code, found, _ = caniload(*_ask(made, "--record", str(record)))
    assert code == 0
    assert json.loads(record.read_text())["changes"] == found["changes"]
    # Yanked, pre-release and another Python's are not in the list; order is that of versions.
    assert found["listed"] == ["1.1", "1.2", "1.9", "1.10", "1.11", "2.0", "2.1"]
    first, second = found["changes"]
    assert (first["before"], first["after"]) == ("1.9", "1.11")
    assert (first["adjacent"], first["between"]) == (False, ["1.10"])
    assert (second["before"], second["after"], second["adjacent"]) == ("1.11", "2.0", True)
    assert first["repeats"] == second["repeats"] == [2, 2]
    tries = {each["version"]: each for each in found["tries"]}
    assert tries["1.10"]["state"] == "uninstallable"
    assert "missing-thing" in tries["1.10"]["why"]
    assert tries["1.11"]["exception_type"] == "TypeError"
    assert "import name 'load'" in tries["2.0"]["exception_message"]
    assert tries["2.0"]["moved"] == {"tinylib": ["1.1", "2.0"]}
    assert tries["2.0"]["lock"]["tinylib"] == "2.0"
    text = record.read_text()
    assert str(tmp_path) not in text
    assert "127.0.0.1" not in text

    again, known, _ = caniload(*_ask(made))
    assert (again, known["attempts_made"]) == (0, 0)
    assert known["changes"] == found["changes"]
    assert not list((tmp_path / "home" / "envs" / ".copies").iterdir())

    code, told, _ = caniload("history", "rung:twice/as-much", "--package", "tinylib")
    assert code == 0
    (series,) = told["series"]
    assert [span["points"][0]["version"] for span in series["spans"]] == ["1.1", "1.11", "2.0"]
    assert series["spans"][0]["result"] == "works"
    assert series["spans"][0]["untested"] == ["1.2"]
    assert [gap["releases"] for gap in series["gaps"]] == [["1.10"], []]


def test_theirs_is_left_as_it_was(caniload: Caniload, made: Path) -> None:
    before = {path: path.read_bytes() for path in made.rglob("tinylib*/*") if path.is_file()}
    code, found, _ = caniload(*_ask(made, "--good", "1.1", "--bad", "1.2", "--repeats", "1"))
    assert code == 0
    assert found["changes"] == []
    after = {path: path.read_bytes() for path in made.rglob("tinylib*/*") if path.is_file()}
    assert after == before


def test_a_search_that_was_cut_off_goes_on(
    caniload: Caniload, environ: dict[str, str], made: Path, tmp_path: Path
) -> None:
    records = tmp_path / "home" / "bisections"
    process = subprocess.Popen(
        [sys.executable, "-m", "caniload", *_ask(made)],
        env=environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    done: list[list[dict[str, Any]]] = []
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        done = [json.loads(path.read_bytes())["tries"] for path in records.glob("*.json")]
        if done and len(done[0]) >= 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    learned = {each["version"] for each in done[0] if each["state"] == "measured"}
    assert learned

    code, found, _ = caniload(*_ask(made))
    assert code == 0
    assert [each["after"] for each in found["changes"]] == ["1.11", "2.0"]
    tries = {each["version"]: each for each in found["tries"] if each["state"] == "measured"}
    assert learned <= set(tries)
    repeated = {each[side] for each in found["changes"] for side in ("before", "after")}
    assert {v: each["agreeing"] for v, each in tries.items()} == {
        version: 2 if version in repeated else 1 for version in tries
    }


def test_from_a_version_that_fails_the_search_goes_down(
    caniload: Caniload, made: Path, tmp_path: Path, pip_environ: dict[str, str]
) -> None:
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-a", str(made), str(broken)], check=True)
    subprocess.run(
        [broken / "bin" / "python", "-m", "pip", "install", "-q", "tinylib==2.0"],
        env={**os.environ, **pip_environ},
        check=True,
    )
    code, found, _ = caniload(*_ask(broken, "--repeats", "1"))
    assert code == 0
    assert (found["listed"][0], found["listed"][-1]) == ("1.2", "2.0")
    assert [each["after"] for each in found["changes"]] == ["1.11", "2.0"]


def test_a_registry_that_is_away_is_no_answer(caniload: Caniload, made: Path) -> None:
    code, found, said = caniload(*_ask(made), PIP_INDEX_URL="http://127.0.0.1:9/index")
    assert (code, found) == (3, None)
    assert "cannot be reached" in said


def test_a_file_that_the_registry_cannot_give_is_no_refusal_of_pip_s(
    caniload: Caniload, made: Path, index: Server, tmp_path: Path
) -> None:
    index.fail("/packages/tinylib-2.1", lambda handler, _: handler.send(Answer(b"", 503)))
    try:
        code, found, said = caniload(*_ask(made))
    finally:
        index.faults.clear()
    assert (code, found) == (3, None)
    assert "cannot be reached" in said
    (record,) = (tmp_path / "home" / "bisections").glob("*.json")
    assert {each["version"] for each in json.loads(record.read_bytes())["tries"]} == {"1.1"}


def test_a_version_that_is_not_offered_is_told_with_its_neighbours(
    caniload: Caniload, made: Path
) -> None:
    code, _, said = caniload(*_ask(made, "--bad", "1.3"))
    assert code == 2
    assert "1.2 and 1.9" in said


def _try(version: str, reason: str | None, state: Any = "measured") -> Try:
    result = "uninstallable" if state == "uninstallable" else "fails" if reason else "works"
    return Try(version=version, state=state, result=result, reason=reason)


def test_halving_asks_few_and_finds_each_change() -> None:
    listed = [str(at) for at in range(100)]
    asked: list[str] = []

    def attempt(version: str) -> Try:
        asked.append(version)
        at = int(version)
        if 40 <= at < 45:
            return _try(version, None, "uninstallable")
        return _try(version, None if at < 42 else "a" if at < 73 else "b")

    changes = search(listed, attempt)
    assert [(c.before, c.after, c.adjacent) for c in changes] == [
        ("39", "45", False),
        ("72", "73", True),
    ]
    assert changes[0].between == ("40", "41", "42", "43", "44")
    assert len(asked) == len(set(asked)) < 26
