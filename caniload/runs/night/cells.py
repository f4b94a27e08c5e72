"""The cells that a suite means: every source in every environment that serves it.

A catalogue may list ten thousand sources: nothing here reads a file or makes a record for each
of them. What sources of one hub with the same formats are tried by is found out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from caniload.catalog.tracks import artefact
from caniload.errors import BadInputError
from caniload.handles import Handle, parse
from caniload.loaders import recognise
from caniload.loaders.spec import LoaderSpec
from caniload.records import cell_ids, cell_rest
from caniload.runs import plan
from caniload.runs.envspecs import EnvSpec
from caniload.runs.here import Here
from caniload.runs.making import adapter_of
from caniload.runs.plan import Trial, Wish


@dataclass(frozen=True, slots=True)
class Seat:
    """An environment of a suite: its specification, and its versions where it is built.

    `base` is the environment whose authored attempts are made here. A user's own interpreter
    has no specification, and no trial is told which environment it names.
    """

    name: str
    spec: EnvSpec | None
    here: Here | None
    base: str | None = None

    @property
    def environment(self) -> str | None:
        """What a trial in it names."""
        return None if self.spec is None else self.name


@dataclass(frozen=True, slots=True)
class Listed:
    """One source that a suite means: `wish` is its place among the suite's models.

    `resolved` says that its revision is immutable, `trials` are those that its entry names.
    """

    wish: int
    handle: str
    model: str | None = None
    formats: tuple[str, ...] = ()
    resolved: bool = True
    size_bytes: int | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(slots=True)
class Candidate:
    """A cell that may be planned; `cell_id` is None in an environment that is not built."""

    cell_id: str | None
    handle: str
    seat: Seat
    device: str
    recipe_hash: str
    trial: Trial
    listed: Listed
    parent: Candidate | None = None
    reason: str | None = field(default=None)
    """Why it is left out, once that is known."""

    @property
    def loader(self) -> str:
        """Who loads it."""
        return self.trial.loader

    @property
    def framework(self) -> str:
        """In which framework."""
        return self.trial.framework

    @property
    def track(self) -> str:
        """What stays the same from night to night, whatever the versions."""
        trial = self.trial
        return "|".join(
            (
                artefact(self.handle),
                trial.loader,
                trial.framework,
                self.seat.name,
                self.device,
                self.recipe_hash,
                trial.export_format or "",
            )
        )

    def made(self) -> Trial:
        """Return the trial with its own handle."""
        trial = self.trial
        bare = trial.architecture is not None
        parent = None if self.parent is None else self.parent.made()
        return replace(
            trial,
            model=self.listed.model,
            handle=parse(self.handle),
            environment=self.seat.environment,
            parent=parent,
            architecture=_architecture(parse(self.handle)) if bare else None,
        )


Rests = tuple[tuple[str, str | None], ...]
"""By device, what follows the handle in a cell's identity."""


_Alike = tuple[str, Trial, Seat, str, str, str | None]
"""What follows the source in a handle, trial, seat, recipe hash, device, rest of the identity."""


