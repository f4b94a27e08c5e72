from __future__ import annotations

import io
from pathlib import Path

import pytest
from evidence import NO_CLASS, attempt, keras, record
from rich.console import Console

from caniload.cli.live import Board, Plain, watching
from caniload.cli.out import Out
from caniload.records import Observation
from caniload.runs.journal import read

STAGES = ("import", "load", "run", "check")


@pytest.fixture
def observations(tmp_path: Path) -> tuple[Observation, ...]:
    failed = attempt("transformers", "tensorflow", outcome="failed", raised=NO_CLASS)
    run_id = record(tmp_path, keras(), failed)
    return read(tmp_path / "segments" / run_id).observations


def go(watcher: Plain, observations: tuple[Observation, ...]) -> None:
    """Report a run as the executor does."""
    watcher.planned([each.cell for each in observations])
    for each in observations:
        watcher.on_event(each.cell, {"event": "hello"})
        for stage in STAGES if each.outcome == "passed" else STAGES[:1]:
            watcher.on_event(each.cell, {"event": "stage", "stage": stage})
            watcher.on_event(each.cell, {"event": "stage_done", "stage": stage, "seconds": 1.5})
        watcher.on_settled(each.cell, each)


def test_lines_tell_each_cell_once_begun_and_once_ended(
    observations: tuple[Observation, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with watching(Out("human")) as watcher:
        assert type(watcher) is Plain
        go(watcher, observations)
    seen = capsys.readouterr()
    assert seen.out == ""
    lines = seen.err.splitlines()
    assert lines[0] == "2 cells to attempt"
    assert lines[1] == "[1/2] keras-hub, tensorflow: attempting"
    assert lines[2].startswith("[1/2] keras-hub, tensorflow: passed (import 1.50 s, load 1.50 s")
    assert "failed at load: builtins.ImportError" in lines[4]
    assert len(lines) == 5


def test_quiet_says_nothing(
    observations: tuple[Observation, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with watching(Out("quiet")) as watcher:
        go(watcher, observations)
    assert capsys.readouterr() == ("", "")


def test_the_board_has_a_row_a_cell_with_its_stages(
    observations: tuple[Observation, ...],
) -> None:
    console = Console(file=io.StringIO(), width=120, record=True, force_terminal=True)
    with watching(Out("human"), console) as watcher:
        assert isinstance(watcher, Board)
        go(watcher, observations)
    text = console.export_text()
    passed = next(line for line in text.splitlines() if line.startswith("keras-hub"))
    assert passed.split()[:3] == ["keras-hub", "tensorflow", "tensorflow"]
    assert passed.count("1.50 s") == 4
    assert passed.rstrip().endswith("passed")
    failed = next(line for line in text.splitlines() if line.startswith("transformers"))
    assert "✗" in failed
    assert failed.rstrip().endswith("failed")


def test_a_board_survives_a_message_that_looks_like_markup(
    observations: tuple[Observation, ...],
) -> None:
    console = Console(file=io.StringIO(), width=120, record=True, force_terminal=True)
    with watching(Out("human"), console) as watcher:
        watcher.building("pytorch", "[/] [red] Collecting torch [/red] [")
        go(watcher, observations)
    assert "passed" in console.export_text()
