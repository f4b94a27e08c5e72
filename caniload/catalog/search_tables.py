"""Write the tables that `search` reads, of those that hold the catalogue, in SQL.

Used while publishing only. What can be found are the entries, and those imported sources and
datasets that hang under none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from caniload import yaml_text
from caniload.catalog import search_words
from caniload.catalog.verdicts import insert
from caniload.errors import CatalogueError

if TYPE_CHECKING:
    import duckdb

TABLES = (
    "search_docs", "search_items", "search_terms", "search_words", "search_handles",
    "search_values", "search_facets",
)  # fmt: skip

MOST_DOCS = 20_000
"""How many a word leads to at most: beyond it only what stands highest is found by it."""

TASK_WORDS = "tasks.yaml"
"""The file of other words for tasks, in the data directory."""

_DROP = "".join(
    f"DROP TABLE IF EXISTS temp.{name};"
    for name in ("task_words", "hung", "named", "called_so", "reached", "led")
)

_HUNG = """
CREATE TEMP TABLE hung AS
WITH own AS (
    SELECT
        model, position, any_value(entry) AS entry, any_value(formats) AS formats,
        any_value(licence) AS licence, list(DISTINCT source ORDER BY source) AS known
    FROM {c}.sources GROUP BY model, position
),
stated AS (
    SELECT s.model, s.position, list(DISTINCT k.framework) AS frameworks
    FROM {c}.sources s JOIN {c}.claims k ON k.model = s.model AND k.source = s.source
    GROUP BY s.model, s.position
),
spelled AS (SELECT model, position, unnest(known) AS source FROM own),
imported AS (
    SELECT i.*, regexp_replace(i.handle, '[@#].*$', '') AS source, j.model AS joined
    FROM {c}.imported_sources i
    LEFT JOIN {c}.joins j ON j.handle = i.handle AND j.catalogue = i.catalogue
),
both_kinds AS (
    SELECT
        coalesce(i.joined, s.model) AS model, s.position, i.source, i.catalogue, i.name,
        i.architecture, i.tasks, i.frameworks, i.licence, i.languages, i.formats, i.parameters,
        i.size_bytes, [i.source] AS known
    FROM imported i
    LEFT JOIN spelled s ON s.source = i.source AND s.model = coalesce(i.joined, s.model)
    UNION ALL
    SELECT
        o.model, o.position, regexp_replace(o.entry ->> '$.handle', '[@#].*$', ''), NULL, NULL,
        NULL, [], coalesce(k.frameworks, []), o.licence, [], o.formats,
        try_cast(list_extract(o.entry ->> '$.facts[*].value',
            list_position(o.entry ->> '$.facts[*].name', 'parameters')) AS BIGINT),
        NULL, o.known
    FROM own o LEFT JOIN stated k ON k.model = o.model AND k.position = o.position
)
SELECT
    model,
    coalesce(min(source) FILTER (catalogue IS NULL), min(source)) AS handle,
    max(catalogue) AS catalogue,
    max(name) AS name,
    list(DISTINCT name ORDER BY name) FILTER (name IS NOT NULL) AS names,
    list(DISTINCT architecture ORDER BY architecture) FILTER (architecture IS NOT NULL)
        AS architectures,
    list_sort(list_distinct(flatten(list(tasks)))) AS tasks,
    list_sort(list_distinct(flatten(list(frameworks)))) AS frameworks,
    coalesce(max(licence) FILTER (catalogue IS NULL), max(licence)) AS licence,
    list_sort(list_distinct(flatten(list(languages)))) AS languages,
    list_sort(list_distinct(flatten(list(formats)))) AS formats,
    max(parameters) AS parameters,
    max(size_bytes) AS size_bytes,
    list_sort(list_distinct(flatten(list(known)))) AS known
