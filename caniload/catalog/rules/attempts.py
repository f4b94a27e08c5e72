"""Attempts can be run: their source is resolved, their environments exist, no cell stands twice."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.entries import AttemptPlan, ExportFrom
from caniload.catalog.rules import Problem, View
from caniload.words import FRAMEWORKS


def check(view: View) -> Iterator[Problem]:
    """Find attempts that cannot be run as they are written."""
    for file, field, _, source in view.sources():
        if source.attempts and not source.resolved:
            yield Problem(
                file, f"{field}.attempts", "attempts at a source that is unresolved",
                f"run `caniload catalog pin {source.parsed.source}` first",
            )  # fmt: skip
        for index, attempt in enumerate(source.attempts):
            here = f"{field}.attempts[{index}]"
            if attempt in source.attempts[:index]:
                yield Problem(file, here, "this attempt stands twice", "take one out")
            cells: list[tuple[str, AttemptPlan | ExportFrom]] = [(here, attempt)]
            if attempt.export is not None:
                cells.append((f"{here}.export.from", attempt.export.source))
            for where, cell in cells:
                if cell.framework not in FRAMEWORKS:
                    yield Problem(
                        file, f"{where}.framework", f"no framework is called {cell.framework!r}",
                        f"write one of {', '.join(FRAMEWORKS)}",
                    )  # fmt: skip
                if view.environments and cell.environment not in view.environments:
                    yield Problem(
                        file, f"{where}.environment", f"no environment {cell.environment!r}",
                        f"write one of {', '.join(view.environments)}",
                    )  # fmt: skip
