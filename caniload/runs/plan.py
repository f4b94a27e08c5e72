"""Plan what to try: from a model's entry, a handle or a path to trials, before anything runs.

A trial is a cell whose environment is not yet probed: `workflow` fetches its artefact, readies
its interpreter and turns it into a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from caniload.errors import BadInputError, UnknownNameError
from caniload.handles import Handle, parse
from caniload.loaders import recognise
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import find_exporter
from caniload.records import Recipe
from caniload.runs.envspecs import EnvSpec
from caniload.words import FRAMEWORKS

if TYPE_CHECKING:
    from caniload.catalog.entries import AttemptPlan, ModelEntry, SourceEntry, Try

EXPORTS = {"torch-export": "pt2", "litert": "tflite"}
"""Formats by the name of the library that writes them, as --export takes them too."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to try: an artefact, who loads it in which framework, and where.

    `environment` names a specification, or is None where the user's interpreter serves. `parent`
    is the trial whose export this one reads: its artefact does not exist before that has run.
    `export_format` makes this the exporting trial itself. `sha256` is the pin of what is fetched.
    `same_weights` names the group of artefacts that are declared to hold the same weights.
    `architecture` is what the library builds by that name with random weights: nothing is fetched.
    """

    model: str | None
    handle: Handle
    loader: str
    framework: str
    environment: str | None
    recipe: Recipe
    hints: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None
    export_format: str | None = None
    parent: Trial | None = None
    same_weights: str | None = None
    architecture: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for, each None meaning "all that apply".

    `options` are a recipe's, as ``compile=False`` for Keras files; `hints` an adapter's inputs
    and outputs for files that no entry names. `among` keeps the trials of those environments.
    """

    framework: str | None = None
    loader: str | None = None
    environment: str | None = None
    weights: str = "pretrained"
    allow_code: bool = False
    exports: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    among: tuple[str, ...] = ()


def derived(handle: Handle, attempt: Trial) -> Handle:
    """Name what an export makes: the same source and revision, `#format:loader-framework`."""
    variant = f"{attempt.loader}-{attempt.framework}"
    return replace(handle, format=attempt.export_format, variant=variant)


def of_model(model: ModelEntry, wish: Wish) -> list[Trial]:
    """Return the trials that an entry's sources name, narrowed by the wish.

    Raises `BadInputError` when the entry has no source that can be fetched, or none is left.
    """
    recipe = _recipe(model.recipe or Recipe(), wish)
    trials: list[Trial] = []
    for source in model.sources:
        for attempt in source.attempts:
            trials.extend(_of_attempt(model.id, source, attempt, recipe))
    trials += [_of_try(model.id, each, recipe) for each in model.tries]
    if not trials:
        raise BadInputError(
            f"{model.id} has no source that caniload can attempt yet",
            f"give a handle or a directory; `caniload show {model.id}` lists its sources",
        )
    return _narrow(trials, wish, model.id)


def _of_try(model: str, each: Try, recipe: Recipe) -> Trial:
    """Return one cell of a model that runs on another's weights."""
    handle, random = parse(each.handle), recipe.weights == "random"
    bare = each.architecture if random else None
    return Trial(
        model,
        handle if bare is None else Handle(handle.hub, bare),
        each.loader,
        each.framework,
        each.environment,
        recipe,
        each.hints,
        architecture=bare,
    )


def _of_attempt(
    model: str, source: SourceEntry, attempt: AttemptPlan, recipe: Recipe
) -> list[Trial]:
    """Return one authored attempt as a trial, behind the export that it reads if any."""
    handle = parse(source.handle)
    if handle.format is None and len(source.formats) == 1:
        handle = replace(handle, format=source.formats[0])
    hints, sha256 = source.hints, source.pin.sha256 if source.pin else None
    recipe = _second(recipe, attempt.options)
    trial = Trial(
        model,
        handle,
        attempt.loader,
        attempt.framework,
        attempt.environment,
        recipe,
        hints,
        sha256,
    )
    if attempt.export is None:
        return [trial]
    made_by = attempt.export.source
    parent = Trial(
        model,
        handle,
        made_by.loader,
        made_by.framework,
        made_by.environment,
        recipe,
        hints,
        sha256,
        export_format=attempt.export.format,
    )
    return [parent, replace(trial, handle=derived(handle, parent), parent=parent)]


