"""What upstream catalogues state of one entry, or of one source that has none.

On the query path: standard library and SQL only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caniload.catalog.store import Store

_IMPORTED = (
    "SELECT i.*, m.upstream, m.version, m.read, {rule} AS rule, {model} AS model "
    "FROM store.imported_sources i LEFT JOIN store.imports m ON m.catalogue = i.catalogue "
)


@dataclass(frozen=True, slots=True)
class Imported:
    """State what a catalogue says of one source; `rule` is why it hangs under `model`."""

    handle: str
    hub: str
    name: str
    catalogue: str
    upstream: str | None
    version: str | None
    read: str | None
    model: str | None
    rule: str | None
    architecture: str | None
    parent: str | None
    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    frameworks: tuple[str, ...]
    loaders: tuple[str, ...]
    formats: tuple[str, ...]
    parameters: int | None
    size_bytes: int | None
    sha256: str | None
    hash: str | None
    url: str | None
    licence: str | None
    published: str | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reached:
    """State how a library reaches a dataset: the call, and the sizes, as its table has them."""

    catalogue: str
    name: str
    configs: int
    frameworks: tuple[str, ...]
    library: str | None
    call: str | None
    size_bytes: int | None
    licence: str | None
    version: str | None
    read: str | None
    rule: str | None


def of_model(store: Store, model: str) -> tuple[Imported, ...]:
    """Return the imported sources that hang under a model, by hub and handle."""
    rows = store.direct_rows(
        _IMPORTED.format(rule="j.rule", model="j.model")
        + "JOIN store.joins j ON j.handle = i.handle AND j.catalogue = i.catalogue "
        "WHERE j.model = ? ORDER BY i.handle, i.catalogue",
        [model],
    )
    return tuple(map(_imported, rows))


def every(store: Store) -> tuple[Imported, ...]:
    """Return all imported sources, each with the model that it hangs under, by handle."""
    rows = store.direct_rows(
        _IMPORTED.format(rule="j.rule", model="j.model")
        + "LEFT JOIN store.joins j ON j.handle = i.handle AND j.catalogue = i.catalogue "
        "ORDER BY i.handle, i.catalogue",
    )
    return tuple(map(_imported, rows))


def of_source(store: Store, handle: str) -> tuple[Imported, ...]:
    """Return what catalogues state of a source, whatever its revision; empty for an unknown one."""
    bare = handle.partition("#")[0].partition("@")[0]
    if bare.startswith("tfhub:"):
        name, _, last = bare.rpartition("/")
        bare = name if last.isdigit() else bare  # as addresses of that hub end in a version
    rows = store.direct_rows(
        _IMPORTED.format(rule="j.rule", model="j.model")
        + "LEFT JOIN store.joins j ON j.handle = i.handle AND j.catalogue = i.catalogue "
        "WHERE lower(regexp_replace(i.handle, '[@#].*$', '')) = lower(?) "
        "ORDER BY i.handle, i.catalogue",
        [bare],
    )
    return tuple(map(_imported, rows))


def of_dataset(store: Store, dataset: str) -> tuple[Reached, ...]:
    """Return the libraries whose tables hold a dataset, an entry's or `catalogue:name`."""
    rows = store.direct_rows(
        "SELECT i.catalogue, i.name, count(DISTINCT i.config) AS configs, "
        "any_value(i.frameworks) AS frameworks, any_value(i.library) AS library, "
        "min(i.call) AS call, max(i.size_bytes) AS size_bytes, any_value(i.licence) AS licence, "
        "any_value(m.version) AS version, any_value(m.read)::VARCHAR AS read, "
        "any_value(j.rule) AS rule "
        "FROM store.imported_datasets i "
        "LEFT JOIN store.imports m ON m.catalogue = i.catalogue "
        "LEFT JOIN store.dataset_joins j ON j.catalogue = i.catalogue AND j.name = i.name "
        "AND j.config IS NOT DISTINCT FROM i.config "
        "WHERE j.dataset = $dataset OR i.catalogue || ':' || i.name = $dataset "
        "GROUP BY i.catalogue, i.name ORDER BY i.catalogue, i.name",
        {"dataset": dataset},
    )
    return tuple(Reached(**{**row, "frameworks": tuple(row["frameworks"] or ())}) for row in rows)


def _imported(row: Mapping[str, Any]) -> Imported:
    """Make one of a row: lists as tuples, JSON read, days as text."""
    lists = ("tasks", "languages", "frameworks", "loaders", "formats")
    made = dict(row) | {name: tuple(row[name] or ()) for name in lists}
    for name in ("metrics", "facts"):
        made[name] = json.loads(row[name] or "{}")
    for name in ("read", "published"):
        made[name] = row[name].isoformat() if row[name] is not None else None
    return Imported(hub=row["handle"].partition(":")[0], **made)
