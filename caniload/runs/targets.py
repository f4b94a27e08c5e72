"""From what a user typed to what is tried: read each target as a name, a handle or a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from caniload.catalog import authored, generations, known_files
from caniload.catalog.entries import ModelEntry
from caniload.errors import BadInputError, HubError, UnknownNameError, UnreadableFileError
from caniload.handles import HUBS, Handle, parse
from caniload.loaders.hub import load_hubs
from caniload.loaders.recognise import recognise
from caniload.loaders.spec import LoaderSpec
from caniload.records import FetchedArtefact
from caniload.runs import adapters, environments, plan
from caniload.runs.envspecs import EnvSpec
from caniload.runs.plan import Trial, Wish
from caniload.settings import Settings

_SERVED_BY = {"tfhub": ("tensorflow-hub",), "kaggle": ("tensorflow-hub",)}
"""Loaders that a hub's own page names for SavedModels, beside those that any reader has."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Hold what it takes to turn targets into trials.

    `fetch` lays a handle's artefact down. `installed` are the distributions of the user's own
    interpreter, None where caniload's environments serve. With `same_weights` all targets count
    as one model's files.
    """

    settings: Settings
    specs: Mapping[str, LoaderSpec]
    wish: Wish
    fetch: Callable[[Handle], FetchedArtefact]
    installed: Mapping[str, str] | None = None
    same_weights: bool = False


@dataclass(slots=True)
class Found:
    """Collect the trials, and what was fetched while only the content could tell."""

    trials: list[Trial] = field(default_factory=list)
    artefacts: dict[Handle, FetchedArtefact | HubError] = field(default_factory=dict)


def read(targets: Sequence[str], ask: Ask) -> Found:
    """Return the trials of all targets, each once, in order.

    Raises an input error for what is no model, handle or path, or holds nothing that is known.
    """
    found = Found()
    known = tuple(environments.specs(ask.settings).values())
    group: str | None = None
    for target in targets:
        model = None if is_path(target) else find_model(target, ask.settings)
        if model is not None:
            trials = plan.of_model(model, ask.wish)
            if ask.installed is not None:
                trials = [_in_own(trial) for trial in trials]
            trials = _exports(trials, known, ask)
        else:
            handle = handle_of(target, ask.settings)
            trials = []
            if ask.wish.weights == "random":
                trials = plan.of_architecture(
                    handle, ask.specs, known, ask.wish, installed=ask.installed
                )
            trials = trials or _of_files(handle, known, ask, found)
            if ask.same_weights and trials:
                group = group or _group(trials[0].handle)
                trials = [_declared(trial, group) for trial in trials]
        found.trials += [trial for trial in trials if trial not in found.trials]
    return found


def of_handle(handle: Handle, ask: Ask) -> list[Trial]:
    """Return the trials of what no entry names, by its content; fetches it."""
    return _of_files(handle, tuple(environments.specs(ask.settings).values()), ask, Found())


def _of_files(handle: Handle, known: Sequence[EnvSpec], ask: Ask, found: Found) -> list[Trial]:
    """Fetch what no entry names, recognise it, and plan each format that a loader reads."""
    artefact = ask.fetch(handle)
    exact = parse(artefact.handle)
    entry = known_files.find((fact.sha256 for fact in artefact.files), entries(ask.settings))
    trials: list[Trial] = []
    unread: BadInputError | None = None
    for each, loaders in _formats(artefact, exact.format or artefact.format).items():
        formed = replace(exact, format=each)
        found.artefacts[formed] = artefact.model_copy(
            update={"handle": str(formed), "format": each}
        )
        wish, same = ask.wish, None
        chosen = None if entry is None else adapters.choose(entry.files, artefact, each)
        if entry is not None and chosen is not None:
            same = entry.same_weights(chosen)
            if not wish.hints:
                wish = replace(wish, hints=adapters.adapter(entry.files[chosen]))
        try:
            planned = plan.of_artefact(
                formed, [each], ask.specs, known, wish, loaders=loaders, installed=ask.installed
            )
        except BadInputError as error:  # another format may be read
            unread = unread or error
            continue
        if entry is not None:
            planned = [replace(t, same_weights=same, model=entry.model) for t in planned]
        trials += _exports(planned, known, ask)
    if unread is not None and not trials:
        raise unread
    return trials


def _exports(trials: list[Trial], known: Sequence[EnvSpec], ask: Ask) -> list[Trial]:
    return plan.with_exports(trials, ask.specs, known, ask.wish, installed=ask.installed)


def _declared(trial: Trial, group: str) -> Trial:
    """Put a trial, and the export that it reads, into a group of equal weights."""
    parent = None if trial.parent is None else _declared(trial.parent, group)
    return replace(trial, same_weights=group, parent=parent)


def _group(handle: Handle) -> str:
    """Name a group after its first artefact, which is its reference where loaders are alike."""
    return str(replace(handle, format=None, variant=None))


def _in_own(trial: Trial) -> Trial:
    """Move a trial, and the export that it reads, into the user's interpreter."""
    parent = None if trial.parent is None else _in_own(trial.parent)
    return replace(trial, environment=None, parent=parent)


def entries(settings: Settings) -> tuple[ModelEntry, ...]:
    """Return the authored entries; read once for as long as no file of theirs changes."""
    return _entries(settings.data, generations.stamp(settings.data))


@lru_cache(maxsize=2)
def _entries(data: Path, _stamp: str) -> tuple[ModelEntry, ...]:
    return tuple(authored.load(data).models)


def find_model(name: str, settings: Settings) -> ModelEntry | None:
    """Return the entry of that id, name or alias, letter case and spaces aside."""
    wanted = name.casefold()
    for model in entries(settings):
        if wanted in {text.casefold() for text in (model.id, model.name, *model.aliases)}:
            return model
    return None


def is_path(target: str) -> bool:
    """Tell whether a target is meant as a path: it has a separator and no hub before it."""
    hub, colon, _ = target.partition(":")
    named = colon and (hub in HUBS or hub in load_hubs())
    return not named and ("/" in target or target.startswith("."))


def handle_of(target: str, settings: Settings) -> Handle:
    """Read a target that no entry names as a path or a handle."""
    if is_path(target):
        path = Path(target).expanduser()
        if not path.exists():
            raise UnreadableFileError(target, "there is nothing there", "check the path")
        return Handle("file", str(path.absolute()))
    if ":" in target:
        return parse(target)
    models = entries(settings)
    names = [text for model in models for text in (model.id, *model.aliases)]
    near = tuple(dict.fromkeys(get_close_matches(target.casefold(), names, n=3)))
    hint = "a handle (hf:owner/name) or ./path needs no entry"
    if Path(target).exists():
        hint = f"write ./{target} for the file of that name"
    raise UnknownNameError("model", target, near, hint)


def _formats(artefact: FetchedArtefact, said: str | None) -> dict[str, tuple[str, ...] | None]:
    """Recognise an artefact's formats by content, each with the loaders that fit.

    A format that the handle or its hub says is taken at its word, alone. Raises
    `UnreadableFileError` if nothing is said and nothing in it is known.
    """
    handle = parse(artefact.handle)
    also = _SERVED_BY.get(handle.hub, ())
    found = {
        each.format: (*also, *each.loaders) if each.format.endswith("saved-model") else each.loaders
        for each in recognise(Path(artefact.root))
    }
    if said is not None:
        return {said: found.get(said)}
    if not found:
        raise UnreadableFileError(
            handle.locator,
            "no known model format in it",
            "name the format with #format if you know it",
        )
    return dict(found)