def of_artefact(
    handle: Handle,
    formats: Sequence[str],
    specs: Mapping[str, LoaderSpec],
    environments: Iterable[EnvSpec],
    wish: Wish,
    *,
    loaders: Sequence[str] | None = None,
    installed: Iterable[str] | None = None,
) -> list[Trial]:
    """Return the trials of a handle or path that no entry names, by the formats found in it.

    `loaders` are the built-in ones that fit what was recognised, None if nothing was; plug-ins
    and the loader that the user named are tried in any case. `installed` are the distributions
    of the user's interpreter: then each loader is tried in the frameworks that it has there, and
    in the one that the user named in any case. Raises `BadInputError` when no loader reads the
    formats.
    """
    environments = list(environments)
    recipe = _recipe(Recipe(), wish)
    hints = wish.hints
    readers = [
        spec
        for spec in specs.values()
        if set(spec.formats) & set(formats)
        and (
            loaders is None
            or spec.smoke_file is not None
            or spec.name in loaders
            or spec.name == wish.loader
        )
    ]
    if not readers:
        found = ", ".join(formats) or "nothing that is known"
        raise BadInputError(
            f"no loader reads what {handle} holds ({found})",
            "`caniload doctor` lists the loaders and their formats",
        )
    trials: list[Trial] = []
    for spec in readers:
        for framework in spec.frameworks:
            recipes = _recipes(recipe, spec, framework, formats, wish)
            places: tuple[str | None, ...]
            if installed is None:
                places = environments_for(spec.name, framework, environments)
            elif framework == wish.framework or set(spec.needed(framework)) <= set(installed):
                places = (None,)
            else:
                places = ()
            trials += [
                Trial(None, handle, spec.name, framework, place, each, hints)
                for place in places
                for each in recipes
            ]
    if installed is not None and not trials:
        needs = {" and ".join(spec.needed(name)) for spec in readers for name in spec.frameworks}
        raise BadInputError(
            f"that Python lacks what is needed to try {handle}",
            f"install one of: {'; '.join(sorted(needs))}; or name --framework to record the gap",
        )
    return _narrow(trials, wish, str(handle))


def of_architecture(
    handle: Handle,
    specs: Mapping[str, LoaderSpec],
    environments: Iterable[EnvSpec],
    wish: Wish,
    *,
    installed: Iterable[str] | None = None,
) -> list[Trial]:
    """Return the trials of what libraries build by a name, with random weights and no file.

    The name is the locator's, without a pretrained tag. Empty where no loader builds from this
    hub's names.
    """
    recipe = _recipe(Recipe(), wish)
    name = handle.locator.partition(".")[0] if handle.hub == "timm" else handle.locator
    environments = list(environments)
    trials: list[Trial] = []
    for spec in specs.values():
        for framework in spec.frameworks if spec.architectures == handle.hub else ():
            places: tuple[str | None, ...] = (None,)
            if installed is None:
                places = environments_for(spec.name, framework, environments)
            elif not set(spec.needed(framework)) <= set(installed):
                places = ()
            bare = Handle(handle.hub, handle.locator)
            trials += [
                Trial(None, bare, spec.name, framework, place, recipe, architecture=name)
                for place in places
            ]
    return _narrow(trials, wish, str(handle)) if trials else []


