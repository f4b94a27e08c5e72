"""A night as GitHub Actions annotations: workflow commands on standard output.

The step's summary is `markdown.write`, appended to the file that $GITHUB_STEP_SUMMARY names.
"""

from __future__ import annotations

from caniload.catalog.comparison import Change, NightReport
from caniload.publish.night import said

MOST = 10
"""GitHub shows ten errors and ten warnings of a step; the last says how many are left."""


def write(report: NightReport, *, file: str | None = None) -> str:
    """Return one line a change: errors for what fails the suite, warnings for what is loud.

    `file` is the suite's path in the repository, to which the annotations are pinned.
    """
    errors = [_said(change) for change in report.failed]
    warnings = [
        (f"Controls of {state.environment} misbehaved", state.why)
        for state in report.controls
        if not state.behaved
    ]
    failing = set(report.failing)
    warnings += [
        _said(each) for each in report.comparison.changes if each.loud and each.kind not in failing
    ]
    lines = [*_lines("error", errors, file), *_lines("warning", warnings, file)]
    notice = f"{said.headline(report)}. {said.coverage(report.coverage)}."
    lines += _lines("notice", [(report.suite, notice)], file)
    return "\n".join(lines) + "\n"


def command(name: str, message: str, **properties: str | None) -> str:
    """Write one workflow command, escaped as GitHub's own toolkit does.

    Source: actions/toolkit, packages/core/src/command.ts (escapeData, escapeProperty).
    """
    given = ",".join(
        f"{key}={_property(value)}" for key, value in properties.items() if value is not None
    )
    return f"::{name} {given}::{_data(message)}" if given else f"::{name}::{_data(message)}"


def _lines(level: str, found: list[tuple[str, str]], file: str | None) -> list[str]:
    if len(found) > MOST:
        left = len(found) - MOST + 1
        found = [
            *found[: MOST - 1],
            (f"{left} more", "The report and the step's summary have all."),
        ]
    return [command(level, message, file=file, title=title) for title, message in found]


def _said(change: Change) -> tuple[str, str]:
    title = f"{said.TITLES[change.kind][1]}: {change.track.name}"
    parts = [change.track.where, f"{said.moved(change)}", change.reason]
    if change.what_else:
        parts.append(f"also changed: {said.also(change)}")
    if change.issue:
        parts.append(change.issue)
    return title, "\n".join(part for part in parts if part)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
