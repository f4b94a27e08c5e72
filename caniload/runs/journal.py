"""The journal of one run: what was planned, each observation and settlement, safe against kills.

While a run goes on, `<segments>/<run_id>/journal.jsonl` grows by whole lines, each fsynced.
`finish` turns it into `observations.parquet` and `settlements.parquet`, and writes `run.json`
last: a segment is finished if and only if `run.json` exists. A torn last line is what a killed
run leaves; whatever stands before it is whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from caniload.errors import (
    BadInputError,
    BusyError,
    CorruptSegmentError,
    UnknownNameError,
)
from caniload.records import Observation, Record, RunHeader, Settlement
from caniload.runs import segment_files
from caniload.runs.disk import translated, translating

JOURNAL = "journal.jsonl"
MARKER = segment_files.MARKER
row = segment_files.row


@dataclass(frozen=True)
class Contents:
    """What a segment holds; `whole_bytes` is how far a journal reads without a tear."""

    header: RunHeader
    observations: tuple[Observation, ...]
    settlements: tuple[Settlement, ...]
    finished: bool
    whole_bytes: int = 0

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Ids of the planned cells that have not ended, in the order of the plan."""
        done = {settlement.cell_id for settlement in self.settlements}
        return tuple(cell.id for cell in self.header.cells if cell.id not in done)


def read(folder: Path) -> Contents:
    """Read a segment, finished or not.

    Raises `UnknownNameError` if there is none, `CorruptSegmentError` if a line other than the
    last is damaged.
    """
    if (folder / MARKER).exists():
        return Contents(*segment_files.read(folder), finished=True)
    journal = folder / JOURNAL
    try:
        data = journal.read_bytes()
    except FileNotFoundError:
        raise UnknownNameError("run", folder.name, hint="`caniload log` lists runs") from None
    except OSError as error:
        raise translated(error, journal) from error
    whole = data.rfind(b"\n") + 1
    header: RunHeader | None = None
    observations: list[Observation] = []
    settlements: list[Settlement] = []
    for number, line in enumerate(data[:whole].splitlines(), start=1):
        try:
            fields = json.loads(line)
            kind = fields.pop("record")
            if kind == "run":
                header = RunHeader.model_validate(fields)
            elif kind == "observation":
                observations.append(Observation.model_validate(fields))
            elif kind == "settlement":
                settlements.append(Settlement.model_validate(fields))
            else:
                raise KeyError(kind)
        except (ValueError, KeyError, AttributeError, ValidationError) as error:
            raise CorruptSegmentError(
                f"line {number} of {journal} is damaged", "move the folder away to go on without it"
            ) from error
    if header is None:
        raise CorruptSegmentError(f"{journal} does not begin with a run", "move the folder away")
    return Contents(header, tuple(observations), tuple(settlements), False, whole)


def unfinished(segments: Path) -> tuple[str, ...]:
    """Return the ids of runs that were begun and neither finished nor are being written now."""
    found = []
    for journal in sorted(segments.glob(f"*/{JOURNAL}")):
        if not (journal.parent / MARKER).exists() and not is_live(segments, journal.parent.name):
            found.append(journal.parent.name)
    return tuple(found)


class Segment:
    """A run's journal, open for writing; one process at a time holds it."""

    def __init__(self, folder: Path, fd: int, contents: Contents) -> None:
        """Take over an open, locked journal; use `create` or `resume`."""
        self.folder = folder
        self._fd = fd
        self._header = contents.header
        self._observations: dict[str, list[Observation]] = {}
        self._order = list(contents.observations)
        for seen in contents.observations:
            self._observations.setdefault(seen.cell.id, []).append(seen)
        self._settlements = {each.cell_id: each for each in contents.settlements}

    @classmethod
    def create(cls, segments: Path, header: RunHeader) -> Self:
        """Begin a run: the plan is on disk when this returns.

        Raises `DiskFullError`, `PermissionDeniedError` or `BusyError`.
        """
        folder = segments / header.run_id
        journal = folder / JOURNAL
        with translating(journal):
            folder.mkdir(parents=True)
            draft = folder / f"{JOURNAL}.part"
            fd = os.open(
                draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666
            )
            try:
                _lock(fd, journal)
                _append(fd, "run", header)
                draft.rename(journal)
                segment_files.sync_folder(folder)
                segment_files.sync_folder(segments)
            except BaseException:
                os.close(fd)
                raise
        return cls(folder, fd, Contents(header, (), (), finished=False))

    @classmethod
    def resume(cls, segments: Path, run_id: str) -> Self:
        """Take up a run that was cut off; what it wrote whole is kept, a torn end is dropped.

        Raises `UnknownNameError` if there is no such run, `BadInputError` if it is finished,
        `BusyError` if it is being written.
        """
        folder = segments / run_id
        journal = folder / JOURNAL
        if (folder / MARKER).exists():
            with contextlib.suppress(FileNotFoundError):
                journal.unlink()
            raise BadInputError(f"run {run_id} is finished", f"`caniload log {run_id}` shows it")
        if not journal.exists():
            raise UnknownNameError("unfinished run", run_id)
        with translating(journal):
            fd = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                _lock(fd, journal)
                contents = read(folder)
                os.ftruncate(fd, contents.whole_bytes)
                os.fsync(fd)
            except BaseException:
                os.close(fd)
                raise
        return cls(folder, fd, contents)

    @property
    def contents(self) -> Contents:
        """All that was written so far."""
        kept = (tuple(self._order), tuple(self._settlements.values()))
        return Contents(self._header, *kept, finished=False)

    def of(self, cell_id: str) -> tuple[Observation, ...]:
        """Return what was seen of one planned cell so far, oldest first."""
        return tuple(self._observations.get(cell_id, ()))

    def append(self, observation: Observation) -> None:
        """Write an observation; it is on disk when this returns."""
        self._write("observation", observation)
        self._order.append(observation)
        self._observations.setdefault(observation.cell.id, []).append(observation)

    def settle(self, settlement: Settlement) -> None:
        """Write how a planned cell ended; a cell ends once."""
        if settlement.cell_id in self._settlements:
            raise ValueError(f"cell {settlement.cell_id} is settled already")
        self._write("settlement", settlement)
        self._settlements[settlement.cell_id] = settlement

    def finish(self) -> Path:
        """Turn the journal into Parquet, marker last, and close it; return the folder."""
        with translating(self.folder):
            segment_files.write(
                self.folder,
                self._header,
                tuple(self._order),
                tuple(self._settlements.values()),
            )
            (self.folder / JOURNAL).unlink()
            segment_files.sync_folder(self.folder)
        self.close()
        return self.folder

    def close(self) -> None:
        """Let go of the journal; an unfinished run can be resumed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, kind: str, record: Record) -> None:
        with translating(self.folder / JOURNAL):
            _append(self._fd, kind, record)


def _append(fd: int, kind: str, record: Record) -> None:
    """Append one line and wait until it is on disk; a line that does not fit leaves no trace."""
    text = record.model_dump_json()
    data = memoryview(f'{{"record":"{kind}",{text[1:]}\n'.encode())
    before = os.fstat(fd).st_size
    try:
        while data:
            data = data[os.write(fd, data) :]
        os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, before)
        raise


def _lock(fd: int, journal: Path) -> None:
    """Hold the journal for as long as this process lives; the kernel lets go of a dead one's."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(
            f"run {journal.parent.name} is being written by another process", "wait until it ends"
        ) from None


def is_live(segments: Path, run_id: str) -> bool:
    """Tell whether a process is writing this run's journal now."""
    try:
        with (segments / run_id / JOURNAL).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
