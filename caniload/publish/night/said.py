"""What every form of a night's report says in the same words: signs, headlines, counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caniload.catalog.comparison import KINDS, LOUD, Change, Coverage, NightCell, NightReport
from caniload.words import FRAMEWORK_NAMES


@dataclass(frozen=True, slots=True)
class Sign:
    """Show an outcome: a mark that is told apart without colour, a word, and a tone for colour.

    `tone` is good, bad, odd or none.
    """

    mark: str
    word: str
    tone: str


SIGNS = {
    "passed": Sign("✓", "passed", "good"),
    "loads_only": Sign("○", "loads only", "good"),
    "failed": Sign("✕", "failed", "bad"),
    "crashed": Sign("↯", "crashed", "bad"),
    "timed_out": Sign("◷", "timed out", "odd"),
    "out_of_memory": Sign("▣", "out of memory", "odd"),
    "unavailable": Sign("∅", "unavailable", "odd"),
    "not_installed": Sign("□", "not installed", "odd"),
    "refused": Sign("⊘", "refused", "odd"),
    "harness_error": Sign("?", "our own fault", "none"),
}
NOTHING = Sign("·", "not tried", "none")

TITLES = {
    "broken": ("✕", "Broken", "bad"),
    "unexpected-failure": ("✕", "Unexpected failure", "bad"),
    "unexpected-pass": ("!", "Unexpected pass", "odd"),
    "flaky": ("≈", "Flaky", "odd"),
    "slower": ("▲", "Slower", "odd"),
    "more-memory": ("▲", "More memory", "odd"),
    "gone": ("\N{EN DASH}", "Gone", "odd"),
    "expired-skip": ("!", "Expired skip", "odd"),
    "fixed": ("✓", "Fixed", "good"),
    "new": ("+", "New", "none"),
    "expected": ("=", "As expected", "none"),
}
"""Mark, title and tone by kind of change."""


def sign(outcome: str | None) -> Sign:
    """Return how an outcome is shown."""
    return SIGNS.get(outcome or "", NOTHING)


def framework(name: str) -> str:
    """Name a framework as its makers do."""
    return FRAMEWORK_NAMES.get(name, name)


def headline(report: NightReport) -> str:
    """Answer in one line: what needs attention, else that nothing does."""
    said = _counted(report.comparison.changes, LOUD)
    broken = [each.environment for each in report.controls if not each.behaved]
    if broken:
        said.append(f"controls misbehaved in {', '.join(broken)}")
    if report.interrupted:
        said.append("interrupted")
    counts = report.coverage
    if said:
        return "; ".join(said)
    if not counts.attempted:
        return "nothing needed to be tried"
    return f"no change among {number(counts.measured, 'measured cell')}"


def against(report: NightReport) -> str:
    """Say with what the night was compared."""
    if report.comparison.against is None:
        return "There was nothing to compare with."
    return f"Compared with {report.comparison.against}."


def coverage(counts: Coverage) -> str:
    """Say how much was done, each count with its number."""
    return (
        f"{number(counts.listed, 'cell')} listed, {number(sum(counts.omitted.values()))} omitted, "
        f"{number(counts.planned)} planned, {number(counts.attempted)} attempted, "
        f"{number(counts.measured)} measured"
    )


def omissions(counts: Coverage) -> list[tuple[str, int]]:
    """Return the reasons for which cells were left out, the most frequent first."""
    return sorted(counts.omitted.items(), key=lambda item: (-item[1], item[0]))


def by_kind(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Return changes by kind, the loudest kind first."""
    found: dict[str, list[Change]] = {}
    for each in changes:
        found.setdefault(each.kind, []).append(each)
    return {kind: found[kind] for kind in KINDS if kind in found}


def moved(change: Change) -> str:
    """Say from what to what: `passed → failed`."""
    before = sign(change.before).word if change.before else "unknown"
    return f"{before} → {sign(change.after).word if change.after else 'not listed'}"


def also(change: Change, most: int = 6) -> str:
    """Name what else changed, cut after so many."""
    left = len(change.what_else) - most
    said = ", ".join(change.what_else[:most])
    return f"{said} and {left} more" if left > 0 else said


def result(cell: NightCell) -> str:
    """Say how a cell ended in a few words."""
    if not cell.counts and cell.seen.outcome != "harness_error":
        return f"{sign(cell.seen.outcome).word}, which does not count: the environment is broken"
    said = sign(cell.seen.outcome).word
    return f"{said}: {cell.seen.reason}" if cell.seen.reason else said


def number(count: int, noun: str | None = None) -> str:
    """Write a count, with its noun in the plural where that is due."""
    text = f"{count:,}"
    return text if noun is None else f"{text} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time span: `0.31 s`, `4 min 10 s`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _counted(changes: Iterable[Change], kinds: Iterable[str]) -> list[str]:
    found = by_kind(changes)
    return [f"{len(found[kind])} {TITLES[kind][1].lower()}" for kind in kinds if kind in found]
