"""Compare one run with what was known before it: what changed, and what else changed with it.

Both `slower` and `more-memory` are judged by a track's own history alone: earlier passes on the
same machine, in the same kind of worker (fresh or warm), measured in the same way; never fewer
than `AT_LEAST` of them and never more than the latest `AT_MOST`. With `median` and `MAD` (the
median absolute deviation, times 1.4826 so that it estimates a standard deviation; Rousseeuw and
Croux 1993, doi:10.1080/01621459.1993.10476408) of those:

- slower: seconds > median + max(6 * MAD, 0.5 * median, 0.25 s)
- more-memory: bytes > median + max(6 * MAD, 0.25 * median, 64 MiB)

Seconds are those of load and run where every one of them has these, else wall time. Of several
passes in the run the fastest, and the smallest, counts. The factors are ours.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from caniload.catalog.tracks import (
    GOOD,
    Seen,
    Track,
    apart,
    cells_of,
    earlier,
    end_of,
    of_runs,
    standing,
)

if TYPE_CHECKING:
    from caniload.catalog.store import Store

AT_LEAST, AT_MOST = 3, 20
SPREAD = 1.4826
"""What turns a median absolute deviation into an estimate of the standard deviation."""
SLOWER = (6.0, 0.5, 0.25)
MORE_MEMORY = (6.0, 0.25, 64.0 * 2**20)
"""How many deviations, which part of the median, and how much at least: the largest counts."""

KINDS = (
    "broken", "unexpected-failure", "unexpected-pass", "flaky", "slower", "more-memory", "gone",
    "expired-skip", "fixed", "new", "expected",
)  # fmt: skip
"""Kinds of change, the loudest first."""

LOUD = KINDS[:8]
"""The kinds that a reader should see before anything else."""

_SILENT = ("harness_error",)


@dataclass(frozen=True, slots=True)
class Change:
    """State one change: its kind, the track, outcome before and after, and what else changed.

    `reason` is one line; `fault` whose fault a failure is, as diagnosed; `numbers` are seconds or
    bytes by name; `issue` is the URL that an expectation or a skip names.
    """

    kind: str
    track: Track
    before: str | None
    after: str | None
    reason: str = ""
    what_else: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    fault: str | None = None
    issue: str | None = None
    observation_id: str | None = None

    @property
    def loud(self) -> bool:
        """Tell whether it asks for attention."""
        return self.kind in LOUD


class Expectation(Protocol):
    """What a suite expects of cells: a verdict, an outcome or a diagnosis's code, and why."""

    @property
    def outcome(self) -> str:
        """`works`, `fails`, `passed`, `crashed`, `hf.tf-class-removed`, …"""

    @property
    def reason(self) -> str:
        """Why it is expected."""

    @property
    def issue(self) -> str:
        """Where that is discussed."""

    def matches(
        self,
        *,
        model: str | None,
        handle: str,
        format: str | None,  # noqa: A002 - the field is so named
        loader: str,
        framework: str,
        environment: str,
        device: str,
    ) -> bool:
        """Tell whether a cell is meant."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Count what the suite lists, what was left out and why, and what became of the rest.

    `listed` = sum of `omitted` + `planned`; `attempted` are planned cells of which an attempt was
    made, `measured` those whose attempt counts: no fault of our own, no broken environment.
    """

    listed: int = 0
    omitted: Mapping[str, int] = field(default_factory=dict)
    planned: int = 0
    attempted: int = 0
    measured: int = 0


