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


def condition(facets: Facets, cells: str) -> tuple[str, str, dict[str, Any]]:
    """Return a CTE `measured`, or nothing, the SQL condition on `i`, an item, and parameters.

    `cells` is what to select verdicts from.
    """
    parts = ["true"]
    params: dict[str, Any] = {}
    for name, value in facets.values().items():
        key = name.replace("-", "_")
        if name == "framework":
            continue
        params[key] = value.casefold()
        if name in _PLAIN:
            parts.append(f"lower(i.{_PLAIN[name]}) = ${key}")
        else:
            parts.append(f"list_contains(list_transform(i.{_LISTS[name]}, {_LOWER}), ${key})")
    for key, column, most in (
        ("parameters", "parameters", facets.max_parameters),
        ("bytes", "size_bytes", facets.max_bytes),
    ):
        if most is not None:
            params[key] = most
            parts.append(f"i.{column} <= ${key}")
    asked, ran = _claimed(facets), "EXISTS (FROM measured r WHERE r.doc = i.doc "
    ran += "AND (r.handle IS NULL OR r.handle = i.handle))"
    if facets.framework is not None:
        params["framework"] = facets.framework.casefold()
    if facets.measured:
        parts.append(ran)
    if facets.claimed:
        parts.append(asked)
    if facets.framework is not None and not facets.measured and not facets.claimed:
        parts.append(f"({asked} OR {ran})")
    needed = "measured" in " ".join(parts)
    return (_measured(facets, cells) if needed else ""), " AND ".join(parts), params


_LOWER = "lambda x: lower(x)"


def _claimed(facets: Facets) -> str:
    """The condition that metadata names the framework, or any where none is asked for."""
    if facets.framework is None:
        return "len(i.frameworks) > 0"
    return (
        f"(list_contains(list_transform(i.frameworks, {_LOWER}), $framework) "
        "OR list_contains(i.frameworks, 'any'))"
    )


def _measured(facets: Facets, cells: str) -> str:
    """The items that have a result; a model that runs on another's weights has it as a whole."""
    narrowed = "AND lower(framework) = $framework" if facets.framework is not None else ""
    return f"""
        ran AS MATERIALIZED (
            SELECT DISTINCT model, lower(source) AS source FROM {cells}
            WHERE kind = 'attempt' AND verdict IN {MEASURED} {narrowed}
        ),
        measured AS MATERIALIZED (
            SELECT DISTINCT h.doc, h.handle
            FROM ran r JOIN store.search_handles h ON h.called = r.source
            UNION ALL
            SELECT d.doc, NULL
            FROM ran r JOIN store.search_docs d ON d.kind = 'model' AND d.id = r.model
            WHERE r.source NOT IN (
                SELECT called FROM store.search_handles h WHERE h.doc = d.doc
            )
        ),
    """


def kept(store: Store, facets: Facets, docs: Sequence[int]) -> set[int]:
    """Return those of the documents of which something satisfies the facets."""
    cte, where, params = condition(facets, store.relation("cell_verdicts"))
    rows = store.direct(
        f"WITH {cte} asked AS (SELECT unnest($docs) AS doc) SELECT DISTINCT i.doc "
        f"FROM store.search_items i SEMI JOIN asked a ON a.doc = i.doc WHERE {where}",
        {**params, "docs": list(docs)},
    )
    return {doc for (doc,) in rows}


def counted(
    store: Store, facets: Facets, docs: Sequence[int]
) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Return how many of the documents have each value, the most frequent first.

    A model counts once for a value that any of its sources has that answers the question.
    """
    params: dict[str, Any] = {"docs": list(docs)}
    if facets.narrow:
        cte, where, more = condition(facets, store.relation("cell_verdicts"))
        params |= more
        text = f"""
            WITH {cte}
            asked AS (SELECT unnest($docs) AS doc),
            it AS MATERIALIZED (
                SELECT i.* FROM store.search_items i SEMI JOIN asked a ON a.doc = i.doc
                WHERE {where}
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
                FROM store.search_docs d SEMI JOIN asked a ON a.doc = d.doc
            )
            WHERE value IS NOT NULL AND value <> 'any'
            GROUP BY facet, value
            """
    else:
        text = (
            "SELECT facet, value, count(*) FROM store.search_values "
            "WHERE doc IN (SELECT unnest($docs)) GROUP BY facet, value"
        )
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in ("kind", *NAMES)}
    for name, value, number in store.direct(text, params):
        found[name].append((value, number))
    return {
        name: tuple(sorted(values, key=lambda each: (-each[1], each[0])))
        for name, values in found.items()
        if values
    }
