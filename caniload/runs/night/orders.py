"""From a suite to a night that is ready to run: environments, sources, cells, plan."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from caniload.catalog import past
from caniload.catalog.past import Past
from caniload.catalog.store import open_store
from caniload.catalog.tracks import Track, artefact
from caniload.errors import EnvironmentBuildError
from caniload.handles import Handle
from caniload.loaders.specs import load_specs
from caniload.records import FetchedArtefact
from caniload.runs import suite_sources
from caniload.runs.night import listing, places, planning
from caniload.runs.night.cells import Candidate, Expansion, Seat
from caniload.runs.night.planning import Ask, NightPlan
from caniload.runs.suite import Skip, Suite
from caniload.runs.suite_environments import SuiteEnvironment, suite_environments
from caniload.runs.watcher import Watcher
from caniload.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """What a user asks of one night, beside the suite.

    `again` attempts also what is unchanged; `dry` plans and builds nothing; `workers` is how
    many cells are attempted at once. `now` is when the night begins.
    """

    only: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    again: bool = False
    dry: bool = False
    workers: int = 1
    verify: bool = True
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A night before it runs: what is planned, where, and what the suite says of skips."""

    suite: Suite
    plan: NightPlan
    candidates: tuple[Candidate, ...]
    environments: tuple[SuiteEnvironment, ...]
    seats: tuple[Seat, ...]
    standing: tuple[str, ...]
    """Ids of the cells whose evidence stands, so that they are not attempted."""
    local: tuple[FetchedArtefact, ...] = ()
    """The files of this machine that the suite names."""


NOT_LOADED = "nothing in the suite's environments loads it"


@contextmanager
def without_collector() -> Iterator[None]:
    """Let the garbage collector rest: a plan makes many objects, and none of them is garbage.

    Nor does it come upon any while the plan is compared with what was known before.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@without_collector()
def prepare(suite: Suite, settings: Settings, order: Order, watcher: Watcher) -> Prepared:
    """Resolve and build the environments, list the sources, and plan.

    Raises an input error for what the suite names and nobody knows. A hub's "no" is a reason to
    leave a source out, and versions that pip cannot find one to leave an environment out: both
    are counted.
    """
    unresolved: Counter[str] = Counter()

    def failed(name: str, error: EnvironmentBuildError) -> None:
        watcher.building(name, error.message)
        unresolved[f"environment {name}: {error.message.splitlines()[0]}"] += 1

    wanted = suite_environments(
        suite,
        settings,
        lambda line: watcher.building("suite", line),
        fresh=not order.dry,
        failed=failed,
    )
    seats = places.seats(wanted, settings)
    missing = [each for each, seat in zip(wanted, seats, strict=True) if seat.here is None]
    if missing and not order.dry:
        with open_store(settings) as store:  # a misspelt name costs no build
            suite_sources.expand(suite, store, strict=True)
        with ExitStack() as held:
            places.ready(missing, settings, watcher, held)
        seats = places.seats(wanted, settings)
    specs = load_specs()

    def fetching(handle: Handle, sha256: str | None) -> FetchedArtefact:
        from caniload.loaders.fetch import fetch

        return fetch(handle, settings, sha256=sha256, on_progress=watcher.fetching)

    with open_store(settings) as store:
        suite = suite_sources.canonical(suite, store)
        asked = listing.wishes(suite)
        found = listing.of_suite(suite, store, settings, specs, fetching)
        expansion = Expansion(seats, suite.devices, specs, asked)
        candidates = tuple(expansion.candidates(found.sources))
        ids = [each.cell_id for each in candidates if each.cell_id is not None]
        age = None if suite.max_age_days is None else timedelta(days=suite.max_age_days)
        since = None if age is None else order.now - age
        fresh = frozenset() if order.again else past.fresh(store, ids, since)
        known = past.of_cells(store, [each for each in ids if each not in fresh])
        ask = Ask(
            now=order.now,
            max_age=age,
            only=order.only,
            shard=order.shard,
            again=order.again,
            budget_seconds=_budget(suite, order),
            skipped=partial(_skipped, suite, order.now),
        )
        made = planning.plan(candidates, ask, known, partial(past.of_tracks, store), fresh)
    loaded = {each.listed.handle for each in candidates}
    idle = sum(each.handle not in loaded for each in found.sources)
    if idle:
        found.omitted[NOT_LOADED] += idle
    made = _with_sources(made, found.omitted, unresolved)
    chosen = {each.candidate.cell_id for each in made.chosen}
    standing = tuple(sorted((fresh | known.keys()) - chosen))
    return Prepared(suite, made, candidates, wanted, seats, standing, tuple(found.local))


def expired(prepared: Prepared, order: Order) -> list[tuple[Skip, Track]]:
    """Return the skips whose review date is past, each with a track that it meant."""
    found: list[tuple[Skip, Track]] = []
    for skip in prepared.suite.expired(order.now.date()):
        meant = next((each for each in prepared.candidates if _matches(skip, each)), None)
        if meant is not None:
            found.append((skip, _track(meant)))
    return found


def listed_cells(prepared: Prepared) -> list[str]:
    """Return the ids of the cells that the suite lists."""
    return [each.cell_id for each in prepared.candidates if each.cell_id is not None]


def tracks(prepared: Prepared) -> frozenset[Track]:
    """Return the tracks that the suite lists, attempted tonight or not."""
    return frozenset(_track(each) for each in prepared.candidates)


def _track(each: Candidate) -> Track:
    tail = each.handle.partition("#")[2]
    return Track(
        artefact(each.handle),
        each.loader,
        each.framework,
        each.seat.name,
        each.device,
        each.recipe_hash,
        tail.partition(":")[0] or None,
        "attempt" if each.trial.export_format is None else "export",
        each.trial.export_format or "",
        each.listed.model,
    )


def _budget(suite: Suite, order: Order) -> float | None:
    """Return how many seconds of attempts fit the night's wall time."""
    seconds = suite.budget.time_seconds
    return None if seconds is None else seconds * order.workers


def _skipped(suite: Suite, now: datetime, candidate: Candidate, past: Past | None) -> str | None:
    """Say why the suite skips a cell; None where it does not, or it is time to try it."""
    for skip in suite.skip:
        if skip.review >= now.date() and _matches(skip, candidate):
            age = None if past is None else (now - past.measured_at).total_seconds()
            if age is not None and age < skip.try_every_seconds:
                return f"skipped: {skip.reason}"
            return None
    return None


def _matches(skip: Skip, each: Candidate) -> bool:
    return skip.matches(
        model=each.listed.model,
        handle=each.handle,
        format=each.handle.partition("#")[2].partition(":")[0] or None,
        loader=each.loader,
        framework=each.framework,
        environment=each.seat.name,
        device=each.device,
    )


def _with_sources(made: NightPlan, omitted: Counter[str], unresolved: Counter[str]) -> NightPlan:
    """Count beside the cells the sources and environments that are left out whole."""
    whole = unresolved + Counter({f"source: {why}": n for why, n in omitted.items()})
    if not whole:
        return made
    both = Counter(made.omitted) + whole
    return replace(made, listed=made.listed + whole.total(), omitted=dict(sorted(both.items())))