FROM both_kinds
GROUP BY model, coalesce(position::VARCHAR, source);
"""
"""Authored and imported sources, one row for each checkpoint of each model, and of no model."""

_NAMED = """
CREATE TEMP TABLE named AS
WITH loose AS (
    SELECT d.catalogue, d.name, max(d.library) AS library
    FROM {c}.imported_datasets d
    ANTI JOIN {c}.dataset_joins j ON j.catalogue = d.catalogue AND j.name = d.name
    GROUP BY d.catalogue, d.name
),
things AS (
    SELECT
        1 AS place, 'model' AS kind, m.id, m.name, m.about, NULL AS status, NULL AS catalogue,
        m.family, m.tasks, list_prepend(m.id, list_prepend(m.name, m.aliases)) AS called,
        {entry} + coalesce(ln(1 + h.items) + h.hubs / 2, 0) AS standing
    FROM {c}.models m
    LEFT JOIN (
        SELECT model, count(*) AS items, count(DISTINCT split_part(handle, ':', 1)) AS hubs
        FROM temp.hung GROUP BY model
    ) h ON h.model = m.id
    UNION ALL
    SELECT
        2, 'dataset', id, name, about, NULL, NULL, modality, tasks,
        list_prepend(id, list_prepend(name, aliases)),
        {entry} + ln(1 + json_array_length(entry, '$.access'))
    FROM {c}.datasets
    UNION ALL
    SELECT
        3, 'tool', id, name, about, status, NULL, purpose, [],
        list_prepend(id, list_prepend(name, aliases)),
        {entry}
            + CASE status WHEN 'active' THEN 2 WHEN 'archived' THEN 0 ELSE 1 END
    FROM {c}.tools
    UNION ALL
    SELECT
        4, 'source', handle, coalesce(name, handle), '', NULL, catalogue, NULL, tasks,
        list_sort(list_distinct(list_append(coalesce(names, []), string_split(handle, '/')[-1]))),
        0
    FROM temp.hung WHERE model IS NULL
    UNION ALL
    SELECT 5, 'dataset', catalogue || ':' || name, name, '', NULL, catalogue, NULL, [], [name], 0
    FROM loose
)
SELECT
    (row_number() OVER (ORDER BY catalogue IS NOT NULL, standing DESC, place, id))::INTEGER AS doc,
    * EXCLUDE (place)
FROM (SELECT * REPLACE (coalesce(standing, 0)::DOUBLE AS standing) FROM things);
"""

_ITEMS = """
INSERT INTO {c}.search_items
SELECT * FROM (
    SELECT
        n.doc, h.handle, split_part(h.handle, ':', 1) AS hub, h.catalogue, h.name,
        CASE WHEN len(h.tasks) = 0 THEN n.tasks ELSE h.tasks END AS tasks, h.frameworks,
        h.licence, h.languages, h.formats, h.parameters, h.size_bytes, NULL AS status, h.known
    FROM temp.hung h
    JOIN temp.named n ON n.kind = CASE WHEN h.model IS NULL THEN 'source' ELSE 'model' END
        AND n.id = coalesce(h.model, h.handle)
    UNION ALL
    SELECT
        n.doc, NULL, NULL, NULL, n.name, n.tasks, [], m.licence, [], [], NULL, NULL, NULL, []
    FROM temp.named n JOIN {c}.models m ON n.kind = 'model' AND m.id = n.id
    ANTI JOIN temp.hung h ON h.model = m.id
    UNION ALL
    SELECT
        n.doc, a.said ->> 'call', NULL, NULL, a.said ->> 'library', d.tasks,
        [a.said ->> 'framework'], d.licence, [], [], NULL,
        try_cast(d.entry ->> 'size_bytes' AS BIGINT), NULL, []
    FROM {c}.datasets d
    JOIN temp.named n ON n.kind = 'dataset' AND n.catalogue IS NULL AND n.id = d.id,
        unnest(CAST(d.entry -> 'access' AS JSON[])) AS a(said)
    UNION ALL
    SELECT
        n.doc, max(d.call), NULL, d.catalogue, max(d.library), n.tasks,
        list_sort(list_distinct(flatten(list(d.frameworks)))), max(d.licence), [], [], NULL,
        min(d.size_bytes), NULL, [d.catalogue || ':' || d.name]
    FROM {c}.imported_datasets d
    LEFT JOIN (SELECT DISTINCT dataset, catalogue, name FROM {c}.dataset_joins) j
        ON j.catalogue = d.catalogue AND j.name = d.name
    JOIN temp.named n ON n.kind = 'dataset'
        AND n.id = coalesce(j.dataset, d.catalogue || ':' || d.name)
    GROUP BY n.doc, n.tasks, d.catalogue, d.name
    UNION ALL
    SELECT
        n.doc, NULL, NULL, NULL, n.name, [], t.frameworks, NULL, t.languages, [], NULL, NULL,
        t.status, []
    FROM {c}.tools t JOIN temp.named n ON n.kind = 'tool' AND n.id = t.id
)
ORDER BY doc, hub, handle, catalogue, name, frameworks, size_bytes;
INSERT INTO {c}.search_docs
SELECT
    n.doc, n.kind, n.id, n.name, n.about, n.status, n.catalogue, n.family, n.tasks, n.called,
    coalesce(i.items, 0), n.standing
