"""`caniload list`: what there is, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from caniload.cli.options import Format, Framework, From, Loader
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.store import Store

EXAMPLES = (
    "caniload list",
    "caniload list sources --model minilm",
    "caniload list tools",
    "caniload list results --framework tensorflow --verdict fails",
)
Kind = Literal["models", "sources", "datasets", "tools", "results"]


def command(
    kind: Annotated[
        Kind, typer.Argument(help="models, sources, datasets, tools or results.")
    ] = "models",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Sources or results of one model.")
    ] = None,
    framework: Framework = None,
    loader: Loader = None,
    verdict: Annotated[
        str | None, typer.Option("--verdict", help="Results with this verdict: works, fails, ….")
    ] = None,
    whose: From = "all",
    form: Format = "human",
) -> int:
    """List models, sources, datasets, tools or results.

    The options that name a verdict, framework or loader narrow results; a framework narrows
    datasets and tools too.
    """
    from caniload.catalog.store import open_store

    with open_store(Settings.read()) as store:
        if kind == "models":
            facts = _models(store, whose)
        elif kind == "sources":
            facts = _sources(store, model)
        elif kind == "results":
            facts = _results(store, model, framework, loader, verdict, whose)
        else:
            facts = _entries(store, kind, framework)
    heads = HEADS[kind]

    def human() -> str:
        if not facts:
            return f"no {kind}"
        return table(heads, [[fact[key] for key in heads] for fact in facts], width())

    Out(form).show(f"list {kind}", facts, human, lambda: _bare(facts, heads[0]))
    return 0


HEADS: dict[str, tuple[str, ...]] = {
    "models": ("id", "name", "tasks", "licence", "sources", "results"),
    "sources": ("handle", "model", "resolved", "formats", "licence"),
    "datasets": ("id", "name", "modality", "tasks", "licence", "frameworks"),
    "tools": ("id", "name", "purpose", "status", "since", "frameworks", "vendor"),
    "results": ("model", "loader", "framework", "device", "result", "measured", "run"),
}
"""The columns of each kind; the first is what `quiet` prints."""


def _bare(facts: Sequence[dict[str, Any]], key: str) -> list[str]:
    """The first column, each value once."""
    return list(dict.fromkeys(str(fact[key]) for fact in facts))


def _models(store: Store, whose: str) -> list[dict[str, Any]]:
    """Each model with its best verdict in each framework that was asked about."""
    from caniload.catalog.questions import matrix, models

    best: dict[str, dict[str, str]] = {}
    for cell in matrix(store, whom=whose):
        if cell.model is not None:
            best.setdefault(cell.model, {}).setdefault(cell.framework, str(cell.verdict))
    return [
        {
            "id": model.id,
            "name": model.name,
            "tasks": model.tasks,
            "licence": model.licence,
            "sources": len(model.sources),
            "results": [f"{name} {word}" for name, word in best.get(model.id, {}).items()],
        }
        for model in models(store)
    ]


def _sources(store: Store, model: str | None) -> list[dict[str, Any]]:
    """Each source, with whether a hub has answered for its revision."""
    from caniload.catalog.questions import sources

    return [
        {
            "handle": source.handle,
            "model": name,
            "resolved": "yes" if source.resolved else "unresolved",
            "formats": source.formats,
            "licence": source.licence,
        }
        for name, source in sources(store, model)
    ]


def _entries(store: Store, kind: str, framework: str | None) -> list[dict[str, Any]]:
    """Each dataset or tool; of a framework, those that name it."""
    from caniload.catalog.questions import entries

    facts = []
    for found in entries(store, kind):
        entry: dict[str, Any] = dict(found.entry)
        access = entry.get("access") or ()
        frameworks = entry.get("frameworks") or sorted({each["framework"] for each in access})
        if framework is not None and framework not in frameworks:
            continue
        facts.append(
            {
                "id": found.id,
                "name": found.name,
                "frameworks": frameworks,
                "tasks": entry.get("tasks"),
                "modality": entry.get("modality"),
                "licence": entry.get("licence"),
                "purpose": entry.get("purpose"),
                "status": entry.get("status"),
                "since": entry.get("status_since"),
                "vendor": entry.get("vendor"),
            }
        )
    return [{key: fact[key] for key in HEADS[kind]} for fact in facts]


def _results(
    store: Store,
    model: str | None,
    framework: str | None,
    loader: str | None,
    verdict: str | None,
    whose: str,
) -> list[dict[str, Any]]:
    """Each cell that was measured or is claimed."""
    from difflib import get_close_matches

    from caniload.catalog.questions import matrix
    from caniload.errors import UnknownNameError
    from caniload.publish import wording
    from caniload.words import Verdict

    words = tuple(Verdict)
    if verdict is not None and verdict not in words:
        near = tuple(get_close_matches(verdict, words, 2))
        raise UnknownNameError("verdict", verdict, near, f"known: {', '.join(words)}")
    cells = matrix(store, model, framework=framework, loader=loader, verdict=verdict, whom=whose)
    return [
        {
            "model": cell.model or cell.source,
            "loader": wording.loader(cell),
            "framework": wording.framework(cell),
            "device": cell.device,
            "verdict": cell.verdict,
            "result": wording.result(cell),
            "measured": cell.age,
            "run": cell.run_id,
            "observation": cell.observation_id,
        }
        for cell in cells
    ]
