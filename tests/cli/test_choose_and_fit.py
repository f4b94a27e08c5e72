"""`choose`, `fit` and `dump` as a user has them: clean home, empty folder, 80 columns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run, one_line

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
DATA = str(ROOT / "caniload" / "data")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a home that the commands of this file share, with the packaged evidence."""
    return {"CANILOAD_HOME": str(tmp_path_factory.mktemp("shared")), "CANILOAD_DATA": DATA}


def test_choose_says_the_same_in_every_format(caniload: Run, shared: dict[str, str]) -> None:
    asked = ("choose", "--model", "minilm", "--deploy", "mobile", "--language", "swift")
    text = caniload(*asked, **shared)
    assert (text.returncode, text.stderr) == (0, "")
    words = [line for line in text.stdout.splitlines() if not line.lstrip().startswith("[")]
    assert max(map(len, words)) <= 80
    data = json.loads(caniload(*asked, "--format", "json", **shared).stdout)["data"]
    page = caniload(*asked, "--format", "md", **shared).stdout
    quiet = caniload(*asked, "--format", "quiet", **shared).stdout.splitlines()
    assert len(quiet) == 3 * 3
    assert "tensorflow model all-minilm-l6-v2 works" in quiet
    flat = " ".join(text.stdout.split())
    for side in data["sides"]:
        shown = [line for line in side["lines"] if line["topic"] == "model"]
        for line in shown:
            assert line["says"] in flat
            assert line["says"].replace("|", "\\|") in page
            for evidence in line["evidence"]:
                assert evidence["id"] in flat
                assert evidence["id"] in page
                assert evidence["day"]


def test_choose_reads_the_project(caniload: Run, shared: dict[str, str], tmp_path: Path) -> None:
    assert "nothing was asked" in one_line(caniload("choose", **shared), 2)
    suite = tmp_path / "cwd" / "caniload.toml"
    suite.write_text('[project]\nmodels = ["minilm"]\ndeploy = ["browser"]\n')
    from_file = caniload("choose", "--format", "json", **shared)
    options = ("--model", "minilm", "--deploy", "browser")
    assert from_file.stdout == caniload("choose", *options, "--format", "json", **shared).stdout
    only = json.loads(caniload("choose", "--model", "bert", "--format", "json", **shared).stdout)
    assert (only["data"]["models"], only["data"]["deploy"]) == (["bert"], [])
    both = caniload("choose", "--suite", ".", "--need", "training", "--format", "json", **shared)
    data = json.loads(both.stdout)["data"]
    assert (data["models"], data["needs"]) == (["all-minilm-l6-v2"], ["training"])
    suite.write_text('[project]\nmodles = ["minilm"]\n')
    line = one_line(caniload("choose", **shared), 2)
    assert "caniload.toml:2: project.modles: no such key; did you mean models?" in line
    suite.write_text('models = ["minilm"]\n')
    line = one_line(caniload("choose", "--suite", "caniload.toml", **shared), 2)
    assert "has no table [project]" in line or "it has no table [project]" in line
    assert "no such file" in one_line(caniload("choose", "--suite", "x.toml", **shared), 2).lower()


def test_fit_ends_with_the_code_of_its_answer(caniload: Run, shared: dict[str, str]) -> None:
    for memory, code, word in (("1GB", 0, "fits"), ("100MB", 3, "weights fit"), ("9MB", 1, "too")):
        done = caniload("fit", "minilm", "--memory", memory, **shared)
        assert done.returncode == code, done.stderr
        assert done.stdout.startswith(word)
        assert "Neither speaks of larger" in done.stdout
        assert "22,713,216 parameters" in done.stdout
    told = caniload("fit", "minilm", "--memory", "1GB", "--format", "json", **shared)
    best = json.loads(told.stdout)["data"]["best"]
    assert best["basis"] == "measured peak"
    assert (
        f"{best['peak']['bytes'] / 1e6:.1f} MB"
        in caniload("fit", "minilm", "--memory", "1GB", **shared).stdout
    )
    assert "is not a size" in one_line(caniload("fit", "minilm", "--memory", "lots", **shared), 2)


def test_dump_writes_where_it_says(caniload: Run, shared: dict[str, str], tmp_path: Path) -> None:
    asked = ("dump", "--format", "csv", "--table", "models", "--table", "answers", "--to", "out")
    done = caniload(*asked, **shared)
    assert (done.returncode, done.stdout) == (0, "out\n"), done.stderr
    files = {path.name for path in (tmp_path / "cwd" / "out").iterdir()}
    assert files == {"models.csv", "answers.csv", "schema.json"}
    assert "is there already" in one_line(caniload(*asked, **shared), 2)
    assert "did you mean" in one_line(caniload("dump", "--table", "modls", **shared), 2)


def test_the_worked_cases_are_real_output() -> None:
    script = str(ROOT / "scripts" / "write_choose_page.py")
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
