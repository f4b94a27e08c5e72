"""Pages that list: models, datasets, tools, and sources by hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from caniload.catalog.answers import EntryAnswer
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site import paths, words
from caniload.publish.site.facts import Facts, SourcePage
from caniload.publish.site.page import Page
from caniload.publish.site.tabling import Field, Listing, Section, Table, number, text


def pages(facts: Facts) -> Iterator[Page]:
    """Yield every list."""
    yield listing_page("models/", _models(facts), facts)
    yield listing_page("datasets/", _datasets(facts), facts)
    yield listing_page("tools/", _tools(facts), facts)
    hubs: dict[str, list[SourcePage]] = {}
    for source in facts.sources.values():
        hubs.setdefault(source.hub, []).append(source)
    yield listing_page("sources/", _hubs(hubs), facts)
    for hub, found in hubs.items():
        yield listing_page(f"sources/{paths.segment(hub)}/", _hub(hub, found, facts), facts)


def listing_page(folder: str, listing: Listing, facts: Facts) -> Page:
    """Return a page made of sections."""
    values = {"place": listing.place, "newest": facts.newest, "listing": listing}
    return Page(folder, "listing.html.j2", values, listing.title)


def model_table(facts: Facts, name: str = "Models") -> Table:
    """Return all models with the best verdict of each framework."""
    rows = []
    for model in facts.models:
        rows.append(
            (
                Field(model.name, to=f"{paths.model(model.id)}index.html"),
                text(model.tasks),
                Field(results=facts.verdicts(model.id)),
                text(model.licence or "unknown"),
            )
        )
    return Table(name, ("model", "tasks", "best verdict", "licence"), rows, "data/models")


def _models(facts: Facts) -> Listing:
    attempted = sum(any(e.measured for e in found) for found in facts.of_model.values())
    lead = (
        f"{words.count(len(facts.models), 'model')} that people name; of {attempted} of them at "
        "least one cell was attempted, the others are claimed or unknown."
    )
    return Listing(
        "Models", "models", lead, (Section("models", "", table=model_table(facts)),),
        unmeasured="" if attempted else UNMEASURED,
    )  # fmt: skip


def _datasets(facts: Facts) -> Listing:
    rows = [
        (
            Field(entry.name, to=f"{paths.dataset(entry.id)}index.html"),
            text(entry.entry.get("modality")),
            text(entry.entry.get("tasks")),
            text(_reached(entry)),
            text(entry.entry.get("licence") or "unknown"),
        )
        for entry in facts.datasets
    ]
    head = ("dataset", "modality", "tasks", "reached from", "licence")
    table = Table("Datasets", head, rows, "data/datasets")
    lead = f"{words.count(len(rows), 'dataset')}, and how each framework reaches them."
    return Listing(
        "Datasets", "datasets", lead, (Section("datasets", "", table=table),),
        unmeasured="Nobody measured whether these datasets load.",
    )  # fmt: skip


def _reached(entry: EntryAnswer) -> list[str]:
    access = entry.entry.get("access")
    found = access if isinstance(access, list) else []
    return list(dict.fromkeys(words.framework(str(one["framework"])) for one in found))


def _tools(facts: Facts) -> Listing:
    rows = [
        (
            Field(entry.name, to=f"{paths.tool(entry.id)}index.html"),
            text(entry.entry.get("purpose")),
            text(entry.entry.get("status")),
            text(entry.entry.get("status_since")),
            text([words.framework(str(one)) for one in _list(entry, "frameworks")]),
            text(entry.entry.get("vendor")),
        )
        for entry in facts.tools
    ]
    head = ("tool", "purpose", "status", "since", "frameworks", "vendor")
    table = Table("Tools", head, rows, "data/tools")
    lead = f"{words.count(len(rows), 'tool')} around the frameworks, and which are alive."
    return Listing("Tools", "tools", lead, (Section("tools", "", table=table),))


def _list(entry: EntryAnswer, name: str) -> list[object]:
    found = entry.entry.get(name)
    return found if isinstance(found, list) else []


def _hubs(hubs: dict[str, list[SourcePage]]) -> Listing:
    rows = [
        (
            Field(hub, to=f"sources/{paths.segment(hub)}/index.html"),
            number(len(found)),
            number(sum(bool(one.models) for one in found)),
            number(sum(one.measured for one in found)),
        )
        for hub, found in sorted(hubs.items())
    ]
    table = Table(
        "Sources by hub", ("hub", "sources", "under a model", "attempted"), rows, "data/sources"
    )
    total = sum(len(found) for found in hubs.values())
    lead = (
        f"{words.count(total, 'source')}: published checkpoints, architectures and files, as the "
        "catalogue and imported catalogues name them."
    )
    return Listing("Sources", "sources", lead, (Section("hubs", "", table=table),))


def _hub(hub: str, found: Iterable[SourcePage], facts: Facts) -> Listing:
    names = {model.id: model.name for model in facts.models}
    rows = []
    measured = 0
    for one in found:
        best = next((each for each in one.evidence if each.measured), None)
        measured += best is not None
        seen = Field(verdict=best.cell.verdict) if best else Field("nothing")
        model = one.models[0] if one.models else None
        rows.append(
            (
                Field(one.name.partition(":")[2], to=f"{one.folder}index.html"),
                Field(names[model], to=f"{paths.model(model)}index.html")
                if model in names
                else text(None),
                text(sorted({stated.catalogue for stated in one.imported})),
                seen,
            )
        )
    head = ("source", "model", "stated by", "what was measured")
    table = Table(f"Sources of {hub}", head, rows, f"data/sources/{paths.segment(hub)}")
    lead = f"{words.count(len(rows), 'source')}, of which {measured:,} were attempted."
    return Listing(
        hub, "sources", lead, (Section("sources", "", table=table),),
        crumbs=(("sources/", "Sources"),), unmeasured="" if measured else UNMEASURED,
    )  # fmt: skip
