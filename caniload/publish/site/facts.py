"""What pages are made of, read from the store once: cells with their evidence, sources, runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caniload.catalog import imported_claims, questions
from caniload.catalog.answers import CellAnswer, EntryAnswer, ModelAnswer, RunAnswer, SourceAnswer
from caniload.catalog.shelves import Imported
from caniload.catalog.store import Store
from caniload.handles import parse
from caniload.publish import wording
from caniload.publish.checked import Way
from caniload.publish.embed.exporting import LOADS
from caniload.publish.site import paths
from caniload.words import Verdict

LOG_LINES = 25
"""So much of a log's end stands on a page; the run's own log has all of it."""

_OBSERVED = ("exceptions", "checks", "numbers", "lock", "sandbox", "recipe")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Join a cell with the observation that decides it; `way` says how to load what loads.

    `seen` is the observation as recorded, empty for a claim.
    """

    cell: CellAnswer
    seen: Mapping[str, Any]
    way: Way | None

    @property
    def anchor(self) -> str:
        """The fragment of its permalink: the cell's id, which stays, or what is claimed."""
        cell = self.cell
        if cell.cell_id:
            return f"cell-{cell.cell_id}"
        return f"claim-{cell.loader}-{cell.framework}-{paths.segment(cell.source)}"

    @property
    def measured(self) -> bool:
        """Tell whether somebody attempted it."""
        return self.cell.observation_id is not None

    @property
    def result(self) -> str:
        """What the verdict rests on, without its word."""
        return wording.result(self.cell).removeprefix(str(self.cell.verdict)).lstrip(",: ")

    @property
    def loader(self) -> str:
        """The loader with its version, and what the recipe changes of its default call."""
        return wording.loader(self.cell)

    @property
    def brief(self) -> str:
        """The version that tells it from its neighbours: the loader's, else the framework's."""
        cell = self.cell
        for name in (cell.loader, "transformers"):
            if name in cell.versions:
                return f"{name} {cell.versions[name]}"
        return wording.framework(cell)

    @property
    def log(self) -> str:
        """The end of what the worker printed."""
        text = str(self.seen.get("log_excerpt") or "")
        return "\n".join(text.splitlines()[-LOG_LINES:])

    @property
    def command(self) -> str:
        """The command that attempts it again."""
        import shlex

        cell = self.cell
        words = ["caniload", "run", cell.handle, "--loader", cell.loader]
        words += ["--framework", cell.framework]
        if cell.environment:
            words += ["--env", cell.environment]
        if cell.device and not cell.device.startswith("cpu"):
            words += ["--device", cell.device]
        if cell.weights == "random":
            words += ["--weights", "random"]
        for key, value in cell.options.items():
            words += ["--option", f"{key}={value}"]
        return " ".join(shlex.quote(word) for word in words)


@dataclass(slots=True)
class SourcePage:
    """Gather what is known under one source's address: handles of one hub and locator."""

    folder: str
    name: str
    hub: str
    models: list[str] = field(default_factory=list)
    authored: list[SourceAnswer] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def measured(self) -> bool:
        """Tell whether any cell of it was attempted."""
        return any(each.measured for each in self.evidence)


@dataclass(slots=True)
class Facts:
    """Hold all of it; `newest` is when the latest evidence was measured."""

    models: Sequence[ModelAnswer]
    datasets: Sequence[EntryAnswer]
    tools: Sequence[EntryAnswer]
    runs: Sequence[RunAnswer]
    evidence: Sequence[Evidence]
    of_model: Mapping[str, list[Evidence]]
    sources: Mapping[str, SourcePage]
    newest: datetime | None
    whom: str = "all"
    """Whose evidence counts: me, ci or all."""

    def verdicts(self, model: str) -> dict[str, Verdict]:
        """Return the best verdict of each framework that something is known of."""
        best: dict[str, Verdict] = {}
        for each in self.of_model.get(model, ()):
            best.setdefault(each.cell.framework, each.cell.verdict)
        return best


def gather(store: Store, way: Callable[[Store, CellAnswer], Way], whom: str) -> Facts:
    """Read the store; `way` says how to load a cell, for loaders are not known here."""
    cells = questions.matrix(store, whom=whom, exports=True)
    seen = _observed(store, [cell.observation_id for cell in cells if cell.observation_id])
    every = [_evidence(store, cell, seen, way) for cell in cells]
    of_model: dict[str, list[Evidence]] = defaultdict(list)
    for each in every:
        if each.cell.model is not None:
            of_model[each.cell.model].append(each)
    models = questions.models(store)
    for model in models:
        if model.id not in of_model:  # as `check` answers: by what catalogues claim
            claims = imported_claims.of_model(store, model.id)
            of_model[model.id] = [Evidence(cell, {}, None) for cell in claims]
            every += of_model[model.id]
    return Facts(
        models=models,
        datasets=questions.entries(store, "datasets"),
        tools=questions.entries(store, "tools"),
        runs=questions.runs(store, None),
        evidence=every,
        of_model=of_model,
        sources=_sources(store, models, every),
        newest=max((c.measured_at for c in cells if c.measured_at), default=None),
        whom=whom,
    )


def _evidence(
    store: Store,
    cell: CellAnswer,
    seen: Mapping[str, Mapping[str, Any]],
    way: Callable[[Store, CellAnswer], Way],
) -> Evidence:
    loads = cell.verdict in LOADS and cell.observation_id is not None
    return Evidence(
        cell, seen.get(cell.observation_id or "", {}), way(store, cell) if loads else None
    )


def _observed(store: Store, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the observations that decide cells, as they were recorded."""
    import json

    rows = store.rows(
        "SELECT id, stage, evidence_level, worker, started_at, wall_seconds, signal, exit_code, "
        "message, peak_memory_bytes, log_excerpt, machine, whom, observer, caniload_version, "
        "exceptions, checks, numbers, lock, sandbox, recipe FROM observations "
        "WHERE id IN (SELECT unnest(?::VARCHAR[]))",
        [list(ids)],
    )
    for row in rows:
        for name in _OBSERVED:
            row[name] = json.loads(row[name]) if row[name] else None
    return {row["id"]: row for row in rows}


def _sources(
    store: Store, models: Iterable[ModelAnswer], every: Iterable[Evidence]
) -> dict[str, SourcePage]:
    """Return what is known of each source, by the folder of its page."""
    from caniload.catalog import shelves

    pages: dict[str, SourcePage] = {}

    def page(handle: str) -> SourcePage:
        folder = paths.source(handle)
        found = parse(handle)
        return pages.setdefault(
            folder, SourcePage(folder, f"{found.hub}:{found.locator}", found.hub)
        )

    def hang(target: SourcePage, model: str | None) -> None:
        if model is not None and model not in target.models:
            target.models.append(model)

    for model in models:
        for source in model.sources:
            under = page(source.handle)
            under.authored.append(source)
            hang(under, model.id)
    for stated in shelves.every(store):
        under = page(stated.handle)
        under.imported.append(stated)
        hang(under, stated.model)
    for each in every:
        under = page(each.cell.handle)
        under.evidence.append(each)
        hang(under, each.cell.model)
    return dict(sorted(pages.items()))
