from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run, one_line
from evidence import MODEL, attempt, keras, record

pytestmark = pytest.mark.slow

BEGIN = f"<!-- caniload:begin matrix model={MODEL} -->"
END = "<!-- caniload:end -->"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home() -> Path:
    return Path(os.environ["CANILOAD_HOME"])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(f"# Page\n\n{BEGIN}\n{END}\n\nThe end.\n")
    return path


def test_update_writes_and_check_holds_until_evidence_moves(
    caniload: Run, home: Path, page: Path
) -> None:
    run_id = record(home, attempt(), keras())
    drift = caniload("docs", "check", str(page))
    assert drift.returncode == 1
    assert drift.stdout.startswith(f"{page}:3: ")
    assert caniload("docs", "update", str(page)).stdout == f"{page}: 1 table, written\n"
    text = page.read_text()
    row = "| keras-hub | TensorFlow | keras 3.15.1, keras-hub 0.32.0, tensorflow 2.21.0 | cpu |"
    assert (
        f"{row} differs, relative RMS 1.10e-03 from transformers | 2026-11-21 | `{run_id}` |"
        in text
    )
    assert "claimed" not in text
    assert caniload("docs", "check", str(page)).returncode == 0
    assert caniload("docs", "update", str(page)).stdout == f"{page}: 1 table, no change\n"
    record(home, attempt(), day=1)
    assert caniload("docs", "check", str(page)).returncode == 1


def test_age_fails_only_where_it_is_asked_for(caniload: Run, home: Path, page: Path) -> None:
    record(home, attempt())
    caniload("docs", "update", str(page))
    assert caniload("docs", "check", str(page), "--today", "2036-01-01").returncode == 0
    limits = ("docs", "check", str(page), "--max-age", "30", "--today")
    assert caniload(*limits, "2026-12-21").returncode == 0
    old = caniload(*limits, "2026-12-22")
    assert old.returncode == 1
    assert "was measured 31 days ago" in old.stdout


def test_a_table_without_a_measured_cell_says_so_first(caniload: Run, page: Path) -> None:
    caniload("docs", "update", str(page))
    lines = page.read_text().splitlines()
    assert lines[lines.index(BEGIN) + 2] == "No cell of this table has been measured."
    assert caniload("docs", "check", str(page)).returncode == 0
    assert caniload("docs", "check", str(page), "--max-age", "9999").returncode == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{BEGIN}\n", "page.md:1: the table that begins here never ends"),
        (f"\n{END}\n", "page.md:2: a table ends that never began"),
        (f"{BEGIN.replace('matrix', 'pie')}\n{END}", "no table is called 'pie'"),
        (f"{BEGIN.replace(MODEL, 'minlm')}\n{END}", "page.md:1: no model named 'minlm'"),
        (f"{BEGIN.replace('model=', 'modle=')}\n{END}", "'modle' is no option"),
        (f"{BEGIN.replace(' -->', ' from=you -->')}\n{END}", "from=you is nobody"),
        (f"{BEGIN.replace(' -->', ' framework=torch -->')}\n{END}", "no framework named 'torch'"),
        ("no table", "no table of caniload's is in"),
    ],
)
def test_what_is_malformed_is_one_line_and_changes_nothing(
    caniload: Run, tmp_path: Path, page: Path, text: str, says: str
) -> None:
    page.write_text(text)
    good = tmp_path / "good.md"
    good.write_text("nothing")
    assert says in one_line(caniload("docs", "update", str(page)), 2)
    assert page.read_text() == text


def test_one_bad_file_leaves_all_as_they_were(caniload: Run, tmp_path: Path, page: Path) -> None:
    before = page.read_text()
    bad = tmp_path / "bad.md"
    bad.write_text(BEGIN)
    one_line(caniload("docs", "update", str(page), str(bad)), 2)
    one_line(caniload("docs", "update", str(page), str(tmp_path / "absent.md")), 2)
    assert page.read_text() == before


def test_the_reference_is_what_the_help_texts_say() -> None:
    script = ROOT / "scripts" / "write_cli_reference.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_tables_of_this_repository_are_what_its_evidence_gives(caniload: Run) -> None:
    assert (
        caniload(
            "docs", "check", str(ROOT / "README.md"), CANILOAD_DATA=str(ROOT / "caniload" / "data")
        ).returncode
        == 0
    )
