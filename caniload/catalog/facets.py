"""What a search can be narrowed by, and how often each value occurs among what was found.

On the query path: standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caniload.errors import UnknownNameError

if TYPE_CHECKING:
    from caniload.catalog.store import Store

_PLAIN = {"hub": "hub", "licence": "licence", "status": "status"}
_LISTS = {"task": "tasks", "framework": "frameworks", "language": "languages",
          "file-format": "formats"}  # fmt: skip
_OF_KIND = "doc IN (SELECT doc FROM store.search_docs WHERE kind = $kind)"
NAMES = ("task", "framework", "hub", "licence", "file-format", "status", "language")
"""The facets that have values, in the order in which they are shown."""

MEASURED = "('works', 'differs', 'flaky', 'fails')"
"""The verdicts that answer the question; the others say that nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Facets:
    """Say what must be true of a source, a dataset or a tool that is looked for.

    All of it must be true of one source of a model. `measured` looks at results alone,
    `claimed` at what metadata says alone; without either a framework may be one or the other.
    A size that nobody states is not below any bound.
    """

    kind: str | None = None
    task: str | None = None
    framework: str | None = None
    hub: str | None = None
    licence: str | None = None
    file_format: str | None = None
    status: str | None = None
    language: str | None = None
    max_parameters: int | None = None
    max_bytes: int | None = None
    measured: bool = False
    claimed: bool = False

    def values(self) -> dict[str, str]:
        """The values asked for, by the names of `NAMES`."""
        found = {name: getattr(self, name.replace("-", "_")) for name in NAMES}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def narrow(self) -> bool:
        """Tell whether anything is asked for but a kind."""
        sizes = (self.max_parameters, self.max_bytes)
        return bool(self.values()) or self.measured or self.claimed or sizes != (None, None)


def check(store: Store, facets: Facets) -> None:
    """Raise `UnknownNameError` for a value that nothing in the catalogue has, with near ones."""
    wanted = facets.values()
    if not wanted:
        return
    known: dict[str, list[str]] = {}
    stated = "SELECT facet, value FROM store.search_facets ORDER BY docs DESC, value"
    for name, value in store.direct(stated):
        known.setdefault(name, []).append(value)
    for name, value in wanted.items():
        have = known.get(name, [])
        if name == "framework" and value.casefold() not in map(str.casefold, have):
            cells = store.relation("cell_verdicts")
            rows = store.direct(f"SELECT DISTINCT framework FROM {cells} ORDER BY framework")
            have += [each for (each,) in rows if each not in have]
        if value.casefold() not in map(str.casefold, have):
            from caniload.catalog.names import near

            most = ", ".join(have[:8]) + (", …" if len(have) > 8 else "")
            raise UnknownNameError(name, value, near(value, have), f"the most frequent: {most}")


def condition(
    store: Store, facets: Facets, docs: Sequence[int] | None
) -> tuple[str, str, dict[str, Any]]:
    """Return CTEs, the SQL condition on `i`, an item of these documents, and parameters.

    The CTEs are `asked`, which has the documents, and `measured`, each followed by a comma and
    left out where it is not needed; None is all documents.
    """
    parts = ["true"]
    params: dict[str, Any] = {}
    if docs is not None:
        params["docs"] = list(docs)
        parts = ["i.doc IN (SELECT doc FROM asked)"]
    for name, value in facets.values().items():
        key = name.replace("-", "_")
        if name == "framework" and facets.measured and not facets.claimed:
            continue
        params[key] = _spelt(store, name, value)
        if name in _PLAIN:
            parts.append(f"list_contains(${key}, i.{_PLAIN[name]})")
        elif name != "framework":
            parts.append(f"list_has_any(i.{_LISTS[name]}, ${key})")
    if facets.kind is not None:
        params["kind"] = facets.kind
        parts.append(f"i.{_OF_KIND}")
    for key, column, most in (
        ("parameters", "parameters", facets.max_parameters),
        ("bytes", "size_bytes", facets.max_bytes),
    ):
        if most is not None:
            params[key] = most
            parts.append(f"i.{column} <= ${key}")
    asked, ran = _claimed(facets), "EXISTS (FROM measured r WHERE r.doc = i.doc "
    ran += "AND (r.handle IS NULL OR r.handle = i.handle))"
    if facets.measured:
        parts.append(ran)
    if facets.claimed:
        parts.append(asked)
    if facets.framework is not None and not facets.measured and not facets.claimed:
        parts.append(f"({asked} OR {ran})")
    needed = "measured" in " ".join(parts)
    if needed and facets.framework is not None:
        params["ran"] = facets.framework.casefold()
    asking = "" if docs is None else "asked AS (SELECT unnest($docs) AS doc), "
    ctes = asking + (_measured(store, facets, among=docs is not None) if needed else "")
    return ctes, " AND ".join(parts), params


def _spelt(store: Store, name: str, value: str) -> list[str]:
    """Return all that the catalogue has of a facet's value, whatever the case of its letters."""
    found = store.direct(
        "SELECT value FROM store.search_facets WHERE facet = ? AND lower(value) = ?",
        [name, value.casefold()],
    )
    return [each for (each,) in found] or [value]


