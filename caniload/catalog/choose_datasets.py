"""What a choice says of datasets: which library reaches them from a framework, and by which call.

What serves any framework is told apart from what is built into a framework's own library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from caniload.catalog.choose_lines import Evidence, Line
from caniload.catalog.choose_models import day_of
from caniload.catalog.choose_words import fold
from caniload.catalog.names import resolve_name
from caniload.words import FRAMEWORK_NAMES

if TYPE_CHECKING:
    from caniload.catalog.store import Store

ANY = "any"
"""Stands for every framework in the access of a dataset."""


def lines(store: Store, dataset: str, framework: str) -> list[Line]:
    """Return how one dataset is reached from one framework; raises `UnknownNameError`."""
    known = resolve_name(store, dataset, "dataset")
    ((entry,),) = store.direct("SELECT entry FROM store.datasets WHERE id = ?", [known])
    raw: dict[str, Any] = json.loads(entry)
    found: dict[str, Line] = {}
    own = False
    for access in raw.get("access") or ():
        if access["framework"] in (framework, ANY):
            own |= access["framework"] == framework
            line = _access(dataset, known, framework, access)
            found.setdefault(f"{line.via}", line)
    for line in _imported(store, dataset, known, framework):
        own = True
        found.setdefault(f"{line.via}", line)
    if not own:
        found |= {line.says: line for line in _missing(store, dataset, raw, framework)}
    if not found:
        says = f"nobody noted how it is reached from {FRAMEWORK_NAMES[framework]}"
        return [Line("dataset", dataset, framework, None, "unknown", says)]
    return list(found.values())


def _access(dataset: str, known: str, framework: str, access: Mapping[str, Any]) -> Line:
    """Say what the entry says of one library."""
    version = f" {access['version']}" if access.get("version") else ""
    whom = "for any framework" if access["framework"] == ANY else "built in"
    says = f"{access['library']}{version}, {whom}: {access['call']}"
    evidence = Evidence("dataset", known, access.get("page"), day_of(access.get("read")))
    return Line("dataset", dataset, framework, access["library"], "claimed", says, (evidence,))


def _imported(store: Store, dataset: str, known: str, framework: str) -> Iterable[Line]:
    """Say which datasets of a library's own list are the same one."""
    for catalogue, name, call, library, upstream, version, read in store.direct(
        "SELECT i.catalogue, d.name, any_value(d.call), any_value(d.library), i.upstream, "
        "i.version, i.read FROM store.dataset_joins j "
        "JOIN store.imported_datasets d ON d.catalogue = j.catalogue AND d.name = j.name "
        "JOIN store.imports i ON i.catalogue = j.catalogue "
        "WHERE j.dataset = ? AND list_contains(d.frameworks, ?) "
        "GROUP BY ALL ORDER BY i.catalogue, d.name",
        [known, framework],
    ):
        says = f"{library or catalogue} {version}, built in: {call or name}"
        evidence = Evidence("import", f"{catalogue}:{name}", f"{upstream} {version}", read)
        via = library or catalogue
        yield Line("dataset", dataset, framework, via, "claimed", says, (evidence,))


def _missing(store: Store, dataset: str, raw: Mapping[str, Any], framework: str) -> Iterable[Line]:
    """Say which whole lists of the framework's own libraries have no dataset of that name."""
    called = {fold(str(name)) for name in (raw["id"], raw["name"], *(raw.get("aliases") or ()))}
    lists, evidence = [], []
    for catalogue, upstream, version, read, names in store.direct(
        "SELECT i.catalogue, i.upstream, i.version, i.read, list(DISTINCT d.name) "
        "FROM store.imports i JOIN store.imported_datasets d USING (catalogue) "
        "GROUP BY ALL HAVING list_contains(flatten(list(d.frameworks)), ?) ORDER BY i.catalogue",
        [framework],
    ):
        if not called & {fold(name) for name in names}:
            lists.append(f"{upstream.partition(':')[2]} {version} ({len(names)} read)")
            evidence.append(Evidence("catalogue", catalogue, f"{upstream} {version}", read))
    if lists:
        says = f"no dataset of this name is in the list of {' or '.join(lists)}"
        yield Line("dataset", dataset, framework, "lists", "missing", says, tuple(evidence))
