"""The pages of sources, datasets and tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caniload.catalog import shelves
from caniload.catalog.answers import EntryAnswer
from caniload.catalog.store import Store
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site import paths, words
from caniload.publish.site.facts import Facts
from caniload.publish.site.page import Page


def pages(store: Store, facts: Facts) -> Iterator[Page]:
    """Yield a page for each."""
    names = {model.id: model.name for model in facts.models}
    for source in facts.sources.values():
        values = {
            "place": "sources",
            "newest": facts.newest,
            "page": source,
            "names": names | {one: one for one in source.models if one not in names},
            "unmeasured": UNMEASURED.replace("this table", "this source"),
        }
        yield Page(source.folder, "source.html.j2", values, source.name)
    for entry in facts.datasets:
        reached = shelves.of_dataset(store, entry.id)
        yield _entry(facts, entry, paths.dataset(entry.id), _dataset_rows(entry), reached)
    for entry in facts.tools:
        yield _entry(facts, entry, paths.tool(entry.id), _tool_rows(entry), ())


def _entry(
    facts: Facts, entry: EntryAnswer, folder: str, rows: list[tuple[str, str]], reached: Any
) -> Page:
    known = {tool.id: tool.name for tool in facts.tools}

    def named(name: str) -> Any:
        from markupsafe import Markup

        if name not in known:
            return name
        address = f"{paths.root(folder)}{paths.tool(name)}index.html"
        return Markup('<a href="{}">{}</a>').format(address, known[name])

    values = {
        "place": entry.kind,
        "newest": facts.newest,
        "kind": entry.kind,
        "entry": entry,
        "rows": rows,
        "reached": reached,
        "named": named,
        "unmeasured": "Nobody measured whether this dataset loads.",
    }
    return Page(folder, "entry.html.j2", values, entry.name)


def _dataset_rows(entry: EntryAnswer) -> list[tuple[str, str]]:
    facts: dict[str, Any] = dict(entry.entry)
    splits = facts.get("splits") or {}
    rows = [
        ("Modality", facts.get("modality") or "-"),
        ("Tasks", words.listed(facts.get("tasks"))),
        ("Licence", facts.get("licence") or "unknown"),
        ("Download", words.size(facts.get("size_bytes"))),
        ("Splits", words.listed(f"{name} {count:,}" for name, count in splits.items())),
        ("Also called", words.listed(facts.get("aliases"))),
    ]
    return [(name, value) for name, value in rows if value != "-"]


def _tool_rows(entry: EntryAnswer) -> list[tuple[str, str]]:
    facts: dict[str, Any] = dict(entry.entry)
    rows = [
        ("Purpose", facts.get("purpose") or "-"),
        ("Frameworks", words.listed(map(words.framework, facts.get("frameworks") or ()))),
        ("Languages", words.listed(facts.get("languages"))),
        ("Vendor", facts.get("vendor") or "-"),
        ("Also called", words.listed(facts.get("aliases"))),
    ]
    return [(name, value) for name, value in rows if value != "-"]
