"""A dataset says how it is reached, and from which framework."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.words import FRAMEWORKS

ANY = "any"
"""What `framework` says of a library that gives its rows to every framework."""


def check(view: View) -> Iterator[Problem]:
    """Find datasets without access, unknown frameworks, calls that do not use their library."""
    for dataset in view.authored.datasets:
        file = f"datasets/{dataset.id}.yaml"
        if not dataset.access:
            yield Problem(
                file, "access", "no way to reach it",
                "add access: [{framework, library, call, page, read, says}]",
            )  # fmt: skip
        for index, access in enumerate(dataset.access):
            if access.framework not in (*FRAMEWORKS, ANY):
                yield Problem(
                    file, f"access[{index}].framework", f"{access.framework!r} is no framework",
                    f"write one of {', '.join((*FRAMEWORKS, ANY))}",
                )  # fmt: skip
        for name, rows in dataset.splits.items():
            if rows <= 0:
                yield Problem(
                    file, f"splits.{name}", f"{rows} rows", "write the number or leave it out"
                )
