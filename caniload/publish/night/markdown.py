"""A night as Markdown, for a page, a comment or GitHub's step summary."""

from __future__ import annotations

import re

from caniload.catalog.comparison import Change, NightReport
from caniload.publish.night import said

SUMMARY_BYTES = 1024 * 1024
"""What GitHub takes of a step's summary
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands)."""

_LINK = re.compile(r"https?://[^\s<>|\\]+")
_SPECIAL = re.compile(r"([\\`*_\[\]()#+!|~{}$-])")


def write(report: NightReport, *, limit_bytes: int = SUMMARY_BYTES) -> str:
    """Return a report within so many bytes; where rows were cut it says how many."""
    for shown in (500, 100, 20, 5, 0):
        text = _write(report, shown)
        if len(text.encode()) <= limit_bytes:
            break
    return text


def _write(report: NightReport, shown: int) -> str:
    lines = [f"# {escape(report.suite)}: {escape(said.headline(report))}", ""]
    lines += [_coverage(report), ""]
    for state in report.controls:
        if not state.behaved:
            lines += [
                f"> **Controls of {escape(state.environment)} misbehaved**: {escape(state.why)}. "
                "Its observations stand in the record, and nothing rests on them.",
                "",
            ]
    for kind, changes in said.by_kind(report.comparison.changes).items():
        mark, title, _ = said.TITLES[kind]
        lines += [f"## {mark} {title} ({len(changes)})", ""]
        lines += [
            "| what | where | outcome | why | also changed |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(change) for change in changes[:shown]]
        if len(changes) > shown:
            lines += ["", f"and {len(changes) - shown} more"]
        lines.append("")
    rest = said.omissions(report.coverage)
    if rest:
        lines += ["## Left out", "", "| cells | why |", "| ---: | --- |"]
        lines += [f"| {count:,} | {escape(why)} |" for why, count in rest]
        lines.append("")
    return "\n".join(lines)


def _coverage(report: NightReport) -> str:
    took = said.duration((report.finished - report.started).total_seconds())
    return (
        f"{escape(said.coverage(report.coverage))}. Run `{report.run_id}`, "
        f"{report.started:%Y-%m-%d %H:%M} UTC, took {took}. {escape(said.against(report))}"
    )


def _row(change: Change) -> str:
    why = escape(change.reason)
    if change.issue:
        link = _LINK.fullmatch(change.issue)
        why += f" ([issue](<{change.issue}>))" if link else f" ({escape(change.issue)})"
    cells = (
        escape(change.track.name),
        escape(change.track.where),
        escape(said.moved(change)),
        why,
        escape(said.also(change)),
    )
    return "| " + " | ".join(cell or "-" for cell in cells) + " |"


def escape(text: str) -> str:
    """Make a text mean itself in Markdown: no markup, no HTML, one line."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", flat).replace("@", "&#64;").replace("://", ":&#47;&#47;")