def with_exports(
    trials: Sequence[Trial],
    specs: Mapping[str, LoaderSpec],
    environments: Iterable[EnvSpec],
    wish: Wish,
    *,
    installed: Iterable[str] | None = None,
) -> list[Trial]:
    """Add to trials the exports that the wish names, and a trial of each reader of what they make.

    Each loader that can write a wanted format exports it in each framework, in the first of the
    environments where it is tried. Raises `BadInputError` when none can.
    """
    added: list[Trial] = []
    environments = list(environments)
    for named in wish.exports:
        wanted = EXPORTS.get(named, named)
        before = len(added)
        writers: set[tuple[str, str, Handle]] = set()
        for trial in trials:
            if trial.export_format is not None or trial.parent is not None:
                continue
            if (trial.loader, trial.framework, trial.handle) in writers:
                continue
            try:
                find_exporter(trial.loader, trial.framework, wanted)
            except UnknownNameError:
                continue
            writers.add((trial.loader, trial.framework, trial.handle))
            parent = replace(trial, export_format=wanted)
            made = derived(trial.handle, parent)
            added.append(parent)
            for spec in specs.values():
                reading = wanted in spec.formats and (
                    spec.smoke_file is not None or recognise.reads(spec.name, wanted)
                )
                for framework in spec.frameworks if reading else ():
                    place = next(iter(environments_for(spec.name, framework, environments)), None)
                    reader = replace(
                        trial,
                        handle=made,
                        loader=spec.name,
                        framework=framework,
                        parent=parent,
                        architecture=None,
                        hints={},
                    )
                    if installed is not None and set(spec.needed(framework)) <= set(installed):
                        added.append(replace(reader, environment=None))
                    elif installed is None and place is not None:
                        added.append(replace(reader, environment=place))
        if len(added) == before:
            loaders = ", ".join(sorted({trial.loader for trial in trials}))
            raise BadInputError(f"nothing here exports to {named!r} (tried: {loaders})")
    return [*trials, *(each for each in added if each not in trials)]


def _recipes(
    recipe: Recipe, spec: LoaderSpec, framework: str, formats: Sequence[str], wish: Wish
) -> tuple[Recipe, ...]:
    """Return the library's default call and, unless the user chose, the loader's second calls."""
    if wish.options or wish.weights == "random":
        return (recipe,)
    second = [
        options
        for each in formats
        for key in (each, f"{framework}:{each}")
        for options in spec.second_recipes.get(key, ())
    ]
    return recipe, *(_second(recipe, options) for options in second)


def _second(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """Return a recipe with more options, named by them; the same where there are none."""
    if not options:
        return recipe
    name = ", ".join(f"{key}={value}" for key, value in options.items())
    return recipe.model_copy(update={"name": name, "options": {**recipe.options, **options}})


def environments_for(
    loader: str, framework: str, environments: Iterable[EnvSpec]
) -> tuple[str, ...]:
    """Return the environments that serve a loader in a framework without being named."""
    return tuple(
        spec.name
        for spec in environments
        if spec.default and framework in spec.frameworks and loader in spec.loaders
    )


def check_names(wish: Wish, specs: Mapping[str, LoaderSpec]) -> None:
    """Raise `UnknownNameError` for a framework or loader that nobody knows."""
    for kind, name, known in (
        ("framework", wish.framework, FRAMEWORKS),
        ("loader", wish.loader, tuple(specs)),
    ):
        if name is not None and name not in known:
            near = tuple(get_close_matches(name, known))
            raise UnknownNameError(kind, name, near, f"known: {', '.join(known)}")


def _recipe(base: Recipe, wish: Wish) -> Recipe:
    """Return a recipe as the wish changes it."""
    options = {**base.options, **wish.options}
    return base.model_copy(
        update={"weights": wish.weights, "allow_code": wish.allow_code, "options": options}
    )


def _narrow(trials: list[Trial], wish: Wish, what: str) -> list[Trial]:
    """Keep the trials that the wish asks for, and the exports that they need."""
    kept = [
        trial
        for trial in trials
        if trial.export_format is None
        and wish.framework in (None, trial.framework)
        and wish.loader in (None, trial.loader)
        and (not wish.among or trial.environment in wish.among)
    ]
    if not kept:
        have = sorted({f"{trial.loader} in {trial.framework}" for trial in trials})
        raise BadInputError(
            f"nothing to try for {what} with those options",
            f"it can be tried by {', '.join(have)}" if have else "no environment serves it",
        )
    if wish.environment is not None:
        kept = [replace(trial, environment=wish.environment) for trial in kept]
    needed: list[Trial] = []
    for trial in kept:
        if trial.parent is not None and trial.parent not in needed:
            needed.append(trial.parent)
    return needed + kept