@dataclass(frozen=True, slots=True)
class NightCell:
    """Give one cell of a night as it ended; `history` has its track's earlier attempts, in order.

    `settled` is how the run settled it; where that is `harness_error` the attempt counts for
    nothing. `tonight` is False for evidence of an earlier night that stands.
    """

    track: Track
    seen: Seen
    settled: str
    attempts: int = 1
    history: tuple[Seen, ...] = ()
    tonight: bool = True

    @property
    def counts(self) -> bool:
        """Tell whether the attempt is evidence."""
        return self.settled != "harness_error"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold what changed; `against` says with what it was compared, None if with nothing."""

    run_ids: tuple[str, ...]
    against: str | None
    changes: tuple[Change, ...]
    cells: tuple[NightCell, ...] = ()

    def of(self, *kinds: str) -> tuple[Change, ...]:
        """Return the changes of some kinds."""
        return tuple(each for each in self.changes if each.kind in kinds)


@dataclass(frozen=True, slots=True)
class ControlState:
    """Say how an environment's controls behaved; `why` names those that did not."""

    environment: str
    behaved: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class NightReport:
    """Hold all that a report of a night shows; each form in `publish/night` takes one.

    `failing` are the kinds of change that make the suite fail, as it says itself.
    """

    suite: str
    run_id: str
    started: datetime
    finished: datetime
    coverage: Coverage
    comparison: Comparison
    controls: tuple[ControlState, ...] = ()
    failing: tuple[str, ...] = ()
    caniload_version: str = ""
    interrupted: bool = False

    @property
    def cells(self) -> tuple[NightCell, ...]:
        """The cells of the night, and those whose earlier evidence stands."""
        return self.comparison.cells

    @property
    def failed(self) -> tuple[Change, ...]:
        """The changes that make the suite fail."""
        return self.comparison.of(*self.failing)


def compare(
    store: Store,
    run_id: str | Sequence[str],
    against: str | None = None,
    expectations: Sequence[Expectation] = (),
    *,
    since: datetime | None = None,
    listed: Callable[[], Collection[Track]] | None = None,
    listed_cells: Collection[str] = (),
    standing_cells: Collection[str] = (),
) -> Comparison:
    """Compare a run, or the shards of one night, with what was known before.

    Before is the latest evidence of a track that is no younger than the run `against`, or than
    the moment `since`, and of the same kind of observer; without both nothing is compared but
    with expectations. `listed` gives the tracks of the suite now, and is asked only where a cell
    of `against` is not among `listed_cells`, the ids of the suite's cells: what `against`
    attempted and the suite no longer lists is gone. `standing_cells` are ids of cells that were
    not tried because their evidence stands; they join `cells`.
    """
    runs = (run_id,) if isinstance(run_id, str) else tuple(run_id)
    now = of_runs(store, runs) if runs else {}
    cutoff = since if against is None else end_of(store, against)
    known = earlier(store, runs, cutoff) if now else {}
    cells: list[NightCell] = []
    judged: list[tuple[NightCell, Seen | None, list[Change]]] = []
    for track, attempts in now.items():
        past = known.get(track, ())
        before = _last(past, cutoff)
        cell = _cell(track, attempts, past)
        cells.append(cell)
        if cell.counts:
            judged.append((cell, before, _judge(cell, attempts, before, cutoff is not None)))
    moved = _moved(store, judged)
    changes: list[Change] = []
    for cell, _, found in judged:
        changes += _expected(cell, [*found, *moved.get(cell.track, ())], expectations)
    if against is not None and listed is not None:
        changes += _gone(store, against, listed, listed_cells, now)
    cells += [
        NightCell(track, seen, seen.outcome, attempts=0, tonight=False)
        for track, seen in standing(store, standing_cells)
    ]
    order = {kind: place for place, kind in enumerate(KINDS)}
    changes.sort(key=lambda each: (order[each.kind], each.track))
    cells.sort(key=lambda each: each.track)
    said = against if against is not None else since.isoformat() if since else None
    return Comparison(runs, said, tuple(changes), tuple(cells))


def expired_skip(track: Track, reason: str, issue: str | None, review: date) -> Change:
    """Make the change that a skip past its review date is."""
    text = f"its skip was to be reviewed on {review.isoformat()}: {reason}"
    return Change("expired-skip", track, None, None, text, issue=issue)


def limit(values: Sequence[float], rule: tuple[float, float, float]) -> float | None:
    """Return what a track's history allows at most; None where it is too short to say."""
    if len(values) < AT_LEAST:
        return None
    middle = statistics.median(values)
    spread = SPREAD * statistics.median(abs(value - middle) for value in values)
    deviations, part, least = rule
    return middle + max(deviations * spread, part * middle, least)


