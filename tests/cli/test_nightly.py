"""`caniload nightly` as a user has it: what it plans, attempts, tells, and exits with."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from commandline import Run, one_line

from caniload.runs import journal

SUITE = """
name = "mine"
environments = ["vision"]

[[models]]
model = ["timm:resnet10t", "timm:resnet18"]
weights = "random"
"""
EXPECTATION = """
[[expect]]
model = "timm:resnet10t"
outcome = "fails"
reason = "a library that was mended since"
issue = "https://example.org/issues/1"
review = 2099-01-01
"""


@pytest.fixture
def suite(tmp_path: Path, caniload: Run) -> Path:
    """The suite of the folder that commands run in."""
    file = tmp_path / "cwd" / "caniload.toml"
    file.write_text(SUITE)
    return file


@pytest.fixture
def built(
    environ: dict[str, str], framework_python: Callable[[str], Path], suite: Path
) -> dict[str, str]:
    """Variables by which commands find the environments that are built."""
    python = framework_python("vision")
    environ["CANILOAD_ENVS"] = str(python.parents[2])
    return environ


def data(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command printed as JSON."""
    return json.loads(done.stdout)["data"]


def test_a_dry_run_builds_and_attempts_nothing(caniload: Run, suite: Path, tmp_path: Path) -> None:
    done = caniload("nightly", "--dry-run", CANILOAD_ENVS=str(tmp_path / "no-environments"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        *("MODEL", "LOADER", "FRAMEWORK", "ENVIRONMENT", "DEVICE", "WHY", "EXPECTED")
    ]
    assert [line.split()[0] for line in lines[1:3]] == ["timm:resnet10t", "timm:resnet18"]
    assert "2 of 2 cells would be attempted" in done.stdout
    told = data(caniload("nightly", "--dry-run", "--only", "resnet18", "--format", "json"))
    assert (told["listed"], told["planned"], told["omitted"]) == (2, 1, {"not asked for": 1})
    assert [each["model"] for each in told["cells"]] == ["timm:resnet18"]
    assert not list((tmp_path / "caniload-home").glob("segments/*"))
    assert not (tmp_path / "no-environments" / "vision").exists()


def test_shards_cover_everything_once(caniload: Run, suite: Path) -> None:
    names = [f"timm:resnet{n}" for n in ("10t", "14t", "18", "26", "34", "50")]
    listed = ", ".join(f'"{name}"' for name in names)
    suite.write_text(SUITE.replace('"timm:resnet10t", "timm:resnet18"', listed))
    shards = [
        data(caniload("nightly", "--dry-run", "--shard", f"{i}/2", "--format", "json"))
        for i in (1, 2)
    ]
    found = [each["model"] for shard in shards for each in shard["cells"]]
    assert sorted(found) == sorted(names)
    assert [shard["omitted"]["another shard"] + shard["planned"] for shard in shards] == [6, 6]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"timm:resnet18"', '"minilmm"', "minilmm"),
        ('["vision"]', '["visoin"]', "visoin"),
        ('name = "mine"', 'nmae = "mine"', "nmae"),
    ],
)
def test_what_nobody_knows_is_one_line_and_two(
    caniload: Run, suite: Path, old: str, new: str, says: str
) -> None:
    suite.write_text(SUITE.replace(old, new))
    line = one_line(caniload("nightly", "--dry-run"), 2)
    assert says in line
    assert "caniload.toml" in line


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere.toml"], "nowhere.toml"),
        (["--shard", "3/2"], "3/2"),
        (["--resume", "some-run", "--only", "a"], "--resume"),
        (["--resume", "20261125T030000Z-1a2b3c"], "20261125T030000Z-1a2b3c"),
        (["--since", "no-such-run"], "no-such-run"),
    ],
)
def test_bad_usage_is_one_line_and_two(
    caniload: Run, suite: Path, args: list[str], says: str
) -> None:
    assert says in one_line(caniload("nightly", *args), 2)


