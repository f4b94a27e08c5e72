"""Answer "which framework for my project?" from the catalogue and the observations.

Each framework gets the same questions, and each line of the answer names the observation, the
claim or the entry that it rests on; without it the line reads `unknown`. There is no score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from caniload.catalog import (
    choose_datasets,
    choose_lines,
    choose_models,
    choose_tools,
    choose_words,
)
from caniload.catalog.choose_lines import Choice, Line, Side
from caniload.catalog.choose_models import Tell
from caniload.catalog.names import resolve_name
from caniload.catalog.targets import find
from caniload.errors import BadInputError

if TYPE_CHECKING:
    from caniload.catalog.store import Store


def choose(
    store: Store,
    tell: Tell,
    *,
    models: Iterable[str] = (),
    datasets: Iterable[str] = (),
    deploy: Iterable[str] = (),
    languages: Iterable[str] = (),
    needs: Iterable[str] = (),
    frameworks: Iterable[str] = (),
    whom: str = "all",
) -> Choice:
    """Return for each framework what is there, missing, archived and unknown for a project.

    `tell` says in one line how a cell ended. Without `frameworks`, PyTorch, TensorFlow and JAX
    are compared. Raises `UnknownNameError`, and `BadInputError` for a question without content.
    """
    words = choose_words.read(store, deploy, languages, needs, frameworks)
    asked_models = tuple(dict.fromkeys(_model(store, name) for name in models))
    asked_datasets = tuple(dict.fromkeys(resolve_name(store, d, "dataset") for d in datasets))
    if not (asked_models or asked_datasets or words.deploy or words.languages or words.needs):
        raise BadInputError(
            "nothing was asked", "name a model, a dataset, a target, a language or a need"
        )
    known = choose_tools.tools(store)
    sides = []
    for framework in words.frameworks:
        found: list[Line] = []
        for model in asked_models:
            found += choose_models.lines(store, model, framework, tell, whom=whom)
        for dataset in asked_datasets:
            found += choose_datasets.lines(store, dataset, framework)
        for target in words.deploy:
            found += choose_tools.deploy(known, target, framework)
        for language in words.languages:
            found += choose_tools.language(known, language, framework)
        for need in words.needs:
            found += choose_tools.need(store, known, need, framework)
        sides.append(Side(framework, tuple(line.rested() for line in found)))
    choice = Choice(
        asked_models,
        asked_datasets,
        words.deploy,
        words.languages,
        words.needs,
        words.frameworks,
        tuple(sides),
        (),
    )
    return replace(choice, given_up=tuple(choose_lines.given_up(sides, choice.subjects())))


def _model(store: Store, name: str) -> str:
    """Return the id of a model, or the handle of a source without an entry."""
    target = find(store, name)
    return target.model or target.source or name
