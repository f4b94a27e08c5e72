"""How a verdict is shown: a mark that is told apart without colour, and a colour behind white."""

from __future__ import annotations

from dataclasses import dataclass

from caniload.words import Verdict


@dataclass(frozen=True, slots=True)
class Sign:
    """Hold a verdict's mark and colour; white text on the colour has a contrast of 4.5 or more."""

    mark: str
    colour: str


SIGNS = {
    Verdict.WORKS: Sign("✓", "#1a7440"),
    Verdict.DIFFERS: Sign("≈", "#8a5a00"),
    Verdict.FLAKY: Sign("↯", "#8a5a00"),
    Verdict.FAILS: Sign("✕", "#b3261e"),
    Verdict.BLOCKED: Sign("⊘", "#9a4313"),
    Verdict.CLAIMED: Sign("“", "#35608f"),
    Verdict.UNKNOWN: Sign("?", "#5a6270"),
}
STALE = "#666b73"
"""What is too old has no colour."""

LABEL = "#33383f"
"""The left half of a badge."""
