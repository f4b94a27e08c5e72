"""Find the nights of a suite among the finished segments of this home."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from caniload.catalog import segments
from caniload.settings import Settings

_OPENING_BYTES = 2048
_FIELD = {
    name: re.compile(rf'^ "{name}": ("(?:[^"\\]|\\.)*"),?$', re.MULTILINE)
    for name in ("run_id", "command")
}

COMMAND = "nightly "
"""How the command of a night begins, in the header of its run; the suite's name follows."""


def nights(settings: Settings, suite: str) -> Iterator[str]:
    """Yield the run ids of a suite's nights, latest first; a segment that is damaged is none.

    Only what is asked for is read: the first of them costs one file as a rule.
    """
    for name in reversed(segments.finished(settings)):
        try:
            path = settings.segments / name / segments.MARKER
            run_id, command = _opening(path) or _whole(path)
            if command == COMMAND + suite:
                yield run_id
        except (OSError, ValueError, KeyError, TypeError):
            continue


def last_night(settings: Settings, suite: str, but: str | None = None) -> str | None:
    """Return the latest night of a suite other than `but`, and no younger than it; None if none."""
    for run_id in nights(settings, suite):
        if run_id != but and (but is None or run_id < but):
            return run_id
    return None


def _opening(path: Path) -> tuple[str, str] | None:
    """Read run and command from a marker's first lines; the plan of a large night comes after."""
    with path.open("rb") as file:
        start = file.read(_OPENING_BYTES).decode("utf-8", "replace")
    found = {name: _FIELD[name].search(start) for name in ("run_id", "command")}
    if any(match is None for match in found.values()):
        return None
    run_id, command = (json.loads(match[1]) for match in found.values() if match is not None)
    return str(run_id), str(command)


def _whole(path: Path) -> tuple[str, str]:
    header = json.loads(path.read_text(encoding="utf-8"))["header"]
    return str(header["run_id"]), str(header["command"])
