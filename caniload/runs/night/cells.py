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


@dataclass(slots=True)
class Expansion:
    """Turn sources into candidates, remembering what sources alike are tried by."""

    seats: Sequence[Seat]
    devices: Sequence[str]
    specs: Mapping[str, LoaderSpec]
    wishes: Sequence[Wish]
    _templates: dict[tuple[Any, ...], tuple[Trial, ...]] = field(default_factory=dict)
    _keys: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    _known: dict[tuple[int, str], tuple[str, Rests]] = field(default_factory=dict)

    def candidates(self, sources: Iterable[Listed]) -> Iterator[Candidate]:
        """Yield the cells of sources, an export before what reads it, each cell once."""
        seen: set[str] = set()
        for listed in sources:
            if not listed.resolved:
                continue
            made: dict[tuple[int, str, str], Candidate] = {}
            for trial, seat in self._placed(listed):
                handle = self._handle(listed, trial)
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
                    if listed.trials:
                        if trial.parent is not None:
                            near = (id(trial.parent), seat.name, device)
                            anywhere = made.get((id(trial.parent), "", device))
                            found.parent = anywhere or made.get(near)
                            if found.parent is None:
                                continue
                        made[id(trial), seat.name, device] = found
                        made.setdefault((id(trial), "", device), found)
                    yield found

    def _placed(self, listed: Listed) -> Iterator[tuple[Trial, Seat]]:
        """Yield each trial of a source with the environments of the suite that it is made in."""
        wish = self.wishes[listed.wish]
        if listed.trials:
            for trial in listed.trials:
                for seat in self.seats:
                    if self._made_in(trial, seat):
                        yield trial, seat
            return
        for seat in self.seats:
            for trial in self._template(listed, seat, wish):
                yield trial, seat

    def _made_in(self, trial: Trial, seat: Seat) -> bool:
        """Tell whether a trial is made in an environment: it names it, or the user's carries it."""
        if seat.spec is not None:
            return trial.environment in (seat.environment, seat.base)
        needed = self.specs[trial.loader].needed(trial.framework)
        return seat.here is not None and set(needed) <= set(seat.here.versions)

    def _template(self, listed: Listed, seat: Seat, wish: Wish) -> tuple[Trial, ...]:
        """Return what sources like this one are tried by in an environment."""
        hub = listed.handle.partition(":")[0]
        key = (hub, listed.formats, seat.name, listed.wish)
        if key not in self._templates:
            self._templates[key] = self._tried_by(listed, seat, wish)
        return self._templates[key]

    def _tried_by(self, listed: Listed, seat: Seat, wish: Wish) -> tuple[Trial, ...]:
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

    def _handle(self, listed: Listed, trial: Trial) -> str:
        """Write the handle that the cell will have."""
        if listed.trials or trial.architecture is not None:
            return str(trial.handle) if listed.trials else listed.handle.partition("#")[0]
        return f"{listed.handle.partition('#')[0]}#{trial.handle.format}"

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
