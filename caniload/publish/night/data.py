"""A night as JSON; docs/nightly-report.md names every field.

`version` goes up when a field changes its meaning or goes; new ones come without.
"""

from __future__ import annotations

import json
import math
from typing import Any

from caniload.catalog.comparison import Change, NightCell, NightReport
from caniload.catalog.tracks import Track
from caniload.publish.night import said

FORMAT, VERSION = "caniload-night", 1


def write(report: NightReport) -> str:
    """Return the report as one JSON document."""
    return json.dumps(document(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def document(report: NightReport) -> dict[str, Any]:
    """Return the report as plain values."""
    counts = report.coverage
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite": report.suite,
        "run": report.run_id,
        "against": report.comparison.against,
        "started": report.started.isoformat(),
        "finished": report.finished.isoformat(),
        "interrupted": report.interrupted,
        "caniload_version": report.caniload_version,
        "headline": said.headline(report),
        "failing": list(report.failing),
        "failed": len(report.failed),
        "coverage": {
            "listed": counts.listed,
            "omitted": dict(said.omissions(counts)),
            "planned": counts.planned,
            "attempted": counts.attempted,
            "measured": counts.measured,
        },
        "controls": [
            {"environment": each.environment, "behaved": each.behaved, "why": each.why}
            for each in report.controls
        ],
        "changes": [_change(each, report) for each in report.comparison.changes],
        "cells": [_cell(each) for each in report.cells],
    }


def _track(track: Track) -> dict[str, Any]:
    return {
        "model": track.model,
        "artefact": track.artefact,
        "format": track.format,
        "loader": track.loader,
        "framework": track.framework,
        "environment": track.environment,
        "device": track.device,
        "recipe": track.recipe_hash,
        "export": track.export_format or None,
    }


def _change(change: Change, report: NightReport) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "fails": change.kind in report.failing,
        "track": _track(change.track),
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "fault": change.fault,
        "what_else": list(change.what_else),
        "numbers": {
            name: value if math.isfinite(value) else None for name, value in change.numbers.items()
        },
        "issue": change.issue,
        "observation": change.observation_id,
    }


def _cell(cell: NightCell) -> dict[str, Any]:
    seen = cell.seen
    return {
        "track": _track(cell.track),
        "cell": seen.cell_id,
        "tonight": cell.tonight,
        "outcome": seen.outcome,
        "settled": cell.settled,
        "counts": cell.counts,
        "verdict": seen.verdict,
        "stage": seen.stage,
        "reason": seen.reason,
        "diagnosis": seen.code,
        "fault": seen.fault,
        "attempts": cell.attempts,
        "worker": seen.worker,
        "machine": seen.machine,
        "versions": dict(seen.decisive),
        "wall_seconds": seen.wall_seconds,
        "load_and_run_seconds": seen.seconds,
        "peak_memory_bytes": seen.memory_bytes,
        "measured": seen.at.isoformat(),
        "observation": seen.observation_id,
    }