def what_else(before: Seen, after: Seen) -> tuple[str, ...]:
    """Name what changed between two attempts beside the outcome, decisive packages first."""
    found: list[str] = []
    if before.python != after.python:
        found.append(f"Python {before.python} → {after.python}")
    first = set(before.decisive) | set(after.decisive)
    names = sorted(set(before.lock) | set(after.lock), key=lambda name: (name not in first, name))
    for name in names:
        old, new = before.lock.get(name), after.lock.get(name)
        if old is None:
            found.append(f"{name} {new} is new")
        elif new is None:
            found.append(f"{name} {old} is gone")
        elif old != new:
            found.append(f"{name} {old} → {new}")
    for what, old, new in (
        ("revision", _short(before.revision), _short(after.revision)),
        ("caniload", before.caniload_version, after.caniload_version),
        ("machine", before.machine, after.machine),
        ("worker", before.worker, after.worker),
    ):
        if old != new:
            found.append(f"{what} {old} → {new}")
    return tuple(found)


def _judge(
    cell: NightCell, attempts: Sequence[tuple[Seen, str]], before: Seen | None, compared: bool
) -> list[Change]:
    """Say what changed of one track, expectations aside."""
    after, track = cell.seen, cell.track
    same = [seen for seen, _ in attempts if seen.cell_id == after.cell_id]
    telling = sorted({seen.outcome for seen in same if seen.outcome not in _SILENT})
    if len(telling) > 1:
        text = f"{len(same)} attempts disagree: {', '.join(seen.outcome for seen in same)}"
        return [_change("flaky", track, before, after, text)]
    if before is None:
        text = "nothing was known of it" if after.good else after.reason
        return [_change("new", track, before, after, text)] if compared else []
    if before.good and not after.good:
        return [_change("broken", track, before, after, after.reason)]
    if after.good and not before.good:
        return [_change("fixed", track, before, after, before.reason)]
    return _grown(cell, before, [seen for seen in same if seen.good]) if after.good else []


def _grown(cell: NightCell, before: Seen, passes: Sequence[Seen]) -> list[Change]:
    """Say whether a track became slower or larger than its own history allows."""
    found: list[Change] = []
    after = cell.seen
    past = [
        seen
        for seen in cell.history
        if seen.good and (seen.machine, seen.worker) == (after.machine, after.worker)
    ][-AT_MOST:]
    apart = all(seen.seconds is not None for seen in (*past, *passes))
    times = [_seconds(seen, apart) for seen in past]
    most, took = limit(times, SLOWER), min(_seconds(seen, apart) for seen in passes)
    if most is not None and took > most:
        usual = statistics.median(times)
        numbers = {"seconds": took, "median_seconds": usual, "limit_seconds": most}
        what = "load and run" if apart else "wall time"
        text = f"{what} {took:.2f} s, usually {usual:.2f} s ({len(times)} earlier)"
        found.append(_change("slower", cell.track, before, after, text, numbers))
    sizes = [
        float(seen.memory_bytes)
        for seen in past
        if seen.memory_bytes and seen.memory_by == after.memory_by
    ]
    held = min((seen.memory_bytes for seen in passes if seen.memory_bytes), default=None)
    most = limit(sizes, MORE_MEMORY)
    if most is not None and held is not None and held > most:
        usual = statistics.median(sizes)
        numbers = {"bytes": float(held), "median_bytes": usual, "limit_bytes": most}
        text = f"{held / 1e6:.0f} MB, usually {usual / 1e6:.0f} MB ({len(sizes)} earlier)"
        found.append(_change("more-memory", cell.track, before, after, text, numbers))
    return found


def _moved(
    store: Store, judged: Iterable[tuple[NightCell, Seen | None, list[Change]]]
) -> dict[Track, list[Change]]:
    """Find passes of one revision whose output is no longer what it was, within the tolerance.

    That is broken: who uses the model gets other numbers. A format without a tolerance, as a
    quantised one, is not held against itself.
    """
    same = {
        cell.seen.observation_id: (cell, before)
        for cell, before, found in judged
        if before is not None
        and cell.seen.tolerance is not None
        and (cell.seen.outcome, before.outcome) == ("passed", "passed")
        and cell.seen.revision == before.revision
        and not any(each.kind == "flaky" for each in found)
    }
    pairs = [(before.observation_id, now) for now, (_, before) in same.items()]
    moved: dict[Track, list[Change]] = {}
    for now, far in apart(store, pairs).items():
        cell, before = same[now]
        most = cell.seen.tolerance or 0.0
        if not far <= most:
            text = f"its output moved: relative RMS {far:.2e} from before, allowed {most:.0e}"
            if math.isinf(far):
                text = "its output has another shape than before, or other numbers than zeros"
            numbers = {"relative_rms": far, "tolerance": most}
            change = _change("broken", cell.track, before, cell.seen, text, numbers)
            moved[cell.track] = [change]
    return moved


