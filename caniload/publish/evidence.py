"""Give the rows of a place in a page from the store: the latest evidence of each cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from caniload.catalog import questions
from caniload.catalog.answers import CellAnswer
from caniload.catalog.store import WHOM, Store
from caniload.errors import UnknownNameError
from caniload.publish import wording
from caniload.publish.markdown import Row
from caniload.publish.markers import Place
from caniload.words import COPY_OF, FRAMEWORK_NAMES, Verdict

KINDS = ("matrix", "architectures")
OPTIONS = ("model", "framework", "loader", "device", "from", "claims")
"""What a place may say. A `matrix` must say the model; `claims=yes` adds what nobody measured.
`architectures`, the sum of a sweep, must say the loader."""


def source(store: Store) -> Callable[[Place], Sequence[Row]]:
    """Return the function from a place to its rows, over one store."""
    return lambda place: rows(store, place)


def rows(store: Store, place: Place) -> list[Row]:
    """Return a place's rows; raise the place's own error for what it cannot say."""
    if place.kind not in KINDS:
        raise place.error(f"no table is called {place.kind!r}", f"known: {', '.join(KINDS)}")
    odd = [key for key in place.options if key not in OPTIONS]
    if odd:
        raise place.error(f"{odd[0]!r} is no option", f"known: {', '.join(OPTIONS)}")
    if place.kind == "architectures":
        return _architectures(store, place)
    model = place.options.get("model")
    if model is None:
        raise place.error("the table names no model", "write model=NAME")
    whom = place.options.get("from", "all")
    if whom not in WHOM:
        raise place.error(f"from={whom} is nobody", f"known: {', '.join(WHOM)}")
    try:
        cells = questions.matrix(
            store,
            model,
            framework=place.options.get("framework"),
            loader=place.options.get("loader"),
            device=place.options.get("device"),
            whom=whom,
        )
    except UnknownNameError as error:
        raise place.error(error.message, error.hint) from error
    if place.options.get("claims", "no") not in ("yes", "no"):
        raise place.error("claims is yes or no")
    if place.options.get("claims") != "yes":
        cells = tuple(cell for cell in cells if cell.verdict is not Verdict.CLAIMED)
    named = in_named_environments(store)
    cells = tuple(cell for cell in cells if cell.cell_id is None or cell.cell_id in named)
    several = len({cell.source for cell in cells}) > 1
    return [row(cell, several=several) for cell in sorted(cells, key=_order)]


def _architectures(store: Store, place: Place) -> list[Row]:
    """Return a row for each architecture that a loader was seen to build by name."""
    loader = place.options.get("loader")
    if loader is None:
        raise place.error("the table names no loader", "write loader=NAME")
    cells = [
        cell
        for cell in questions.matrix(store, loader=loader)
        if cell.weights == "random"
        and not cell.options
        and place.options.get("framework") in (None, cell.framework)
    ]
    rows = []
    for cell in sorted(cells, key=lambda c: (c.handle, _order(c))):
        passed = cell.outcome == "passed"
        name = cell.handle.partition(":")[2]
        why = "" if passed else f"{cell.outcome} at {cell.stage}: {wording.reason(cell)}"
        rows.append(replace(row(cell), loader=name, result=why))
    return rows


def row(cell: CellAnswer, *, several: bool = False) -> Row:
    """Write one cell as a row; claims are said to be claims and have no date.

    Of `several` artefacts each row names its own.
    """
    what = f", {wording.artefact(cell)}" if several else ""
    return Row(
        f"{cell.loader}{wording.options(cell)}{what}",
        FRAMEWORK_NAMES.get(cell.framework, cell.framework),
        wording.versions(cell),
        cell.device or "",
        wording.result(cell),
        cell.measured_at,
        cell.run_id,
    )


def in_named_environments(store: Store) -> frozenset[str]:
    """Return the cells that were not measured by bisections alone: `history` tells those."""
    found = store.sql(
        "SELECT DISTINCT cell_id FROM observations WHERE NOT starts_with(environment, ?)",
        [COPY_OF],
    )
    return frozenset(cell_id for (cell_id,) in found)


def _order(cell: CellAnswer) -> tuple[str, ...]:
    """Sort by what is tried, so that a table moves only where its evidence does."""
    return (
        cell.framework,
        cell.loader,
        cell.device or "",
        cell.source,
        wording.versions(cell),
        wording.options(cell),
        cell.python_minor or "",
        cell.cell_id or "",
    )
