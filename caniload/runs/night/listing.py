"""From a suite to the sources that its cells are made of, each with what it is tried by.

Only what a suite names itself may need a hub or a disk to be understood: a branch becomes a
commit, a file says by its content what it is. What a query finds is taken as the catalogue has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from caniload.catalog.store import Store
from caniload.errors import BadInputError, HubError
from caniload.handles import Handle, parse
from caniload.loaders.spec import LoaderSpec
from caniload.records import FetchedArtefact
from caniload.runs import plan, suite_sources
from caniload.runs.making import chosen_hints
from caniload.runs.night.cells import Listed
from caniload.runs.plan import Trial, Wish
from caniload.runs.suite import ModelWish, Suite
from caniload.runs.suite_sources import SuiteSource
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.entries import ModelEntry

UNRESOLVED = "no immutable revision is known"


@dataclass(slots=True)
class Listing:
    """The sources, and how many others are left out for which reason.

    `local` are the artefacts of files on this machine: their handles keep no path.
    """

    sources: list[Listed] = field(default_factory=list)
    omitted: Counter[str] = field(default_factory=Counter)
    local: list[FetchedArtefact] = field(default_factory=list)


Fetching = Callable[[Handle, str | None], FetchedArtefact]
"""Lay a handle's artefact down; the second is the hash that pins its file."""


def wishes(suite: Suite) -> tuple[Wish, ...]:
    """Return each of a suite's model wishes as a plan takes it."""
    return tuple(_wish(each) for each in suite.models)


def _wish(model: ModelWish) -> Wish:
    return Wish(
        framework=model.framework,
        loader=model.loader,
        weights=model.weights,
        allow_code=model.allow_code,
        options=dict(model.options),
    )


def of_suite(
    suite: Suite,
    store: Store,
    settings: Settings,
    specs: Mapping[str, LoaderSpec],
    fetching: Fetching,
) -> Listing:
    """List what a suite means.

    Raises `BadInputError` for names that nothing has and paths that lead nowhere.
    """
    expansion = suite_sources.expand(suite, store, strict=True)
    listing = Listing(omitted=Counter(expansion.omitted))
    asked = wishes(suite)
    authored = {each.model for each in expansion.sources if each.authored and each.model}
    entries = suite_sources.entries(store, authored) if authored else {}
    grouped: dict[tuple[int, str], list[SuiteSource]] = {}
    for source in expansion.sources:
        if source.authored and source.model is not None:
            grouped.setdefault((source.wish, source.model), []).append(source)
        else:
            _one(source, suite, asked[source.wish], settings, specs, fetching, listing)
    for (wish, model), sources in grouped.items():
        listing.sources += _of_entry(entries[model], wish, asked[wish], sources, fetching)
    return listing


def _of_entry(
    entry: ModelEntry,
    wish: int,
    asked: Wish,
    sources: Sequence[SuiteSource],
    fetching: Fetching,
) -> Iterable[Listed]:
    """Return the sources of an entry with the trials that it names; its own tries with the first.

    An entry that nothing of the wish fits gives nothing.
    """
    try:
        trials = plan.of_model(entry, asked)
    except BadInputError:
        return
    names = {parse(each.handle).source: each for each in sources}
    own = {parse(each.handle).source for each in entry.sources}
    first = True
    for name, source in names.items():
        mine = [
            trial
            for trial in trials
            if trial.handle.source == name or (first and trial.handle.source not in own)
        ]
        if mine:
            yield Listed(
                wish,
                source.handle,
                entry.id,
                source.formats,
                True,
                source.size_bytes,
                tuple(_settled(mine, fetching)),
            )
            first = False


def _settled(trials: Sequence[Trial], fetching: Fetching) -> Iterable[Trial]:
    """Say exactly what is read, where an entry leaves format or file to the content.

    Only what is fetched can tell then, so that it is fetched now.
    """
    changed: dict[int, Trial] = {}
    for trial in trials:
        parent = None if trial.parent is None else changed.get(id(trial.parent), trial.parent)
        found = trial if parent is trial.parent else replace(trial, parent=parent)
        told = trial.architecture is not None or trial.parent is not None
        if not told and (trial.hints.get("files") or trial.handle.format is None):
            try:
                artefact = fetching(trial.handle, trial.sha256)
            except HubError:  # its cells are planned, and will say so
                pass
            else:
                form = trial.handle.format or artefact.format
                handle = replace(parse(artefact.handle), format=form)
                found = replace(found, handle=handle, hints=chosen_hints(trial, artefact))
        changed[id(trial)] = found
        yield found


def _one(
    source: SuiteSource,
    suite: Suite,
    asked: Wish,
    settings: Settings,
    specs: Mapping[str, LoaderSpec],
    fetching: Fetching,
    listing: Listing,
) -> None:
    """List a source without authored cells; its handle is in its canonical form."""
    hub = source.handle.partition(":")[0]
    named = bool(suite.models[source.wish].model)
    direct = named and source.model is None
    if not source.resolved and direct and asked.weights == "pretrained":
        from caniload.loaders.fetch import resolve

        try:
            found = resolve(parse(source.handle), settings)
        except HubError as error:
            listing.omitted[f"its hub has no answer: {error.message}"] += 1
            return
        source = replace(source, handle=str(found), resolved=True)
    bare = asked.weights == "random" and any(spec.architectures == hub for spec in specs.values())
    if bare:
        source = replace(source, resolved=True)
    if not source.resolved:
        listing.omitted[UNRESOLVED] += 1
        return
    formats = source.formats
    trials: tuple[Trial, ...] = ()
    if not bare and (not formats or (named and hub == "file")):
        try:
            handle = parse(source.handle)
            trials = tuple(_by_content(handle, settings, specs, asked, fetching, listing))
        except HubError as error:
            listing.omitted[f"its hub has no answer: {error.message}"] += 1
            return
    listing.sources.append(
        Listed(source.wish, source.handle, source.model, formats, True, source.size_bytes, trials)
    )


def _by_content(
    handle: Handle,
    settings: Settings,
    specs: Mapping[str, LoaderSpec],
    asked: Wish,
    fetching: Fetching,
    listing: Listing,
) -> list[Trial]:
    """Fetch a source and plan what its content tells, in caniload's own environments."""
    from caniload.runs import targets

    def fetch(each: Handle) -> FetchedArtefact:
        artefact = fetching(each, None)
        if each.hub == "file":
            listing.local.append(artefact)
        return artefact

    return targets.of_handle(handle, targets.Ask(settings, specs, asked, fetch))