FROM temp.named n
LEFT JOIN (SELECT doc, count(*) AS items FROM {c}.search_items GROUP BY doc) i ON i.doc = n.doc
ORDER BY n.doc;
INSERT INTO {c}.search_handles
SELECT DISTINCT lower(called), doc, handle
FROM (
    SELECT unnest(known) AS called, doc, handle FROM {c}.search_items
    UNION ALL
    SELECT regexp_replace(unnest(known), '^[a-z][a-z0-9-]*:', ''), doc, handle
    FROM {c}.search_items
    UNION ALL
    SELECT name, doc, handle FROM {c}.search_items WHERE hub IS NOT NULL AND name IS NOT NULL
)
ORDER BY ALL;
"""

_TERMS = """
CREATE TEMP TABLE called_so AS
SELECT doc, unnest(called) AS text, generate_subscripts(called, 1) AS place,
    catalogue IS NOT NULL AS loose
FROM temp.named;
CREATE TEMP TABLE reached AS
-- doc, text, field of the whole, field of its words: NULL where one of them is not looked for.
SELECT doc, text,
    CASE WHEN loose THEN {own_name} WHEN place <= 2 THEN {name} ELSE {alias} END AS whole,
    CASE WHEN loose THEN {own_word} WHEN place <= 2 THEN {name_word} ELSE {alias_word} END AS word
FROM temp.called_so
UNION ALL SELECT doc, family, CASE kind WHEN 'model' THEN {family} ELSE {task} END, {task_word}
FROM temp.named WHERE family IS NOT NULL
UNION ALL SELECT doc, unnest(tasks), {task}, {task_word} FROM temp.named
UNION ALL SELECT doc, regexp_extract(task, '^[a-z0-9]+-(.+-.+)$', 1), {task_part}, NULL
FROM (SELECT doc, unnest(tasks) AS task FROM temp.named)
UNION ALL SELECT n.doc, w.word, {task}, {task_word}
FROM (SELECT doc, unnest(tasks) AS task FROM temp.named) n
JOIN temp.task_words w ON w.task = n.task
UNION ALL SELECT doc, unnest(list_concat(frameworks, languages)), {kind}, {kind}
FROM {c}.search_items
UNION ALL SELECT doc, hub, {kind}, {kind} FROM {c}.search_items WHERE hub IS NOT NULL
UNION ALL SELECT n.doc, i.name, {kind}, {kind}
FROM {c}.search_items i JOIN temp.named n ON n.doc = i.doc AND n.kind = 'dataset'
WHERE i.name IS NOT NULL
UNION ALL SELECT n.doc, t.vendor, {kind}, {kind}
FROM {c}.tools t JOIN temp.named n ON n.kind = 'tool' AND n.id = t.id
WHERE t.vendor IS NOT NULL
UNION ALL SELECT n.doc, unnest(list_concat(coalesce(h.names, []), coalesce(h.architectures, []),
    list_transform(h.known, lambda k: string_split(k, '/')[-1]))), {source}, {source_word}
FROM temp.hung h JOIN temp.named n ON n.kind = 'model' AND n.id = h.model
-- What it is built as is no name of its own, and who published it none at all.
UNION ALL SELECT n.doc, unnest(h.architectures), {family}, {own_word}
FROM temp.hung h JOIN temp.named n ON n.kind = 'source' AND h.model IS NULL AND n.id = h.handle
UNION ALL SELECT i.doc, split_part(split_part(i.handle, ':', 2), '/', 1), {source_word},
    {source_word}