@dataclass(slots=True)
class Expansion:
    """Turn sources into candidates, remembering what sources alike are tried by."""

    seats: Sequence[Seat]
    devices: Sequence[str]
    specs: Mapping[str, LoaderSpec]
    wishes: Sequence[Wish]
    _plans: dict[tuple[Any, ...], tuple[_Alike, ...]] = field(default_factory=dict)
    _keys: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    _known: dict[tuple[int, str], tuple[str, Rests]] = field(default_factory=dict)

    def candidates(self, sources: Iterable[Listed]) -> Iterator[Candidate]:
        """Yield the cells of sources, an export before what reads it, each cell once."""
        seen: set[str] = set()
        for listed in sources:
            if not listed.resolved:
                continue
            if not listed.trials:
                yield from self._alike(listed, seen)
                continue
            made: dict[tuple[int, str, str], Candidate] = {}
            for trial, seat in self._placed(listed):
                handle = str(trial.handle)
                recipe_hash, rests = self._rests(trial, seat)
                for device, rest in rests:
                    if rest is None:
                        identity = None
                        key = f"{handle}|{seat.name}|{device}|{_words(trial, recipe_hash)}"
                    else:
                        identity = cell_ids(handle, rest)
                        key = identity + seat.name
                    if key in seen:
                        continue
                    seen.add(key)
                    found = Candidate(identity, handle, seat, device, recipe_hash, trial, listed)
                    if trial.parent is not None:
                        near = (id(trial.parent), seat.name, device)
                        anywhere = made.get((id(trial.parent), "", device))
                        found.parent = anywhere or made.get(near)
                        if found.parent is None:
                            continue
                    made[id(trial), seat.name, device] = found
                    made.setdefault((id(trial), "", device), found)
                    yield found

    def _alike(self, listed: Listed, seen: set[str]) -> Iterator[Candidate]:
        """Yield the cells of a source that is tried as all of its hub and formats are."""
        base = listed.handle.partition("#")[0]
        for tail, trial, seat, recipe_hash, device, rest in self._plan(listed):
            handle = base + tail
            if rest is None:
                identity = None
                key = f"{handle}|{seat.name}|{device}|{_words(trial, recipe_hash)}"
            else:
                identity = cell_ids(handle, rest)
                key = identity + seat.name
            if key not in seen:
                seen.add(key)
                yield Candidate(identity, handle, seat, device, recipe_hash, trial, listed)

    def _plan(self, listed: Listed) -> tuple[_Alike, ...]:
        """Return the cells of sources like this one, but for the handle."""
        key = (listed.handle.partition(":")[0], listed.formats, listed.wish)
        if key not in self._plans:
            self._plans[key] = tuple(
                (
                    "" if trial.architecture is not None else f"#{trial.handle.format}",
                    trial,
                    seat,
                    recipe_hash,
                    device,
                    rest,
                )
                for trial, seat in self._placed(listed)
                for recipe_hash, rests in [self._rests(trial, seat)]
                for device, rest in rests
            )
        return self._plans[key]

    def _placed(self, listed: Listed) -> Iterator[tuple[Trial, Seat]]:
        """Yield each trial of a source with the environments of the suite that it is made in."""
        if listed.trials:
            for trial in listed.trials:
                for seat in self.seats:
                    if self._made_in(trial, seat):
                        yield trial, seat
            return
        wish = self.wishes[listed.wish]
        for seat in self.seats:
            for trial in self._tried_by(listed, seat, wish):
                yield trial, seat

    def _made_in(self, trial: Trial, seat: Seat) -> bool:
        """Tell whether a trial is made in an environment: it names it, or the user's carries it."""
        if seat.spec is not None:
            return trial.environment in (seat.environment, seat.base)
        needed = self.specs[trial.loader].needed(trial.framework)
        return seat.here is not None and set(needed) <= set(seat.here.versions)

    def _tried_by(self, listed: Listed, seat: Seat, wish: Wish) -> tuple[Trial, ...]:
        """Return what sources like this one are tried by in an environment."""
        handle = parse(listed.handle)
        places = [] if seat.spec is None else [seat.spec.model_copy(update={"default": True})]
        installed = seat.here.versions if seat.spec is None and seat.here else None
        try:
            if wish.weights == "random":
                return tuple(
                    plan.of_architecture(handle, self.specs, places, wish, installed=installed)
                )
            return tuple(
                trial
                for each in listed.formats
                for trial in plan.of_artefact(
                    replace(handle, format=each),
                    [each],
                    self.specs,
                    places,
                    wish,
                    loaders=[name for name in self.specs if recognise.reads(name, each)],
                    installed=installed,
                )
            )
        except BadInputError:  # nothing reads it there
            return ()

    def _rests(self, trial: Trial, seat: Seat) -> tuple[str, Rests]:
        """Return a trial's recipe hash and, by device, what follows the handle in its identity.

        None stands for an environment that is not built. Found once for all trials that are alike.
        """
        known = self._known.get((id(trial), seat.name))
        if known is None:
            hints = {key: value for key, value in trial.hints.items() if key != "files"}
            recipe_hash, versions = trial.recipe.hash, self._key(seat, trial)
            kind = "attempt" if trial.export_format is None else "export"
            rests = tuple(
                (
                    device,
                    None
                    if versions is None
                    else cell_rest(
                        trial.loader,
                        trial.framework,
                        versions,
                        device,
                        recipe_hash,
                        kind,
                        trial.export_format,
                        adapter_of(hints),
                    ),
                )
                for device in self.devices
            )
            known = self._known[id(trial), seat.name] = recipe_hash, rests
        return known

    def _key(self, seat: Seat, trial: Trial) -> str | None:
        """Return the key of the environment for a loader, None while it is not built."""
        key = (seat.name, trial.loader, trial.framework)
        if key not in self._keys:
            decisive = self.specs[trial.loader].decisive[trial.framework]
            self._keys[key] = None if seat.here is None else seat.here.key(decisive)
        return self._keys[key]


def _architecture(handle: Handle) -> str:
    return handle.locator.partition(".")[0] if handle.hub == "timm" else handle.locator


def _words(trial: Trial, recipe_hash: str) -> str:
    """Tell one trial from another where its environment has no versions yet."""
    return f"{trial.loader}|{trial.framework}|{recipe_hash}|{trial.export_format}"
