"""Choose what a night attempts, in which order, and say why it leaves out the rest. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caniload.catalog.past import Past
from caniload.runs.night.cells import Candidate

UNSETTLED = ("unavailable", "harness_error")
"""Outcomes that say nothing of the cell itself: it is attempted again however young they are."""

GUESS_SECONDS = 30.0
"""What an attempt is taken to cost that nothing is known of."""

UNCHANGED, YOUNG = "unchanged", "unchanged, and measured lately"
EXPORT = "an export, made when what reads it is attempted"

NEVER, CHANGED, STALE = 0, 1, 2
"""The values of a cell, highest first: never measured, measured under other versions, old."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a user wants of a night.

    `max_age` None takes evidence of any age. `only` keeps cells whose handle, loader, framework
    or environment holds one of the words. `shard` (i, n) takes every n-th track, from the i-th,
    counted from 1. `skipped` says why the suite skips a cell, None if it does not or if it is
    time to try it. `budget_seconds` is what the workers together may take.
    """

    now: datetime
    max_age: timedelta | None = timedelta(days=30)
    only: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    again: bool = False
    budget_seconds: float | None = None
    skipped: Callable[[Candidate, Past | None], str | None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell that the night attempts: its value, and what its past says of it."""

    candidate: Candidate
    value: int
    past: Past | None
    before: Past | None
    """The past of its track under whatever versions."""

    @property
    def seconds(self) -> float:
        """What it is expected to take."""
        known = self.past or self.before
        return GUESS_SECONDS if known is None else known.seconds


@dataclass(frozen=True, slots=True)
class NightPlan:
    """What is attempted, in order, and how many are left out for which reason."""

    listed: int
    chosen: tuple[Planned, ...]
    omitted: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the counts that are kept with the run."""
        return {"listed": self.listed, "planned": len(self.chosen), "omitted": dict(self.omitted)}


def plan(
    candidates: Iterable[Candidate],
    ask: Ask,
    cells: Mapping[str, Past],
    tracks: Callable[[Sequence[str]], Mapping[str, Past]],
    fresh: Collection[str] = frozenset(),
) -> NightPlan:
    """Plan a night.

    `cells` holds the past by cell id; `tracks` is asked for that of cells which have none.
    `fresh` are ids of cells whose evidence stands, of which nothing more need be known.
    """
    omitted: Counter[str] = Counter()
    listed = 0
    open_: list[Candidate] = []
    there: set[str] = set()
    for candidate in candidates:
        listed += 1
        why = candidate.reason or _left_out(candidate, ask, _past(candidate, cells))
        if why is None and candidate.cell_id in fresh:
            why = UNCHANGED if ask.max_age is None else YOUNG
        if why is None and candidate.cell_id in there:
            why = "the same versions as in another environment"
        if candidate.cell_id is not None:
            there.add(candidate.cell_id)
        if why is None:
            open_.append(candidate)
        else:
            omitted[why] += 1
    unmeasured = [each.track for each in open_ if _past(each, cells) is None]
    before = tracks(unmeasured) if unmeasured else {}
    planned = [_planned(each, cells, before) for each in open_]
    planned.sort(key=lambda each: (each.value, -each.seconds, each.candidate.handle))
    chosen, over = _within(planned, ask.budget_seconds)
    if over:
        omitted["past the night's time budget"] += over
    both = tuple(_with_exports(chosen, cells))
    omitted[EXPORT] -= len(both) - len(chosen)
    return NightPlan(listed, both, {why: n for why, n in sorted(omitted.items()) if n})


def _past(candidate: Candidate, cells: Mapping[str, Past]) -> Past | None:
    return None if candidate.cell_id is None else cells.get(candidate.cell_id)


def _left_out(candidate: Candidate, ask: Ask, past: Past | None) -> str | None:
    """Say why a candidate is not attempted tonight, None if it is."""
    if candidate.trial.export_format is not None:
        return EXPORT
    if ask.only and not any(word in _words(candidate) for word in ask.only):
        return "not asked for"
    index, of = ask.shard
    if of > 1 and _spread(candidate.track) % of != index - 1:
        return "another shard"
    why = ask.skipped(candidate, past)
    if why is not None:
        return why
    if past is None or ask.again or past.outcome in UNSETTLED:
        return None
    if ask.max_age is None:
        return UNCHANGED
    return YOUNG if ask.now - past.measured_at < ask.max_age else None


def _words(candidate: Candidate) -> str:
    return " ".join(
        (
            candidate.listed.model or "",
            candidate.handle,
            candidate.loader,
            candidate.framework,
            candidate.seat.name,
        )
    )


def _spread(track: str) -> int:
    """Return a number that stays the same on every machine, for shards."""
    import zlib

    return zlib.crc32(track.encode())


def _planned(
    candidate: Candidate, cells: Mapping[str, Past], before: Mapping[str, Past]
) -> Planned:
    past = _past(candidate, cells)
    earlier = before.get(candidate.track)
    value = STALE if past is not None else NEVER if earlier is None else CHANGED
    return Planned(candidate, value, past, past or earlier)


def _within(planned: Sequence[Planned], budget_seconds: float | None) -> tuple[list[Planned], int]:
    """Take the most valuable that fit the budget together; at least one."""
    if budget_seconds is None:
        return list(planned), 0
    chosen: list[Planned] = []
    taken = 0.0
    for each in planned:
        if chosen and taken + each.seconds > budget_seconds:
            continue
        taken += each.seconds
        chosen.append(each)
    return chosen, len(planned) - len(chosen)


def _with_exports(chosen: Sequence[Planned], cells: Mapping[str, Past]) -> list[Planned]:
    """Put before the first reader of an export the export itself."""
    out: list[Planned] = []
    there: set[int] = set()
    for each in chosen:
        parent = each.candidate.parent
        if parent is not None and id(parent) not in there:
            there.add(id(parent))
            past = _past(parent, cells)
            out.append(Planned(parent, each.value, past, past))
        out.append(each)
    return out
