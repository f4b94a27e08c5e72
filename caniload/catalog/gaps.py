"""Where claim and result disagree: what is claimed and does not load, what loads unclaimed.

On the query path: standard library and SQL only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caniload.catalog.answers import CellAnswer
from caniload.catalog.facets import MEASURED
from caniload.catalog.rows import CELL_COLUMNS, cell, rank, with_diagnoses
from caniload.words import Verdict

if TYPE_CHECKING:
    from caniload.catalog.store import Store

WAYS = ("claimed", "unclaimed")
"""`claimed`: it is claimed, and fails or differs. `unclaimed`: it works, and is not claimed."""

_AT_ONCE = 1_000
"""How many verdicts are looked at before it is seen whether they hold enough gaps."""

_FEW = 100
"""For how many sources it is quicker to look for each than to take every handle apart."""

_OF_FEW = (
    "i.handle >= a.source AND i.handle < a.source || 'A' "
    "AND substr(i.handle, length(a.source) + 1, 1) IN ('', '@', '#')"
)
"""A handle begins with its source: what can follow, @ or #, sorts before A. Handles lie sorted."""

_OF_MANY = "regexp_replace(i.handle, '[@#].*$', '') = a.source"


@dataclass(frozen=True, slots=True)
class Statement:
    """Say what metadata states of a source: on which page, or in which catalogue's version.

    `loader` is None where only a framework is named.
    """

    framework: str
    loader: str | None
    says: str
    where: str
    version: str | None
    read: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Set a result beside what is stated; `cell` is the best of that loader and framework.

    For `claimed` the statements are those that it contradicts, for `unclaimed` all that is
    stated of the source, none of which names the framework.
    """

    way: str
    model: str | None
    cell: CellAnswer
    statements: tuple[Statement, ...]


def gaps(
    store: Store,
    model: str | None = None,
    *,
    framework: str | None = None,
    loader: str | None = None,
    hub: str | None = None,
    environment: str | None = None,
    way: str | None = None,
    whom: str = "all",
    limit: int | None = None,
) -> tuple[Gap, ...]:
    """Return where claim and result disagree, by model; both ways unless one is asked for.

    `limit` stops at so many, in order of model: of a large store no more is read than that takes.

    A result is the best of a source's cells with one loader and framework, in one environment
    if that is named. Random weights, exports and what is merely blocked contradict nothing, and a
    source of which nothing is stated is claimed by nobody. Raises `UnknownNameError`.
    """
    from caniload.catalog.questions import check_names
    from caniload.catalog.targets import find

    where = ["kind = 'attempt'", "parent_observation IS NULL", "weights = 'pretrained'",
             f"verdict IN {MEASURED}"]  # fmt: skip
    params: list[Any] = []
    check_names(store, framework, None, environment, whom)
    wanted = None
    if model is not None:
        target = find(store, model)
        condition, params = target.where()
        where.append(condition)
        wanted = target.model or target.source
    for column, value in (
        ("framework", framework),
        ("loader", loader),
        ("environment", environment),
        ("split_part(source, ':', 1)", hub),
    ):
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    store.limit(whom, wanted)
    found: list[Gap] = []
    every = " AND ".join(where)
    if limit is None or model is not None:
        found += _found(store, every, params, way)
    else:
        for part, bounds in _parts(store):
            found += _found(store, f"{every} AND {part}", [*params, *bounds], way)
            if len(found) >= limit:
                break
    found.sort(key=lambda gap: (gap.model is None, *_place(gap)[::-1]))
    return tuple(sorted(found[:limit], key=_place))


def _place(gap: Gap) -> tuple[int, tuple[str, tuple[Any, ...]]]:
    """Order gaps by way, then by model."""
    return WAYS.index(gap.way), (gap.model or gap.cell.source, rank(gap.cell))


def _parts(store: Store) -> Iterator[tuple[str, list[str]]]:
    """Cut all verdicts, which lie sorted by model, into conditions that some thousands satisfy."""
    cells = store.relation("cell_verdicts")
    after = ""
    while True:
        ends = store.direct(
            f"SELECT model FROM {cells} WHERE model > ? ORDER BY model LIMIT 1 OFFSET {_AT_ONCE}",
            [after],
        )
        if not ends:
            break
        yield "model > ? AND model <= ?", [after, ends[0][0]]
        after = ends[0][0]
    yield "(model > ? OR model IS NULL)", [after]


def _found(store: Store, where: str, params: Sequence[Any], way: str | None) -> Iterator[Gap]:
    """Yield the gaps among the verdicts that satisfy a condition."""
    best = _best(store, where, params)
    stated = _stated(store, sorted({known.source for known in best}))
    for known in best:
        said = stated.get(known.source, ())
        same = tuple(s for s in said if s.framework == known.framework)
        meant = tuple(s for s in same if s.loader in (None, known.loader))
        if known.verdict is Verdict.WORKS:
            if said and not same and way in (None, "unclaimed"):
                yield Gap("unclaimed", known.model, known, said)
        elif meant and way in (None, "claimed"):
            yield Gap("claimed", known.model, known, meant)


def _best(store: Store, where: str, params: Sequence[Any]) -> tuple[CellAnswer, ...]:
    """Return the best cell of each source, loader and framework."""
    rows = store.direct_rows(
        f"SELECT {CELL_COLUMNS} FROM {store.relation('cell_verdicts')} WHERE {where}", params
    )
    best: dict[tuple[str, str, str], CellAnswer] = {}
    for known in sorted(map(cell, rows), key=rank):
        best.setdefault((known.source, known.loader, known.framework), known)
    return with_diagnoses(store, best.values())


def _stated(store: Store, sources: Sequence[str]) -> dict[str, tuple[Statement, ...]]:
    """Return what is stated of sources, by authored claims and by imported catalogues.

    A checkpoint may be known by several handles: what is stated of one is stated of all.
    """
    if not sources:
        return {}
    spelled = store.direct(
        "WITH asked AS (SELECT unnest($sources) AS source) "
        "SELECT DISTINCT a.source, unnest(i.known) FROM asked a "
        "JOIN store.search_handles h ON h.called = lower(a.source) "
        "JOIN store.search_items i ON i.doc = h.doc AND i.handle = h.handle",
        {"sources": list(sources)},
    )
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for source in sources:
        owners[source].add(source)
    for source, known in spelled:
        owners[known].add(source)
    found: defaultdict[str, dict[Statement, None]] = defaultdict(dict)
    asked = {"known": list(owners)}
    for source, name, framework, says, page, version, read in store.direct(
        "SELECT c.source, c.loader, c.framework, c.says, c.page, c.version, c.read "
        "FROM store.claims c WHERE c.source IN (SELECT unnest($known))",
        asked,
    ):
        for owner in owners[source]:
            found[owner][Statement(framework, name, says or "", page or "", version, read)] = None
    for source, frameworks, loaders, catalogue, upstream, version, read in store.direct(
        "WITH asked AS (SELECT unnest($known) AS source) "
        "SELECT a.source, i.frameworks, i.loaders, "
        "i.catalogue, m.upstream, m.version, m.read::VARCHAR "
        "FROM asked a JOIN store.imported_sources i "
        f"ON {_OF_FEW if len(owners) <= _FEW else _OF_MANY} "
        "LEFT JOIN store.imports m ON m.catalogue = i.catalogue",
        asked,
    ):
        for framework in frameworks or ():
            for name in loaders or (None,):
                told = Statement(
                    framework, name, f"listed by {catalogue}", upstream or catalogue, version, read
                )
                for owner in owners[source]:
                    found[owner][told] = None
    return {source: tuple(said) for source, said in found.items()}
