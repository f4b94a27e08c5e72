"""caniload answers one question with evidence: can I load this pretrained model, here?

`caniload.check("bert", framework="tensorflow")` and the other questions of the command line are
functions here; docs/python.md describes them. Nothing is imported before the first is used.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` costs 5 ms
if TYPE_CHECKING:
    from typing import Any

    from caniload.api import *  # noqa: F403 - what `__getattr__` finds

API = frozenset((
    "Answer", "BadInputError", "CaniloadError", "Catalogue", "CellAnswer", "Choice", "Diagnosed",
    "Dump", "EntryAnswer", "Evidence", "Fit", "Found", "Gap", "GivenUp", "History", "Hit",
    "HubError", "Line", "ModelAnswer", "Outcome", "Place", "QueryError", "Rows", "Side",
    "SourceAnswer", "SourceFit", "StoreError", "ToolStatus", "UnknownNameError", "Verdict",
    "check", "choose", "dump", "fit", "gaps", "history", "results", "search", "show", "sql",
))  # fmt: skip
"""The names of `caniload.api` that are found here; `from caniload import units` finds none."""


def __getattr__(name: str) -> Any:
    """Find a name of the Python API, which is imported now."""
    if name not in API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module("caniload.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what there is, the Python API too."""
    return sorted({*globals(), *API})
