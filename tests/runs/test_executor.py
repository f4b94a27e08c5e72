"""Runs as a whole: plans, exports, obstacles, by-products, interruption."""

from __future__ import annotations

import errno
import hashlib
import json
import statistics
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from scripted import WORKER, make_job

from caniload.errors import BadInputError, DiskFullError
from caniload.records import Cell
from caniload.runs import journal
from caniload.runs.executor import Executor
from caniload.runs.job import Job, Obstacle
from caniload.settings import Settings
from caniload.words import Outcome, Stage


def test_a_run_becomes_a_finished_segment(executor: Executor) -> None:
    jobs = [make_job("pass_"), make_job("fail", arguments={"message": "no"})]
    result = executor.run(jobs, command="run scripted")
    folder = executor.settings.segments / result.run_id
    assert sorted(path.name for path in folder.iterdir()) == [
        "observations.parquet",
        "run.json",
        "settlements.parquet",
    ]
    contents = journal.read(folder)
    assert contents.finished
    assert contents.header.command == "run scripted"
    assert contents.header.observer.machine
    stored = tuple(json.loads(seen.model_dump_json()) for seen in contents.observations)
    assert stored == tuple(json.loads(seen.model_dump_json()) for seen in result.observations)
    assert contents.settlements == result.settlements
    passed, failed = contents.observations
    assert passed.evidence_level == "pretrained"
    assert passed.stage_seconds == {"import": 0.0}
    assert passed.environment == jobs[0].environment
    assert passed.fingerprint is not None
    assert [fact.message for fact in failed.exceptions] == ["no"]


def test_the_callbacks_are_told(settings: Settings) -> None:
    events: list[str] = []
    ended: list[Outcome] = []

    def on_event(cell: Cell, event: Mapping[str, object]) -> None:
        events.append(str(event["event"]))

    executor = Executor(
        settings, on_event, lambda cell, seen: ended.append(seen.outcome), worker=WORKER
    )
    executor.run([make_job("pass_")])
    assert events[:3] == ["hello", "stage", "stage_done"]
    assert events[-1] == "final"
    assert ended == [Outcome.PASSED]


def test_a_cell_that_is_named_twice_runs_once(executor: Executor) -> None:
    result = executor.run([make_job("pass_"), make_job("pass_")])
    assert len(result.settlements) == len(result.observations) == 1


def test_an_obstacle_is_recorded_without_a_worker(executor: Executor) -> None:
    obstacle = Obstacle(Outcome.UNAVAILABLE, Stage.FETCH, "HubError", "the hub has no such model")
    job = make_job("pass_", obstacle=obstacle, interpreter=Path())
    (seen,) = executor.run([job]).observations
    assert (seen.outcome, seen.stage, seen.log) == (Outcome.UNAVAILABLE, Stage.FETCH, None)
    assert seen.exceptions[0].type == "HubError"
    assert seen.message == "the hub has no such model"


def exporting(script: str, **arguments: str) -> tuple[Job, Job]:
    """An export, and the job that reads what it makes."""
    export = make_job(script, export_format="onnx", arguments=arguments)
    handle = "file:scripted@1#onnx:transformers-pytorch"
    reading = make_job("read_artefact", handle=handle, arguments={"name": "model.onnx"})
    return export, replace(reading, derived_from=export.cell.id)


def test_what_an_export_makes_is_read_by_the_next_cell(executor: Executor) -> None:
    export, reading = exporting("export", name="model.onnx", content="a graph")
    made, read = executor.run([export, reading]).observations
    assert (made.outcome, made.stage) == (Outcome.PASSED, Stage.EXPORT)
    assert read.outcome is Outcome.PASSED
    assert read.facts["content"] == "a graph"
    assert read.cell.parent_observation == made.id
    assert read.artefact is not None
    assert read.artefact.files[0].sha256 == hashlib.sha256(b"a graph").hexdigest()