def _claimed(facets: Facets) -> str:
    """The condition that metadata names the framework, or any where none is asked for."""
    if facets.framework is None:
        return "len(i.frameworks) > 0"
    return "(list_has_any(i.frameworks, $framework) OR list_contains(i.frameworks, 'any'))"


def _measured(store: Store, facets: Facets, *, among: bool) -> str:
    """The items that have a result; a model that runs on another's weights has it as a whole.

    Of what is `asked` alone where that is said: to match all results with all handles takes long.
    """
    narrowed = "AND lower(framework) = $ran" if facets.framework is not None else ""
    mine = ""
    if among:
        mine = "WHERE doc IN (SELECT doc FROM asked)"
        narrowed += (
            f" AND (model IN (SELECT id FROM store.search_docs {mine}) "
            "OR lower(source) IN (SELECT called FROM called))"
        )
    return f"""
        called AS MATERIALIZED (SELECT called, doc, handle FROM store.search_handles {mine}),
        ran AS MATERIALIZED (
            SELECT DISTINCT model, lower(source) AS source
            FROM {store.relation("cell_verdicts")}
            WHERE kind = 'attempt' AND verdict IN {MEASURED} {narrowed}
        ),
        measured AS MATERIALIZED (
            SELECT DISTINCT h.doc, h.handle FROM ran r JOIN called h ON h.called = r.source
            UNION ALL
            SELECT d.doc, NULL
            FROM ran r JOIN store.search_docs d ON d.kind = 'model' AND d.id = r.model
            WHERE r.source NOT IN (SELECT h.called FROM called h WHERE h.doc = d.doc)
        ),
    """


def kept(store: Store, facets: Facets, docs: Sequence[int]) -> set[int]:
    """Return those of the documents of which something satisfies the facets."""
    if not facets.narrow:
        rows = store.direct(
            "SELECT doc FROM store.search_docs WHERE kind = $kind AND doc IN "
            "(SELECT unnest($docs))",
            {"kind": facets.kind, "docs": list(docs)},
        )
        return {doc for (doc,) in rows}
    ctes, where, params = condition(store, facets, docs)
    rows = store.direct(
        f"WITH {ctes} kept AS (SELECT DISTINCT i.doc FROM store.search_items i WHERE {where}) "
        "FROM kept",
        params,
    )
    return {doc for (doc,) in rows}


def first(store: Store, facets: Facets, limit: int) -> tuple[list[int], int]:
    """Return the documents that stand highest of all that satisfy the facets, and how many do."""
    if facets.narrow:
        ctes, where, params = condition(store, facets, None)
        found = f"WITH {ctes} found AS (SELECT DISTINCT i.doc FROM store.search_items i "
        found += f"WHERE {where})"
    else:
        params = {} if facets.kind is None else {"kind": facets.kind}
        where = "kind = $kind" if params else "true"
        found = f"WITH found AS (SELECT doc FROM store.search_docs WHERE {where})"
    rows = store.direct(
        f"{found} SELECT doc, count(*) OVER () FROM found ORDER BY doc LIMIT {limit}", params
    )
    return [doc for doc, _ in rows], rows[0][1] if rows else 0


def counted(
    store: Store, facets: Facets, docs: Sequence[int] | None
) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Return how many of the documents have each value, the most frequent first; None is all.

    A model counts once for a value that any of its sources has that answers the question.
    """
    params: dict[str, Any]
    if facets.narrow:
        ctes, where, params = condition(store, facets, docs)
        text = f"""
            WITH {ctes}
            it AS MATERIALIZED (
                SELECT i.* FROM store.search_items i WHERE {where}
            )
            SELECT facet, value, count(DISTINCT doc)
            FROM (
                SELECT doc, 'task' AS facet, unnest(tasks) AS value FROM it
                UNION ALL SELECT doc, 'framework', unnest(frameworks) FROM it
                UNION ALL SELECT doc, 'hub', hub FROM it
                UNION ALL SELECT doc, 'licence', licence FROM it
                UNION ALL SELECT doc, 'file-format', unnest(formats) FROM it
                UNION ALL SELECT doc, 'status', status FROM it
                UNION ALL SELECT doc, 'language', unnest(languages) FROM it
                UNION ALL SELECT d.doc, 'kind', d.kind
                FROM store.search_docs d SEMI JOIN it ON it.doc = d.doc
            )
            WHERE value IS NOT NULL AND value <> 'any'
            GROUP BY facet, value
            """
    elif docs is None and facets.kind is None:
        text, params = "SELECT facet, value, docs FROM store.search_facets", {}
    else:
        among, params = "doc IN (SELECT unnest($docs))", {"docs": docs}
        if docs is None:
            among, params = _OF_KIND, {"kind": facets.kind}
        text = (
            f"SELECT facet, value, count(*) FROM store.search_values WHERE {among} "
            "GROUP BY facet, value"
        )
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in ("kind", *NAMES)}
    for name, value, number in store.direct(text, params):
        found[name].append((value, number))
    return {
        name: tuple(sorted(values, key=lambda each: (-each[1], each[0])))
        for name, values in found.items()
        if values
    }