FROM {c}.search_items i WHERE contains(i.handle, '/') AND i.hub NOT IN ('url', 'file')
UNION ALL SELECT doc, about, NULL, {prose} FROM temp.named WHERE about <> '';
CREATE TEMP TABLE led AS
WITH once AS (SELECT DISTINCT * FROM temp.reached WHERE text IS NOT NULL),
-- Many share their texts and words, which are taken apart once.
texts AS (
    SELECT text, together_of(text) AS whole, words_of(text) AS found
    FROM (SELECT DISTINCT text FROM once)
),
single AS (
    SELECT DISTINCT o.doc, o.word AS field, t.term
    FROM once o
    JOIN (SELECT text, unnest(found) AS term FROM texts) t ON t.text = o.text
    WHERE o.word IS NOT NULL
),
apart AS (
    SELECT term, CASE WHEN regexp_matches(term, '[0-9]') THEN parts_of(term) ELSE [] END AS parts,
        stem_of(term) AS stem
    FROM (SELECT DISTINCT term FROM single)
),
every AS (
    SELECT o.doc, o.whole AS field, t.whole AS term
    FROM once o JOIN texts t ON t.text = o.text WHERE o.whole IS NOT NULL
    UNION ALL
    SELECT doc, field, term FROM single
    UNION ALL
    SELECT s.doc, s.field, unnest(a.parts)
    FROM single s JOIN apart a ON a.term = s.term WHERE s.field <> {prose}
    UNION ALL
    SELECT s.doc, s.field, a.stem
    FROM single s JOIN apart a ON a.term = s.term WHERE s.field NOT IN ({own_word}, {source_word})
    UNION ALL
    -- Two words next to each other, written together: R-CNN is RCNN.
    SELECT o.doc, o.word, unnest(list_transform(list_zip(t.found[:-2], t.found[2:]),
        lambda pair: pair[1] || pair[2]))
    FROM once o JOIN texts t ON t.text = o.text
    WHERE o.word IN ({name_word}, {alias_word}) AND len(t.found) > 2
)
SELECT term, doc, min(field)::UTINYINT AS field
FROM every
WHERE term IS NOT NULL AND term <> ''
GROUP BY term, doc;
INSERT INTO {c}.search_terms
SELECT term, field, list(doc ORDER BY doc)[:{most}]
FROM temp.led GROUP BY term, field ORDER BY term, field;
INSERT INTO {c}.search_words
SELECT term, length(term), letters_of(term), sum(len(docs))
FROM {c}.search_terms
WHERE field <> {prose} AND NOT starts_with(term, '{stem}') AND length(term) < 64
GROUP BY term
ORDER BY length(term), term;
"""

_FACETS = """
INSERT INTO {c}.search_values
SELECT DISTINCT doc, facet, value
FROM (
    SELECT doc, 'task' AS facet, unnest(tasks) AS value FROM {c}.search_items
    UNION ALL SELECT doc, 'framework', unnest(frameworks) FROM {c}.search_items
    UNION ALL SELECT doc, 'hub', hub FROM {c}.search_items
    UNION ALL SELECT doc, 'licence', licence FROM {c}.search_items
    UNION ALL SELECT doc, 'language', unnest(languages) FROM {c}.search_items
    UNION ALL SELECT doc, 'file-format', unnest(formats) FROM {c}.search_items
    UNION ALL SELECT doc, 'status', status FROM {c}.search_items
    UNION ALL SELECT doc, 'kind', kind FROM {c}.search_docs
)
WHERE value IS NOT NULL AND value <> 'any'
ORDER BY ALL;
INSERT INTO {c}.search_facets
SELECT facet, value, count(*) FROM {c}.search_values
GROUP BY facet, value ORDER BY facet, count(*) DESC, value;
"""

_ENTRY = 8.0
"""What it adds to standing that somebody wrote an entry."""

_SAID: dict[str, object] = {
    **{name.lower(): getattr(search_words, name) for name in search_words.FIELD_NAMES},
    "stem": search_words.STEM,
    "most": MOST_DOCS,
    "entry": _ENTRY,
}
"""What the SQL above names in braces."""


def write(database: duckdb.DuckDBPyConnection, catalog: str, data: Path) -> None:
    """Fill the tables of `TABLES`; the rest of the catalogue stands in its tables already."""
    database.execute(search_words.MACROS)
    database.execute(_DROP)
    database.execute("CREATE TEMP TABLE task_words (task VARCHAR, word VARCHAR)")
    insert(
        database, "temp.task_words", (("task", "VARCHAR"), ("word", "VARCHAR")), _task_words(data)
    )
    for text in (_HUNG, _NAMED, _ITEMS, _TERMS, _FACETS):
        database.execute(text.format(c=catalog, **_SAID))
    database.execute(_DROP)


def _task_words(data: Path) -> list[dict[str, str]]:
    """Read the other words of tasks; a catalogue of one's own need not have the file."""
    path = data / TASK_WORDS
    if not path.exists():
        return []
    try:
        content = yaml_text.parse(path.read_bytes())
        return [
            {"task": task, "word": str(word)}
            for task, said in content["tasks"].items()
            for word in (*said.get("called", ()), *said.get("parts", ()))
        ]
    except (OSError, TypeError, KeyError, AttributeError) as error:
        raise CatalogueError(f"{path.name} holds no words of tasks: {error}") from error