def test_what_a_failed_export_did_not_make_is_unavailable(executor: Executor) -> None:
    export, reading = exporting("segfault")
    made, read = executor.run([export, reading]).observations
    assert made.outcome is Outcome.CRASHED
    assert (read.outcome, read.stage) == (Outcome.UNAVAILABLE, Stage.FETCH)
    assert made.id in read.message


def test_blobs_are_kept_by_hash(executor: Executor) -> None:
    sha256 = hashlib.sha256(b"numbers").hexdigest()
    arguments = {"sha256": sha256, "content": "numbers"}
    (seen,) = executor.run([make_job("blob", arguments=arguments)]).observations
    assert seen.fingerprint is not None
    assert seen.fingerprint.blob_sha256 == sha256
    blob = executor.settings.blobs / sha256[:2] / f"{sha256}.npz"
    assert blob.read_text() == "numbers"


def test_ctrl_c_kills_the_worker_and_leaves_a_run_that_resumes(settings: Settings) -> None:
    def interrupt(cell: Cell, event: Mapping[str, object]) -> None:
        if cell.handle == hanging.cell.handle:
            raise KeyboardInterrupt

    hanging = make_job("slow_pass", arguments={"seconds": 0.5})
    jobs = [make_job("pass_"), hanging, make_job("pass_", label="third")]
    with pytest.raises(KeyboardInterrupt):
        Executor(settings, interrupt, worker=WORKER).run(jobs)
    (run_id,) = journal.unfinished(settings.segments)
    before = journal.read(settings.segments / run_id)
    assert len(before.settlements) == 1
    assert list((settings.home / "scratch").iterdir()) == []

    executor = Executor(settings, worker=WORKER)
    with pytest.raises(BadInputError, match="2 cells"):
        executor.resume(run_id, jobs[:1])
    result = executor.resume(run_id, jobs)
    assert result.run_id == run_id
    assert [each.outcome for each in result.settlements] == [Outcome.PASSED] * 3
    assert result.observations[0] == before.observations[0]
    assert len({seen.id for seen in result.observations}) == 3
    assert journal.unfinished(settings.segments) == ()
    with pytest.raises(BadInputError, match="finished"):
        executor.resume(run_id, jobs)


def test_the_parent_costs_little(executor: Executor) -> None:
    jobs = [make_job("pass_", label=str(number)) for number in range(10)]
    seen = executor.run(jobs).observations
    assert statistics.median(each.numbers["parent_seconds"] for each in seen) < 0.4


def test_a_disk_that_is_full_is_told_and_the_run_can_be_resumed(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sha256 = hashlib.sha256(b"numbers").hexdigest()
    jobs = [make_job("blob", arguments={"sha256": sha256, "content": "numbers"})]
    with monkeypatch.context() as patched:
        patched.setattr("shutil.move", full)
        with pytest.raises(DiskFullError, match="no space left"):
            executor.run(jobs)
    (run_id,) = journal.unfinished(executor.settings.segments)
    assert executor.resume(run_id, jobs).settlements[0].outcome is Outcome.PASSED


def test_a_run_that_lost_an_attempt_doubles_no_identity(executor: Executor) -> None:
    """Of two attempts at once the second had ended when the run was killed, the first had not."""
    jobs = [make_job("pass_", label=name) for name in "ab"]
    (_, second) = executor.run(jobs).observations
    header = executor.header("run", [each.cell for each in jobs])
    ahead = second.model_copy(update={"run_id": header.run_id, "id": f"{header.run_id}-0002"})
    with closing(journal.Segment.create(executor.settings.segments, header)) as segment:
        segment.append(ahead)
    result = executor.resume(header.run_id, jobs)
    assert [each.id[-4:] for each in result.observations] == ["0002", "0003"]
    assert [each.observations for each in result.settlements] == [
        (f"{header.run_id}-0003",),
        (f"{header.run_id}-0002",),
    ]
