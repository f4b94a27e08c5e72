"""`caniload doctor`: what this machine can attempt, and what to do about what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out, paint
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.runs.doctor import Finding

EXAMPLES = ("caniload doctor", "caniload doctor --online", "caniload doctor --format json")
MARKS = {"ok": ("ok", "green"), "warn": ("note", "yellow"), "missing": ("MISSING", "red")}


def command(
    online: Annotated[
        bool, typer.Option("--online", help="Ask the hubs too, over the network.")
    ] = False,
    form: Format = "human",
) -> int:
    """Say what this machine can attempt: interpreters, environments, devices, hubs, sandbox, disk.

    Nothing is installed or changed and no framework is imported. Exits 0 unless the machine
    could not be looked at; what is missing is said, with the next step.
    """
    from caniload.runs.doctor import report

    found = report(Settings.read(), online=online)

    def human() -> str:
        lines: list[str] = []
        section = ""
        for finding in found.findings:
            if finding.section != section:
                section = finding.section
                lines += [""] * bool(lines) + [section]
            lines += _lines(finding)
        return "\n".join(lines)

    data = {"status": found.status, "findings": found.findings}
    Out(form).show("doctor", data, human, lambda: [str(found.status)])
    return 0


def _lines(finding: Finding) -> list[str]:
    """One finding, and its next step beneath it."""
    word, colour = MARKS[finding.status]
    lines = [f"  {paint(word.ljust(7), colour)} {finding.name}: {finding.detail}"]
    if finding.next_step:
        lines.append(f"          next: {finding.next_step}")
    return lines
