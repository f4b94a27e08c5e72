"""The Python API: the questions of the command line, with typed answers.

`import caniload` gives every name here and imports this module at the first use of one; it
imports no framework at all, and DuckDB when a store is opened. Each function opens the store,
asks and closes it; `Catalogue` keeps it open for many questions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from caniload import units
from caniload.catalog import questions
from caniload.catalog.answers import (
    Answer,
    CellAnswer,
    Diagnosed,
    EntryAnswer,
    ModelAnswer,
    Place,
    SourceAnswer,
)
from caniload.catalog.choose_lines import Choice, Evidence, GivenUp, Line, Side
from caniload.catalog.dumping import Dump, Form
from caniload.catalog.fitting import Fit, SourceFit
from caniload.catalog.gaps import Gap
from caniload.catalog.history import History
from caniload.catalog.search import Found, Hit
from caniload.errors import (
    BadInputError,
    CaniloadError,
    HubError,
    QueryError,
    StoreError,
    UnknownNameError,
)
from caniload.settings import Settings
from caniload.words import Outcome, ToolStatus, Verdict

if TYPE_CHECKING:
    from os import PathLike

    from caniload.catalog.store import Store

__all__ = [
    "Answer",
    "BadInputError",
    "CaniloadError",
    "Catalogue",
    "CellAnswer",
    "Choice",
    "Diagnosed",
    "Dump",
    "EntryAnswer",
    "Evidence",
    "Fit",
    "Found",
    "Gap",
    "GivenUp",
    "History",
    "Hit",
    "HubError",
    "Line",
    "ModelAnswer",
    "Outcome",
    "Place",
    "QueryError",
    "Rows",
    "Side",
    "SourceAnswer",
    "SourceFit",
    "StoreError",
    "ToolStatus",
    "UnknownNameError",
    "Verdict",
    "check",
    "choose",
    "dump",
    "fit",
    "gaps",
    "history",
    "results",
    "search",
    "show",
    "sql",
]

Whose = Literal["me", "ci", "all"]
Rows = tuple[tuple[str, ...], list[tuple[Any, ...]]]
"""The columns' names and the rows that a query gave."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Catalogue:
    """Hold the store open for many questions; a context manager.

    `home` is the folder that `CANILOAD_HOME` would name, else where the command line keeps it.
    What other processes publish meanwhile is seen by the next one that is opened. One is for one
    thread. Raises `StoreError` where the store cannot be read.
    """

    def __init__(self, home: str | PathLike[str] | None = None) -> None:
        """Open the store; the first time it is made of what comes with caniload."""
        import os

        from caniload.catalog.store import open_store

        environ = dict(os.environ)
        if home is not None:
            environ["CANILOAD_HOME"] = os.fspath(home)
        self.settings = Settings.read(environ)
        self.store: Store = open_store(self.settings)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def check(
        self,
        model: str,
        *,
        framework: str | None = None,
        device: str | None = None,
        loader: str | None = None,
        env: str | None = None,
        python: str | PathLike[str] | None = None,
        whose: Whose = "all",
    ) -> Answer:
        """Answer whether a model, by name or handle, loads here, as `caniload check` does.

        "Here" is the interpreter that the command line would take (`VIRTUAL_ENV`, `CONDA_PREFIX`,
        `python3` on PATH); `python` names another, as `sys.executable`, and `env` an environment
        of caniload's. Raises `UnknownNameError`, `BadInputError`.
        """
        if env is not None and python is not None:
            raise BadInputError("env and python exclude each other", "give one of them")
        from caniload.runs.here import place

        here = None if env is not None else place(python)
        return questions.check(
            self.store,
            model,
            framework=framework,
            loader=loader,
            device=device,
            environment=env,
            here=here,
            whom=whose,
        )

    def results(
        self,
        model: str | None = None,
        *,
        framework: str | None = None,
        device: str | None = None,
        loader: str | None = None,
        env: str | None = None,
        verdict: str | None = None,
        whose: Whose = "all",
    ) -> tuple[CellAnswer, ...]:
        """Return the verdict of every cell, of a model or of all, as `caniload list results`."""
        return questions.matrix(
            self.store,
            model,
            framework=framework,
            loader=loader,
            device=device,
            environment=env,
            verdict=verdict,
            whom=whose,
        )

    def search(
        self,
        text: str = "",
        *,
        kind: Literal["model", "dataset", "tool", "source"] | None = None,
        task: str | None = None,
        framework: str | None = None,
        hub: str | None = None,
        licence: str | None = None,
        max_params: int | None = None,
        max_bytes: int | None = None,
        file_format: str | None = None,
        status: str | None = None,
        language: str | None = None,
        measured: bool = False,
        claimed: bool = False,
        limit: int = 10,
    ) -> Found:
        """Find models, datasets, tools and imported sources by words and facets, best first."""
        from caniload.catalog.facets import Facets
        from caniload.catalog.search import search

        facets = Facets(
            kind=kind,
            task=task,
            framework=framework,
            hub=hub,
            licence=licence,
            file_format=file_format,
            status=status,
            language=language,
            max_parameters=max_params,
            max_bytes=max_bytes,
            measured=measured,
            claimed=claimed,
        )
        return search(self.store, text, facets, limit=max(limit, 1))

    def gaps(
        self,
        model: str | None = None,
        *,
        way: Literal["claimed", "unclaimed"] | None = None,
        framework: str | None = None,
        loader: str | None = None,
        hub: str | None = None,
        env: str | None = None,
        whose: Whose = "all",
    ) -> tuple[Gap, ...]:
        """Return where claim and result disagree: claimed and fails, works and not claimed."""
        from caniload.catalog.gaps import gaps

        return gaps(
            self.store,
            model,
            framework=framework,
            loader=loader,
            hub=hub,
            environment=env,
            way=way,
            whom=whose,
        )

    def show(self, name: str, *, whose: Whose = "all") -> ModelAnswer | EntryAnswer:
        """Return a model with its sources and results, or a dataset or tool."""
        return questions.show(self.store, name, whom=whose)

    def history(
        self,
        model: str,
        *,
        loader: str | None = None,
        framework: str | None = None,
        package: str | None = None,
    ) -> History:
        """Say since when and until when a model loads, along the versions of a package."""
        from caniload.catalog.history import history

        return history(self.store, model, loader=loader, framework=framework, package=package)

    def fit(
        self, model: str, memory: int | str, *, dtype: str | None = None, device: str = "cpu"
    ) -> Fit:
        """Answer whether a model fits into memory, given in bytes or as "16GB"."""
        from caniload.catalog.fitting import fit

        size = units.size_bytes(memory) if isinstance(memory, str) else memory
        return fit(self.store, model, size, dtype=dtype, device=device)

    def choose(
        self,
        *,
        models: Iterable[str] = (),
        datasets: Iterable[str] = (),
        deploy: Iterable[str] = (),
        languages: Iterable[str] = (),
        needs: Iterable[str] = (),
        frameworks: Iterable[str] = (),
        whose: Whose = "all",
    ) -> Choice:
        """Say for each framework what is there, missing, archived and unknown for a project."""
        from caniload.catalog.choose import choose
        from caniload.publish.wording import told

        return choose(
            self.store,
            told,
            models=models,
            datasets=datasets,
            deploy=deploy,
            languages=languages,
            needs=needs,
            frameworks=frameworks,
            whom=whose,
        )

    def sql(self, query: str) -> Rows:
        """Run one SELECT over the documented tables; return column names and rows.

        It reads the store and nothing else. Raises `QueryError`.
        """
        return self.store.query_user(query)

    def dump(
        self,
        folder: str | PathLike[str],
        *,
        format: Form = "parquet",  # noqa: A002 - as the option is called
        tables: Sequence[str] = (),
    ) -> Dump:
        """Write the documented tables as files into a new or empty folder."""
        from caniload.catalog.dumping import dump

        return dump(self.store, Path(folder), format, tables)


def _once(method: Callable[Concatenate[Catalogue, _P], _R]) -> Callable[_P, _R]:
    """Return a function that opens the store, asks one question and closes it."""

    @wraps(method)
    def ask(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with Catalogue() as catalogue:
            return method(catalogue, *args, **kwargs)

    signature = inspect.signature(method)
    own = list(signature.parameters.values())[1:]
    ask.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    ask.__qualname__ = method.__name__
    return ask


check = _once(Catalogue.check)
results = _once(Catalogue.results)
search = _once(Catalogue.search)
gaps = _once(Catalogue.gaps)
show = _once(Catalogue.show)
history = _once(Catalogue.history)
fit = _once(Catalogue.fit)
choose = _once(Catalogue.choose)
sql = _once(Catalogue.sql)
dump = _once(Catalogue.dump)
