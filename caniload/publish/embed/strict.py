"""What is wrong with an embed on a day: evidence too old, or against what the text claims."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from caniload.errors import BadInputError
from caniload.publish.embed.asking import Found
from caniload.words import Verdict

CLOCK = "CANILOAD_TODAY"
"""The variable that moves the clock, as 2026-12-31; it goes before a configured day."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Say what is wrong with one embed; `kind` is stale, unmeasured, contradicted or unknown."""

    entry: str
    kind: str
    says: str

    def __str__(self) -> str:
        """The entry and what is wrong with it."""
        return f"{self.entry}: {self.says}"


def today(configured: str | date | None = None) -> date:
    """Return the day that counts: the variable's, else the configured one, else the day it is."""
    text = os.environ.get(CLOCK) or configured
    if not text:
        return datetime.now(UTC).date()
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{text!r} is no day", f"write {CLOCK}=2026-12-31") from error


def findings(found: Found, now: date, max_age_days: int | None) -> Iterator[Finding]:
    """Yield what is wrong; without `max_age_days` only what the text claims is looked at."""
    if found.ask.expect and found.verdict not in found.ask.expect:
        yield Finding(found.ask.entry, "contradicted", _contradicted(found))
    if found.ask.kind == "snippet" and (found.best is None or found.best.snippet is None):
        says = f"there is no code to show: {found.verdict}"
        yield Finding(found.ask.entry, "unmeasured", says)
    elif max_age_days is not None:
        yield from _old(found, now, max_age_days)


def _contradicted(found: Found) -> str:
    """Say what is claimed and what the evidence says."""
    claimed = " or ".join(found.ask.expect)
    if found.best is None:
        return f"the text claims {claimed}, and nothing is known"
    if found.best.verdict is Verdict.CLAIMED or found.best.day is None:
        return f"the text claims {claimed}, which nobody measured ({found.best.result})"
    return (
        f"the text claims {claimed}, the evidence of {found.best.day} (run {found.best.run}) says "
        f"{found.best.result}"
    )


def _old(found: Found, now: date, limit: int) -> Iterator[Finding]:
    """Yield one finding for an embed with evidence older than the limit, or with none."""
    dated = found.measured
    if not dated:
        yield Finding(found.ask.entry, "unmeasured", "nothing that it shows was measured")
        return
    old = [cell for cell in dated if cell.day and (now - cell.day).days > limit]
    if old:
        oldest = min(old, key=lambda cell: cell.measured or datetime.max.replace(tzinfo=UTC))
        days = (now - oldest.day).days if oldest.day else 0
        many = f"{len(old)} of {len(dated)} rows are; the oldest, " if len(dated) > 1 else ""
        yield Finding(
            found.ask.entry,
            "stale",
            f"evidence is older than {limit} days: {many}{oldest.loader_name} in "
            f"{oldest.framework_name}, was measured {oldest.day}, {days} days ago "
            f"(run {oldest.run})",
        )
