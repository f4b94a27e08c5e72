"""What is to be tried can be: sources resolved, names known, no cell twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caniload.catalog.entries import AttemptPlan, ExportFrom, Try
from caniload.catalog.rules import Problem, View
from caniload.words import FRAMEWORKS


def check(view: View) -> Iterator[Problem]:
    """Find attempts of sources, and tries of models, that cannot be run as they are written."""
    for file, field, _, source in view.sources():
        if source.attempts and not source.resolved:
            yield Problem(
                file, f"{field}.attempts", "attempts at a source that is unresolved",
                f"run `caniload catalog pin {source.parsed.source}` first",
            )  # fmt: skip
        yield from _twice(file, f"{field}.attempts", source.attempts)
        for index, attempt in enumerate(source.attempts):
            here = f"{field}.attempts[{index}]"
            yield from _unknown(file, here, attempt, view)
            if attempt.export is not None:
                yield from _unknown(file, f"{here}.export.from", attempt.export.source, view)
    for file, model in view.models():
        yield from _twice(file, "tries", model.tries)
        for index, each in enumerate(model.tries):
            yield from _unknown(file, f"tries[{index}]", each, view)


def _twice(file: str, field: str, cells: Sequence[AttemptPlan | Try]) -> Iterator[Problem]:
    for index, cell in enumerate(cells):
        if cell in cells[:index]:
            yield Problem(file, f"{field}[{index}]", "this attempt stands twice", "take one out")


def _unknown(
    file: str, here: str, cell: AttemptPlan | ExportFrom | Try, view: View
) -> Iterator[Problem]:
    """Find the names of a cell that nothing has."""
    serves = view.loaders.get(cell.loader, FRAMEWORKS)
    known = {"loader": tuple(view.loaders), "framework": serves, "environment": view.environments}
    for name, words in known.items():
        word = getattr(cell, name)
        if words and word not in words:
            yield Problem(
                file, f"{here}.{name}", _wrong(name, word, cell.loader),
                f"write one of {', '.join(words)}",
            )  # fmt: skip


def _wrong(name: str, word: str, loader: str) -> str:
    """Say that nothing is called so, or that the loader does not serve that framework."""
    if name == "framework" and word in FRAMEWORKS:
        return f"{loader} does not load in {word}"
    return f"no {name} is called {word!r}"
