"""Say what there is, one flat row each: models, sources, datasets, tools, results.

On the query path: standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caniload.catalog import questions
from caniload.errors import UnknownNameError
from caniload.publish import wording
from caniload.words import Verdict

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store

HEADS: dict[str, tuple[str, ...]] = {
    "models": ("id", "name", "tasks", "licence", "sources", "results"),
    "sources": ("handle", "model", "resolved", "formats", "licence"),
    "datasets": ("id", "name", "modality", "tasks", "licence", "frameworks"),
    "tools": ("id", "name", "purpose", "status", "since", "frameworks", "vendor"),
    "results": ("model", "loader", "framework", "device", "result", "measured", "run"),
}
"""The columns of each kind; the first is what `quiet` prints."""


def models(store: Store, whose: str) -> list[dict[str, Any]]:
    """Each model with its best verdict in each framework that was asked about."""
    best: dict[str, dict[str, str]] = {}
    for cell in questions.matrix(store, whom=whose):
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
        for model in questions.models(store)
    ]


def sources(store: Store, model: str | None) -> list[dict[str, Any]]:
    """Each source, with whether a hub has answered for its revision."""
    return [
        {
            "handle": source.handle,
            "model": name,
            "resolved": "yes" if source.resolved else "unresolved",
            "formats": source.formats,
            "licence": source.licence,
        }
        for name, source in questions.sources(store, model)
    ]


def entries(store: Store, kind: str, framework: str | None) -> list[dict[str, Any]]:
    """Each dataset or tool; of a framework, those that name it."""
    facts = []
    for found in questions.entries(store, kind):
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


def results(
    store: Store,
    model: str | None,
    framework: str | None,
    loader: str | None,
    verdict: str | None,
    whose: str,
) -> list[dict[str, Any]]:
    """Each cell that was measured or is claimed."""
    from difflib import get_close_matches

    words = tuple(Verdict)
    if verdict is not None and verdict not in words:
        near = tuple(get_close_matches(verdict, words, 2))
        raise UnknownNameError("verdict", verdict, near, f"known: {', '.join(words)}")
    cells = questions.matrix(
        store, model, framework=framework, loader=loader, verdict=verdict, whom=whose
    )
    return [result(cell) for cell in cells]


def result(cell: CellAnswer) -> dict[str, Any]:
    """One cell: who loaded what, and what came of it."""
    return {
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
