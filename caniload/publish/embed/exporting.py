"""Make the exported file from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from caniload import __version__
from caniload.catalog import questions
from caniload.catalog.answers import CellAnswer, ModelAnswer
from caniload.publish import wording
from caniload.publish.embed.answers import Answers, Cell, Model
from caniload.publish.evidence import in_named_environments
from caniload.words import FRAMEWORK_NAMES, Verdict

if TYPE_CHECKING:
    from caniload.catalog.store import Store
    from caniload.publish.checked import Way

LOADS = (Verdict.WORKS, Verdict.DIFFERS, Verdict.FLAKY)
"""The verdicts of cells whose call is worth pasting; the verdict stands beside it."""


def export(
    store: Store,
    way: Callable[[Store, CellAnswer], Way],
    names: Sequence[str] = (),
    whose: Literal["me", "ci", "all"] = "all",
) -> Answers:
    """Return the answers about some models, or about all of the catalogue.

    `way` says how to load a cell: loaders are not known here. Raises `UnknownNameError`.
    """
    named = in_named_environments(store)
    if names:
        found = [_named(store, name, whose) for name in names]
    else:
        every = questions.matrix(store, whom=whose)
        cells: dict[str | None, list[CellAnswer]] = {}
        for cell in every:
            cells.setdefault(cell.model, []).append(cell)
        found = [(model, cells.get(model.id, ())) for model in questions.models(store)]
    models = tuple(
        Model(
            id=model.id,
            name=model.name,
            aliases=model.aliases,
            tasks=model.tasks,
            licence=model.licence,
            cells=tuple(
                _cell(store, way, cell)
                for cell in cells
                if cell.cell_id is None or cell.cell_id in named
            ),
        )
        for model, cells in found
    )
    days = [cell.measured for model in models for cell in model.cells if cell.measured]
    return Answers(
        caniload_version=__version__,
        whose=whose,
        newest=max(days, default=None),
        models=tuple({model.id: model for model in models}.values()),
    )


def _named(store: Store, name: str, whose: str) -> tuple[ModelAnswer, Iterable[CellAnswer]]:
    """Return one model, or what is known of a handle without an entry."""
    cells = questions.matrix(store, name, whom=whose)
    target = questions.show(store, name, whom=whose)
    if isinstance(target, ModelAnswer):
        return target, cells
    return (
        ModelAnswer(name, name, (), None, (), None, "", (), (), (), {}),
        cells,
    )


def _cell(store: Store, way: Callable[[Store, CellAnswer], Way], cell: CellAnswer) -> Cell:
    """Return a cell as the document holds it."""
    how = way(store, cell) if cell.verdict in LOADS else None
    return Cell(
        verdict=cell.verdict,
        result=wording.result(cell),
        loader=cell.loader,
        loader_name=f"{cell.loader}{wording.options(cell)}",
        framework=cell.framework,
        framework_name=FRAMEWORK_NAMES.get(cell.framework, cell.framework),
        framework_version=cell.framework_version,
        versions=dict(sorted(cell.versions.items())),
        device=cell.device,
        environment=cell.environment,
        python=cell.python_minor,
        platform=cell.platform,
        source=cell.source,
        handle=cell.handle,
        artefact=wording.artefact(cell),
        format=cell.format,
        weights=cell.weights,
        measured=cell.measured_at,
        run=cell.run_id,
        observation=cell.observation_id,
        observer=wording.observer(cell) if cell.measured_at else None,
        patches=cell.patches,
        install=how.install if how else None,
        snippet=how.snippet if how else None,
    )
