"""A night as plain lines, for a terminal or a log."""

from __future__ import annotations

from caniload.catalog.comparison import NightReport
from caniload.publish.night import said

SHOWN = 20
"""How many changes of a kind are shown."""


def write(report: NightReport, *, shown: int = SHOWN) -> str:
    """Return the lines of a report: the answer first, then what changed, then what was done."""
    lines = [f"{report.suite}: {said.headline(report)}", ""]
    for kind, changes in said.by_kind(report.comparison.changes).items():
        mark, title, _ = said.TITLES[kind]
        lines.append(f"{title} ({len(changes)})")
        for change in changes[:shown]:
            lines.append(f"  {mark} {change.track.name} [{change.track.where}]")
            lines.append(
                f"      {said.moved(change)}{f': {change.reason}' if change.reason else ''}"
            )
            if change.what_else:
                lines.append(f"      also changed: {said.also(change)}")
            if change.issue:
                lines.append(f"      see {change.issue}")
        if len(changes) > shown:
            lines.append(f"  and {len(changes) - shown} more")
        lines.append("")
    for state in report.controls:
        if not state.behaved:
            lines.append(f"controls of {state.environment} misbehaved: {state.why}")
    took = said.duration((report.finished - report.started).total_seconds())
    lines += [f"{said.coverage(report.coverage)}; took {took}"]
    lines += [f"  omitted {count:,}: {why}" for why, count in said.omissions(report.coverage)]
    run = f"run {report.run_id}. " if report.run_id else ""
    lines += [f"{run}{said.against(report)}"]
    return "\n".join(_clean(line) for line in lines) + "\n"


def _clean(line: str) -> str:
    """Let nothing that a model printed steer the terminal."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in line)
