"""What upstream catalogues claim of a model through the sources that are joined to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caniload.catalog.rows import claim

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store

_CLAIMS = """
    SELECT l.loader, f.framework, i.catalogue, any_value(m.upstream) AS upstream,
        any_value(m.version) AS version, count(DISTINCT i.handle) AS many,
        arg_min(i.handle, (i.parent IS NOT NULL, length(i.handle), i.handle)) AS handle,
        arg_min(i.name, (i.parent IS NOT NULL, length(i.handle), i.handle)) AS name
    FROM store.joins j
    JOIN store.imported_sources i ON i.catalogue = j.catalogue AND i.handle = j.handle
    LEFT JOIN store.imports m ON m.catalogue = i.catalogue,
    unnest(i.loaders) AS l(loader), unnest(i.frameworks) AS f(framework)
    WHERE j.model = ? GROUP BY ALL ORDER BY ALL
"""


def of_model(store: Store, model: str) -> list[CellAnswer]:
    """Return one claim for each loader and framework; it names one source and counts the others.

    The source named is no derived one where there is another, and its handle the shortest.
    """
    spoken = set()
    found = []
    for row in store.direct_rows(_CLAIMS, [model]):
        if (row["loader"], row["framework"]) in spoken:
            continue
        spoken.add((row["loader"], row["framework"]))
        more = f", and {row['many'] - 1} more of this model" if row["many"] > 1 else ""
        found.append(
            claim(
                {
                    "model": model,
                    "source": row["handle"].partition("@")[0],
                    "handle": row["handle"],
                    "loader": row["loader"],
                    "framework": row["framework"],
                    "says": f"{row['catalogue']} lists {row['name']}{more}.",
                    "page": _page(row["upstream"] or "", row["version"] or ""),
                }
            )
        )
    return found


def _page(upstream: str, version: str) -> str:
    """Write where a catalogue was read: a package and version, or a commit."""
    kind, _, name = upstream.partition(":")
    if kind == "pypi":
        return f"{name}=={version}"
    return f"https://github.com/{name}/tree/{version}" if kind == "github" else name
