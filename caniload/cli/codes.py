"""Exit codes of verdicts (DESIGN, "Verdict")."""

from __future__ import annotations

from collections.abc import Iterable

from caniload.words import Verdict

CODES = {
    Verdict.WORKS: 0,
    Verdict.DIFFERS: 1,
    Verdict.FLAKY: 1,
    Verdict.FAILS: 1,
    Verdict.BLOCKED: 3,
    Verdict.CLAIMED: 3,
    Verdict.UNKNOWN: 3,
}
WORST_FIRST = (4, 1, 3, 0)


def code(verdict: Verdict) -> int:
    """Return the exit code of one verdict."""
    return CODES[verdict]


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of several answers: the worst, in the order 4, 1, 3, 0."""
    return min(codes, key=WORST_FIRST.index, default=0)
