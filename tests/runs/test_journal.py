"""The journal by itself: torn lines, damage, locks, rows, and what the disk refuses."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import duckdb
import pytest
from scripted import make_job

from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS, names
from caniload.errors import (
    BadInputError,
    BusyError,
    CorruptSegmentError,
    DiskFullError,
    PermissionDeniedError,
    UnknownNameError,
)
from caniload.records import (
    Check,
    Device,
    ExceptionFact,
    Fingerprint,
    Observation,
    OutputPrint,
    RunHeader,
    Sandbox,
    Settlement,
    utcnow,
)
from caniload.runs import journal
from caniload.runs.observing import observer
from caniload.words import CheckName, CheckStatus, Outcome, Stage

JOBS = [make_job("pass_", label=str(number)) for number in range(3)]


def header() -> RunHeader:
    return RunHeader(
        run_id="20261123T120000Z-abcdef",
        started_at=utcnow(),
        command="run",
        observer=observer("me"),
        cells=tuple(job.cell for job in JOBS),
    )


def observation(number: int) -> Observation:
    """An observation with something in every field, NaN and quotes among it."""
    nan = OutputPrint(
        name="y", shape=(1,), dtype="float32", mean=float("nan"), rms=float("inf"), samples=(1.0,)
    )
    return Observation(
        id=f"20261123T120000Z-abcdef-{number:04d}",
        run_id="20261123T120000Z-abcdef",
        cell=JOBS[number].cell,
        started_at=utcnow(),
        finished_at=utcnow(),
        outcome=Outcome.FAILED,
        stage=Stage.CHECK,
        wall_seconds=1.5,
        exceptions=(ExceptionFact(type="a.B", message='it\'s "no"\nß'),),
        message="nonfinite_output: y",
        checks=(
            Check(
                name=CheckName.OUTPUT, status=CheckStatus.FAILED, numbers={"worst": float("nan")}
            ),
        ),
        fingerprint=Fingerprint(recipe_hash=JOBS[number].cell.recipe.hash, outputs=(nan,)),
        environment=JOBS[number].environment,
        device=Device(kind="cpu"),
        sandbox=Sandbox(kind="none", network=True, memory="pss"),
        observer=observer("me"),
    )


def settlement(number: int) -> Settlement:
    seen = observation(number)
    return Settlement(
        run_id=seen.run_id,
        cell_id=seen.cell.id,
        observations=(seen.id,),
        outcome=seen.outcome,
        settled_at=utcnow(),
    )


@pytest.fixture
def segment(tmp_path: Path) -> journal.Segment:
    """A segment with its plan and one settled cell."""
    made = journal.Segment.create(tmp_path / "segments", header())
    made.append(observation(0))
    made.settle(settlement(0))
    return made


def test_a_torn_last_line_is_dropped_and_overwritten(segment: journal.Segment) -> None:
    segment.append(observation(1))
    segment.close()
    file = segment.folder / journal.JOURNAL
    whole = file.read_bytes()
    for cut in (1, 40, len(whole.splitlines()[-1])):
        file.write_bytes(whole[:-cut])
        contents = journal.read(segment.folder)
        assert [seen.id for seen in contents.observations] == [observation(0).id]
        assert contents.unsettled == (JOBS[1].cell.id, JOBS[2].cell.id)
    again = journal.Segment.resume(segment.folder.parent, segment.folder.name)
    again.append(observation(1))
    again.close()
    assert len(journal.read(segment.folder).observations) == 2


def test_damage_before_the_last_line_is_told(segment: journal.Segment) -> None:
    segment.close()
    file = segment.folder / journal.JOURNAL
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], b'{"record":"observation"}\n', *lines[1:]]))
    with pytest.raises(CorruptSegmentError, match="line 2"):
        journal.read(segment.folder)
    file.write_bytes(b"".join(lines[1:]))
    with pytest.raises(CorruptSegmentError, match="does not begin"):
        journal.read(segment.folder)


def test_one_process_writes_a_run(segment: journal.Segment) -> None:
    segments, run_id = segment.folder.parent, segment.folder.name
    assert journal.is_live(segments, run_id)
    assert journal.unfinished(segments) == ()
    with pytest.raises(BusyError):
        journal.Segment.resume(segments, run_id)
    assert len(journal.read(segment.folder).observations) == 1, "reading is always possible"
    segment.close()
    assert journal.unfinished(segments) == (run_id,)


def test_a_cell_ends_once(segment: journal.Segment) -> None:
    with pytest.raises(ValueError, match="settled already"):
        segment.settle(settlement(0))


def test_unknown_and_finished_runs_cannot_be_resumed(segment: journal.Segment) -> None:
    segments = segment.folder.parent
    with pytest.raises(UnknownNameError):
        journal.Segment.resume(segments, "20200101T000000Z-000000")
    with pytest.raises(UnknownNameError):
        journal.read(segments / "20200101T000000Z-000000")
    segment.finish()
    with pytest.raises(BadInputError, match="finished"):
        journal.Segment.resume(segments, segment.folder.name)


def test_a_finished_segment_reads_back_the_same(segment: journal.Segment) -> None:
    segment.append(observation(1))
    before = segment.contents
    folder = segment.finish()
    after = journal.read(folder)
    assert after.finished
    for left, right in zip(before.observations, after.observations, strict=True):
        assert left.model_dump_json() == right.model_dump_json()
    assert after.settlements == before.settlements
    assert after.header == before.header
    marker = json.loads((folder / journal.MARKER).read_text())
    assert (marker["observations"], marker["settlements"]) == (2, 1)


def test_the_parquet_has_the_columns_and_valid_json(segment: journal.Segment) -> None:
    folder = segment.finish()
    with duckdb.connect(":memory:") as database:
        for name, columns in (
            ("observations", OBSERVATION_COLUMNS),
            ("settlements", SETTLEMENT_COLUMNS),
        ):
            found = database.execute(f"describe from '{folder}/{name}.parquet'").fetchall()
            assert tuple(each[0] for each in found) == names(columns)
            kinds = {("TIMESTAMP WITH TIME ZONE" if k == "TIMESTAMPTZ" else k) for _, k in columns}
            assert {each[1] for each in found} == kinds
        row = database.execute(
            f"select framework_version, exception_type, exception_message, revision, "
            f"fingerprint->'$.outputs[0].mean', record->>'$.cell.loader', "
            f"epoch_us(started_at) > 0 "
            f"from '{folder}/observations.parquet'"
        ).fetchone()
    assert row is not None
    assert row[:6] == ("2.13.0", "a.B", 'it\'s "no"\nß', "1", '"NaN"', "transformers")


def test_a_row_has_a_value_for_each_column() -> None:
    values = journal.row(observation(0))
    assert len(values) == len(OBSERVATION_COLUMNS)
    by_name = dict(zip(names(OBSERVATION_COLUMNS), values, strict=True))
    assert by_name["source"] == "file:scripted/0"
    assert by_name["environment_key"] == JOBS[0].cell.environment_key
    assert json.loads(by_name["decisive"]) == {"torch": "2.13.0"}


def test_a_full_disk_and_a_forbidden_one_are_told(
    segment: journal.Segment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (segment.folder / journal.JOURNAL).read_bytes()
    write = os.write

    def full(fd: int, data: bytes) -> int:
        write(fd, bytes(data)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(DiskFullError, match="no space left"):
            segment.append(observation(1))
    assert (segment.folder / journal.JOURNAL).read_bytes() == before
    segment.append(observation(1))

    def forbidden(path: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    with pytest.raises(PermissionDeniedError, match="cannot write"):
        journal.Segment.create(tmp_path / "elsewhere", header())
