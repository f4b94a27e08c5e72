"""Count the catalogue: entries by source, how fresh they are, how much of them was measured.

Every share is two numbers, what was counted and of how many. "Attempted" is any observation;
"ran" is one that passed with the published weights. Random weights are counted apart, for the
architectures that imported checkpoints name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caniload.catalog.store import Store


@dataclass(frozen=True, slots=True)
class Entries:
    """Count authored entries, the sources of models, and those that a hub answered for."""

    models: int
    sources: int
    resolved: int
    datasets: int
    tools: int
    tools_known: int
    """Tools whose status is not `unknown`."""


@dataclass(frozen=True, slots=True)
class Import:
    """Count one snapshot's facts, and those that hang under an authored entry."""

    catalogue: str
    upstream: str
    version: str
    read: date
    age_days: int
    kind: str
    facts: int
    joined: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Count observations and settled cells, and date them."""

    observations: int
    cells: int
    oldest: date | None
    newest: date | None
    last_30_days: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Say of how many of a group something was measured.

    `architecture_ran` is None where a group names no architectures.
    """

    group: str
    total: int
    attempted: int
    ran: int
    architecture_ran: int | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Hold all counts."""

    entries: Entries
    imports: tuple[Import, ...]
    evidence: Evidence
    models: Coverage
    models_by_framework: tuple[Coverage, ...]
    sources_by_hub: tuple[Coverage, ...]
    imported_by_catalogue: tuple[Coverage, ...]


def stats(store: Store, today: date) -> Stats:
    """Count everything in an open store; ages are counted from `today`."""
    store.sql(_MEASURED)
    whole = store.sql(_MODELS)[0]
    return Stats(
        Entries(*store.sql(_ENTRIES)[0]),
        tuple(
            Import(catalogue, upstream, version, read, (today - read).days, kind, facts, joined)
            for catalogue, upstream, version, read, kind, facts, joined in store.sql(_IMPORTS)
        ),
        Evidence(*store.sql(_EVIDENCE, [today])[0]),
        Coverage("authored models", *whole),
        tuple(Coverage(*row) for row in store.sql(_BY_FRAMEWORK)),
        tuple(Coverage(*row) for row in store.sql(_BY_HUB)),
        tuple(Coverage(*row) for row in store.sql(_BY_CATALOGUE)),
    )


_MEASURED = """
CREATE OR REPLACE TEMP TABLE measured_sources AS
WITH called AS (
    SELECT DISTINCT a.source, b.source AS alias
    FROM store.sources a JOIN store.sources b USING (model, position)
    UNION SELECT source, source FROM standing
)
SELECT c.alias AS source, o.revision, o.weights,
    bool_or(o.outcome = 'passed' AND o.evidence_level = 'pretrained') AS ran,
    bool_or(o.outcome = 'passed') AS passed
FROM standing o JOIN called c USING (source) GROUP BY ALL
"""
"""What was measured of each source, under each handle that reaches it, by weights asked for."""

_ENTRIES = """
SELECT
    (SELECT count(*) FROM store.models),
    (SELECT count(*) FROM store.sources),
    (SELECT count(*) FILTER (resolved) FROM store.sources),
    (SELECT count(*) FROM store.datasets),
    (SELECT count(*) FROM store.tools),
    (SELECT count(*) FILTER (status <> 'unknown') FROM store.tools)
"""

_IMPORTS = """
WITH joined AS (
    SELECT catalogue, count(DISTINCT handle) AS many FROM store.joins GROUP BY catalogue
    UNION ALL
    SELECT catalogue, count(DISTINCT (name, config)) FROM store.dataset_joins GROUP BY catalogue
)
SELECT i.catalogue, i.upstream, i.version, i.read,
    CASE WHEN i.catalogue IN (SELECT catalogue FROM store.imported_types) THEN 'types'
        WHEN i.catalogue IN (SELECT catalogue FROM store.imported_datasets) THEN 'datasets'
        ELSE 'sources' END,
    i.row_count, coalesce(j.many, 0)
FROM store.imports i LEFT JOIN joined j USING (catalogue)
ORDER BY i.catalogue, i.version
"""

_EVIDENCE = """
SELECT count(*), count(DISTINCT cell_id), min(started_at)::DATE, max(started_at)::DATE,
    count(*) FILTER (started_at >= $1::DATE - INTERVAL 30 DAY)
FROM standing
"""

_MODELS = """
WITH measured AS (
    SELECT l.model, bool_or(o.outcome = 'passed' AND o.evidence_level = 'pretrained') AS ran
    FROM lineage l JOIN standing o ON o.id = l.observation_id GROUP BY l.model
)
SELECT count(*), count(m.model), count(*) FILTER (m.ran)
FROM store.models s LEFT JOIN measured m ON m.model = s.id
"""

_BY_FRAMEWORK = """
WITH measured AS (
    SELECT l.model, o.framework,
        bool_or(o.outcome = 'passed' AND o.evidence_level = 'pretrained') AS ran
    FROM lineage l JOIN standing o ON o.id = l.observation_id GROUP BY ALL
), imported AS (
    SELECT handle, unnest(frameworks) AS framework FROM store.imported_sources
), said AS (
    SELECT model, framework FROM store.claims
    UNION SELECT j.model, i.framework FROM store.joins j JOIN imported i USING (handle)
    UNION SELECT model, framework FROM measured
)
SELECT s.framework, count(*), count(m.model), count(*) FILTER (m.ran)
FROM said s JOIN store.models k ON k.id = s.model
LEFT JOIN measured m ON m.model = s.model AND m.framework = s.framework
GROUP BY s.framework ORDER BY count(*) DESC, s.framework
"""
"""Of the models that are claimed for a framework, or were measured in it."""

_BY_HUB = """
WITH listed AS (SELECT DISTINCT source FROM store.sources),
measured AS (SELECT source, bool_or(ran) AS ran FROM measured_sources GROUP BY source)
SELECT split_part(l.source, ':', 1) AS hub, count(*), count(m.source), count(*) FILTER (m.ran)
FROM listed l LEFT JOIN measured m USING (source) GROUP BY hub ORDER BY count(*) DESC, hub
"""

_BY_CATALOGUE = """
WITH listed AS (
    SELECT catalogue, (handle, name) AS one, regexp_replace(handle, '[@#].*$', '') AS source,
        nullif(regexp_extract(handle, '@([^/#]+)', 1), '') AS revision,
        split_part(handle, ':', 1) || ':' || architecture AS architecture
    FROM store.imported_sources
), published AS (
    SELECT source, revision, bool_or(ran) AS ran FROM measured_sources
    WHERE weights = 'pretrained' GROUP BY ALL
), built AS (
    SELECT DISTINCT source FROM measured_sources WHERE weights = 'random' AND passed
)
SELECT l.catalogue, count(DISTINCT l.one),
    count(DISTINCT l.one) FILTER (p.source IS NOT NULL),
    count(DISTINCT l.one) FILTER (p.ran),
    count(DISTINCT l.one) FILTER (b.source IS NOT NULL)
FROM listed l
LEFT JOIN published p ON p.source = l.source
    AND (l.revision IS NULL OR p.revision IS NULL OR p.revision = l.revision)
LEFT JOIN built b ON b.source = l.architecture OR b.source = l.source
GROUP BY l.catalogue ORDER BY count(DISTINCT l.one) DESC, l.catalogue
"""
"""A checkpoint is attempted by its weights; that its architecture ran is counted apart."""
