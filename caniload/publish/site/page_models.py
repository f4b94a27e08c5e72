"""The page of a model: its matrix, evidence in drawers, ranges of versions, and its sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from caniload.catalog.answers import ModelAnswer
from caniload.catalog.history import Series, history
from caniload.catalog.store import Store
from caniload.publish import ranges
from caniload.publish.evidence import in_named_environments
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site import paths, plots
from caniload.publish.site.facts import Evidence, Facts, SourcePage
from caniload.publish.site.page import Page

SERIES = 12
"""How many series of versions a page draws; those in which most moved come first."""


@dataclass(frozen=True, slots=True)
class Square:
    """One square of the matrix: the best verdict, and that of the newest versions if it differs.

    A model that loads only with versions of last year must not read as one that loads.
    """

    best: Evidence
    newest: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Squares by loader (rows), framework and device (columns)."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Square | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Ranges:
    """One series as a sentence and a strip."""

    who: str
    sentence: str
    plot: Any
    beside: dict[str, str]
    python_minor: str
    platform: str
    handle: str


@dataclass(frozen=True, slots=True)
class SourceFact:
    """What stands in a model's table of a source, from the catalogue or an imported one."""

    formats: tuple[str, ...]
    parameters: int | None
    size_bytes: int | None
    licence: str | None


def pages(store: Store, facts: Facts) -> Iterator[Page]:
    """Yield the page of every model."""
    by_model: dict[str, list[SourcePage]] = {}
    for source in facts.sources.values():
        for name in source.models:
            by_model.setdefault(name, []).append(source)
    known = {model.id for model in facts.models}
    named = in_named_environments(store)
    for model in facts.models:
        evidence = facts.of_model.get(model.id, [])
        attempted = [each for each in evidence if each.measured]
        folder = paths.model(model.id)
        values = {
            "place": "models",
            "newest": facts.newest,
            "model": model,
            "uses": [name for name in model.uses if name in known],
            "verdicts": facts.verdicts(model.id),
            "grid": grid(evidence),
            "attempted": [each for each in attempted if each.cell.cell_id in named],
            "bisected": [each for each in attempted if each.cell.cell_id not in named],
            "claimed": [each for each in evidence if not each.measured],
            "measured": bool(attempted),
            "unmeasured": UNMEASURED.replace("this table", model.name),
            # Ranges rest on everybody's observations, so that they stand beside everybody's alone.
            "series": list(_series(store, model)) if attempted and facts.whom == "all" else [],
            "sources": [(page, _fact(page)) for page in by_model.get(model.id, ())],
            "badge": _badge(model, facts),
        }
        yield Page(folder, "model.html.j2", values, model.name)


def grid(evidence: Iterable[Evidence]) -> Grid:
    """Return the squares of each loader, framework and device; evidence comes best first."""
    found: dict[tuple[str, str, str], list[Evidence]] = {}
    for each in evidence:
        cell = each.cell
        if cell.kind == "attempt":
            device = (cell.device or "").partition(":")[0]
            found.setdefault((cell.loader, cell.framework, device), []).append(each)
    measured_in = {framework for _, framework, device in found if device}
    # A claim names no device: it stands in the column of its framework's first device.
    columns = sorted(
        {(framework, device) for _, framework, device in found if device}
        | {(framework, "") for _, framework, _ in found if framework not in measured_in}
    )
    first = dict(reversed(columns))
    rows = []
    for loader in sorted({loader for loader, _, _ in found}):
        row = []
        for framework, device in columns:
            here = found.get((loader, framework, device))
            if here is None and device == first[framework]:
                here = found.get((loader, framework, ""))
            row.append(_square(here) if here else None)
        rows.append((loader, tuple(row)))
    return Grid(tuple(columns), tuple(rows))


def _square(found: Sequence[Evidence]) -> Square:
    equals = [each for each in found if each.cell.verdict is found[0].cell.verdict]
    best, newest = max(equals, key=_versions), max(found, key=_versions)
    same = newest.cell.verdict is best.cell.verdict or not newest.measured
    return Square(best, None if same else newest)


def _versions(each: Evidence) -> tuple[Version, ...]:
    """Order by the versions of the loader's own package, then of the framework."""
    cell = each.cell
    own = cell.versions.get(cell.loader) or cell.versions.get("transformers") or ""
    return (_version(own), _version(cell.framework_version or ""))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _series(store: Store, model: ModelAnswer) -> Iterator[Ranges]:
    found = history(store, model.id)
    for at, one in enumerate(_most_first(found.series)[:SERIES], 1):
        yield Ranges(
            ranges.who(one),
            ranges.sentence(one),
            plots.strip(one, f"{at}. {ranges.who(one)}"),
            dict(one.beside),
            one.python_minor,
            one.platform,
            one.handle,
        )


def _most_first(found: Sequence[Series]) -> list[Series]:
    return sorted(found, key=lambda one: -sum(len(span.points) for span in one.spans))


def _fact(page: SourcePage) -> SourceFact:
    """Return what is known of a source, the catalogue's own word before an imported one."""
    formats: dict[str, None] = {}
    for authored in page.authored:
        formats |= dict.fromkeys(authored.formats)
    for stated in page.imported:
        formats |= dict.fromkeys(stated.formats)
    licences = [one.licence for one in page.authored if one.licence]
    licences += [one.licence for one in page.imported if one.licence]
    parameters = [one.parameters for one in page.imported if one.parameters is not None]
    sizes = [one.size_bytes for one in page.imported if one.size_bytes is not None]
    return SourceFact(
        tuple(formats),
        parameters[0] if parameters else None,
        sizes[0] if sizes else None,
        licences[0] if licences else None,
    )


def _badge(model: ModelAnswer, facts: Facts) -> str:
    """Say in words what the badge shows."""
    found = facts.of_model.get(model.id)
    return f"{model.name}: {found[0].cell.verdict if found else 'unknown'}"
