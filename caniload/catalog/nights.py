"""Find the nights of a suite among the finished segments of this home."""

from __future__ import annotations

import json
from collections.abc import Iterator

from caniload.catalog import segments
from caniload.settings import Settings

COMMAND = "nightly "
"""How the command of a night begins, in the header of its run; the suite's name follows."""


def nights(settings: Settings, suite: str) -> Iterator[str]:
    """Yield the run ids of a suite's nights, latest first; a segment that is damaged is none.

    Only what is asked for is read: the first of them costs one file as a rule.
    """
    for name in reversed(segments.finished(settings)):
        try:
            text = (settings.segments / name / segments.MARKER).read_text(encoding="utf-8")
            header = json.loads(text)["header"]
            if header["command"] == COMMAND + suite:
                yield str(header["run_id"])
        except (OSError, ValueError, KeyError, TypeError):
            continue


def last_night(settings: Settings, suite: str, but: str | None = None) -> str | None:
    """Return the latest night of a suite other than `but`, and no younger than it; None if none."""
    for run_id in nights(settings, suite):
        if run_id != but and (but is None or run_id < but):
            return run_id
    return None