@pytest.mark.framework
def test_two_nights_and_what_they_tell(
    caniload: Run, built: dict[str, str], suite: Path, tmp_path: Path
) -> None:
    """One test, since a night takes seconds: it attempts, a second one has nothing to do."""
    first = caniload("nightly", "--report", "told")
    assert first.returncode == 0, first.stderr
    assert "2 cells to attempt, and" in first.stderr
    assert "timm:resnet10t, timm, pytorch, vision: passed" in first.stderr
    assert "2 planned, 2 attempted, 2 measured" in first.stdout
    folder = tmp_path / "cwd" / "told"
    assert sorted(each.name for each in folder.iterdir()) == [
        *("night.html", "night.json", "night.md", "night.xml")
    ]
    run_id = json.loads((folder / "night.json").read_text())["run"]
    cases = ElementTree.parse(folder / "night.xml").getroot().iter("testcase")
    assert {"resnet10t", "resnet18"} <= {
        word for case in cases for word in ("resnet10t", "resnet18") if word in case.get("name", "")
    }
    assert "timm:resnet10t" in (folder / "night.html").read_text()
    assert run_id in (folder / "night.md").read_text()

    second = caniload("nightly")
    assert second.returncode == 0, second.stderr
    assert second.stdout.startswith("mine: nothing needed to be tried\n")
    assert "2 cells listed, 2 omitted, 0 planned, 0 attempted, 0 measured" in second.stdout
    assert len(list((tmp_path / "caniload-home" / "segments").iterdir())) == 1

    # A cell that is expected to fail and passes is as loud as one that fails.
    suite.write_text(SUITE + EXPECTATION)
    summary = tmp_path / "summary.md"
    third = caniload(
        *("nightly", "--again", "--only", "resnet10t", "--since", run_id),
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert third.returncode == 1, third.stdout + third.stderr
    assert "Unexpected pass (1)" in third.stdout
    assert "::error file=caniload.toml,title=Unexpected pass%3A timm" in third.stdout
    assert "Unexpected pass" in summary.read_text()
    assert f"Compared with {run_id}" in third.stdout

    # Nothing but what `fail_on` names makes the exit code 1.
    suite.write_text(
        SUITE.replace("\n[[models]]", 'fail_on = ["broken"]\n[[models]]') + EXPECTATION
    )
    fourth = caniload("nightly", "--again", "--only", "resnet10t", "--since", "2026-01-01")
    assert fourth.returncode == 0, fourth.stdout + fourth.stderr
    assert "Unexpected pass (1)" in fourth.stdout
    assert "Compared with" in fourth.stdout


@pytest.mark.framework
@pytest.mark.slow
def test_ctrl_c_leaves_a_night_that_goes_on(
    built: dict[str, str], suite: Path, tmp_path: Path, caniload: Run
) -> None:
    night = subprocess.Popen(
        [sys.executable, "-m", "caniload", "nightly", "--workers", "1"],
        cwd=suite.parent,
        env=built,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert night.stderr is not None
    said = ""
    for line in night.stderr:
        said += line
        if "timm:resnet" in line:
            night.send_signal(signal.SIGINT)
            break
    out, rest = night.communicate(timeout=60)
    assert night.returncode == 130, said + rest
    assert out == ""
    # The worker's last word is told a moment before it is in the journal.
    assert re.search("interrupted: [01] of 2 cells attempted, [01] passed", rest)
    segments = tmp_path / "caniload-home" / "segments"
    (run_id,) = journal.unfinished(segments)
    assert f"nothing is lost: caniload nightly --resume {run_id}" in rest
    resumed = caniload("nightly", "--resume", run_id)
    assert resumed.returncode == 0, resumed.stderr
    contents = journal.read(segments / run_id)
    own = [each for each in contents.observations if each.cell.model != "__control__"]
    assert len(own) == len({each.cell.id for each in own}) == 2
    assert {str(each.outcome) for each in contents.settlements} <= {"passed", "failed"}
    assert [each.name for each in segments.iterdir()] == [run_id]
