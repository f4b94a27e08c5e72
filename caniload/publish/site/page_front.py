"""The front page, the page about verdicts, and the list of downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from caniload.catalog.store import Store
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site.facts import Facts
from caniload.publish.site.page import Page
from caniload.publish.site.page_lists import listing_page, model_table
from caniload.publish.site.page_state import changes
from caniload.publish.site.tabling import Field, Listing, Section, Table, text
from caniload.words import Verdict

LATEST = 8
"""So many of the last changes stand on the front page."""

MEANINGS = {
    Verdict.WORKS: "It was loaded from its published weights and run, and its numbers agree with "
    "an independent reference, or with what loaded the same weights before.",
    Verdict.DIFFERS: "It loads and runs, and its numbers are others than the reference's.",
    Verdict.FLAKY: "The same attempt ended differently when it was repeated.",
    Verdict.FAILS: "It was attempted and failed, and the failure is the model's or the "
    "library's own.",
    Verdict.BLOCKED: "The attempt could not be made: something of the environment, the hub or a "
    "licence stood before it.",
    Verdict.CLAIMED: "Metadata says that it loads; nobody measured it.",
    Verdict.UNKNOWN: "Nothing is known, or what is known does not settle it.",
}


def pages(store: Store, facts: Facts, downloads: Iterable[str]) -> Iterator[Page]:
    """Yield the three; `downloads` are paths below the site's root."""
    found = changes(store, facts)
    values = {
        "place": "",
        "newest": facts.newest,
        "models": model_table(facts, "All models"),
        "counts": {
            "models": len(facts.models),
            "datasets": len(facts.datasets),
            "tools": len(facts.tools),
            "sources": len(facts.sources),
            "measured": sum(each.measured for each in facts.evidence),
        },
        "changes": [
            (section.title, row)
            for section in found.sections
            if section.table is not None and section.anchor != "runs"
            for row in section.table.rows
        ][:LATEST],
        "unmeasured": UNMEASURED.replace("this table", "this catalogue"),
    }
    yield Page("", "front.html.j2", values, "caniload")
    yield listing_page("about/", _about(), facts)
    yield listing_page("data/", _downloads(downloads), facts)


def _about() -> Listing:
    rows = [(Field(verdict=verdict), text(meaning)) for verdict, meaning in MEANINGS.items()]
    table = Table("Verdicts", ("verdict", "what it means"), rows)
    lead = (
        "Every cell, a model by a loader in a framework on a device, was attempted in a process "
        "of its own, and what happened was recorded. The best verdict of a framework is that of "
        "its best cell; each cell names its run, its versions and its day."
    )
    return Listing("What the verdicts mean", "about", lead, (Section("verdicts", "", table=table),))


def _downloads(found: Iterable[str]) -> Listing:
    names = sorted({path.rpartition(".")[0] for path in found if path.count("/") == 1})
    rows = [
        (
            text(name.removeprefix("data/")),
            Field("CSV", to=f"{name}.csv"),
            Field("JSON", to=f"{name}.json"),
        )
        for name in names
    ]
    table = Table("Downloads", ("table", "CSV", "JSON"), rows)
    lead = (
        "Every table of these pages. The pages of models and of hubs link to their own; the "
        "answers of a model, with their evidence, lie in answers/MODEL.json."
    )
    return Listing("Data", "data", lead, (Section("tables", "", table=table),))