def _expected(
    cell: NightCell, found: list[Change], expectations: Sequence[Expectation]
) -> list[Change]:
    """Put what the suite expects of a track in the place of what changed, where it says so."""
    wish = next((each for each in expectations if _covers(each, cell.track)), None)
    if wish is None or any(each.kind == "flaky" for each in found):
        return found
    seen = cell.seen
    kind = "expected"
    if not _met(wish.outcome, seen):
        hoped = wish.outcome in (*GOOD, "works", "differs")
        kind = "unexpected-pass" if seen.good and not hoped else "unexpected-failure"
    text = f"expected {wish.outcome}: {wish.reason}"
    if kind == "unexpected-failure" and seen.reason:
        text = f"{seen.reason} ({text})"
    was = found[0] if found else None
    change = Change(
        kind,
        cell.track,
        was.before if was else None,
        seen.outcome,
        text,
        was.what_else if was else (),
        fault=seen.fault,
        issue=wish.issue,
        observation_id=seen.observation_id,
    )
    return [change, *(each for each in found if each.numbers)]


def _covers(wish: Expectation, track: Track) -> bool:
    return wish.matches(
        model=track.model,
        handle=track.artefact,
        format=track.format,
        loader=track.loader,
        framework=track.framework,
        environment=track.environment,
        device=track.device,
    )


def _met(wanted: str, seen: Seen) -> bool:
    """Tell whether an attempt ended as expected.

    `fails` is met by a failure or a crash that no verdict was reached about, too; `works` by a
    pass that does not differ.
    """
    if wanted in (seen.outcome, seen.code):
        return True
    if wanted == "works":
        return seen.outcome == "passed" and seen.verdict != "differs"
    if wanted == "fails":
        return seen.outcome in ("failed", "crashed") and seen.fault in (None, "model")
    if wanted == "blocked":
        return not seen.good and (
            seen.outcome not in ("failed", "crashed") or seen.fault not in (None, "model")
        )
    return wanted == seen.verdict


def _gone(
    store: Store,
    against: str,
    listed: Callable[[], Collection[Track]],
    listed_cells: Collection[str],
    now: Iterable[Track],
) -> list[Change]:
    """Name what the run before attempted and the suite no longer lists."""
    left = cells_of(store, against).difference(listed_cells)
    if not left:
        return []
    before = of_runs(store, (against,), only=left)
    there = {*listed(), *now}
    return [
        Change("gone", track, attempts[-1][0].outcome, None, "the suite no longer lists it")
        for track, attempts in before.items()
        if track not in there
    ]


def _change(
    kind: str,
    track: Track,
    before: Seen | None,
    after: Seen,
    reason: str,
    numbers: Mapping[str, float] | None = None,
) -> Change:
    return Change(
        kind,
        track,
        before.outcome if before else None,
        after.outcome,
        reason,
        what_else(before, after) if before else (),
        numbers or {},
        after.fault,
        observation_id=after.observation_id,
    )


def _cell(track: Track, attempts: Sequence[tuple[Seen, str]], past: Sequence[Seen]) -> NightCell:
    seen, settled = attempts[-1]
    return NightCell(track, seen, settled, len(attempts), tuple(past[-AT_MOST:]))


def _last(past: Sequence[Seen], cutoff: datetime | None) -> Seen | None:
    """Return the latest of earlier attempts that is no younger than a moment."""
    if cutoff is None:
        return None
    return next((seen for seen in reversed(past) if seen.at <= cutoff), None)


def _seconds(seen: Seen, apart: bool) -> float:
    return seen.seconds if apart and seen.seconds is not None else seen.wall_seconds


def _short(revision: str | None) -> str:
    return (revision or "-")[:14]
