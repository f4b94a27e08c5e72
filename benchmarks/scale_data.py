"""SQL that draws a catalogue and its evidence at any size: the same numbers give the same rows.

Names are a made-up word, a real family, size and task, as on hubs; a model has two sources or
three, some very many; of the sources one in a hundred has 100 observations, most one or two. Of
a source's cells half are claimed; seven of ten pass, with a print of eight samples each.
"""

from __future__ import annotations

from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS

HUBS = ("hf", "kaggle", "onnx", "tfhub", "timm", "torchhub")
"""In order: evidence lies sorted by source, which begins with its hub."""

SOURCES_PER_MODEL = 3
OBSERVATIONS_PER_SOURCE = 10 / 3

NIGHTS = 400
"""How many runs the evidence is of; each has something of everything."""


def _words(text: str) -> list[str]:
    """Take a list apart that is written as words."""
    return text.split()


FAMILIES = _words("""
bert:fill-mask roberta:fill-mask distilbert:fill-mask albert:fill-mask electra:fill-mask
deberta:fill-mask gpt2:text-generation llama:text-generation mistral:text-generation
qwen:text-generation gemma:text-generation phi:text-generation t5:translation bart:summarization
marian:translation whisper:automatic-speech-recognition wav2vec2:automatic-speech-recognition
hubert:audio-classification minilm:sentence-similarity mpnet:sentence-similarity
vit:image-classification swin:image-classification convnext:image-classification
resnet50:image-classification efficientnet:image-classification mobilenet:image-classification
inception:image-classification yolov8:object-detection detr:object-detection
unet:image-segmentation segformer:image-segmentation clip:zero-shot-image-classification
""")
SIZES = _words("tiny mini small base medium large xl nano")
USES = _words("""
sst2 squad mnli imdb cola ner finetuned distilled quantized lora instruct chat multilingual cased
uncased imagenet1k cifar10 coco ade20k librispeech german french chinese spanish
""")
LICENCES = _words("Apache-2.0 MIT CC-BY-4.0 CC-BY-NC-4.0 OpenRAIL")
SYLLABLES = _words("""
ba ko ri ve lu mo sa ti no pe da gi fu ha ze ro mi tu ka le so bi nu ga do wa pi ra ce lo ma vi
te jo su fa ne ku di be
""")
LOADERS = (
    ("transformers", "pytorch"),
    ("sentence-transformers", "pytorch"),
    ("keras-hub", "tensorflow"),
    ("keras-hub", "jax"),
    ("onnx", "onnxruntime"),
)
ENVIRONMENTS = ("pytorch", "pytorch", "tensorflow", "keras-jax", "onnxruntime")
NO_TF = "cannot import name 'TFBertModel' from 'transformers'"
REVISION = "a" * 40


def _pick(words: list[str] | tuple[str, ...], seed: str) -> str:
    """Choose one of some words by a hash."""
    return f"{list(words)!r}[1 + (hash({seed}) % {len(words)})::INTEGER]"


_FAMILY = _pick(FAMILIES, "i, 'family'")
_SYLLABLES = " || ".join(_pick(SYLLABLES, f"i, {place}") for place in range(3))

MODELS = f"""
CREATE TABLE models_drawn AS
WITH worded AS (
    SELECT
        i, {_SYLLABLES} AS nick, split_part({_FAMILY}, ':', 1) AS family,
        split_part({_FAMILY}, ':', 2) AS task, {_pick(SIZES, "i, 'size'")} AS size,
        {_pick(USES, "i, 'use'")} AS use
    FROM range($models) t(i)
),
named AS (
    SELECT *, concat_ws('-', nick, family, size, use) AS stem,
        row_number() OVER (PARTITION BY nick, family, size, use ORDER BY i) AS version
    FROM worded
)
SELECT
    (row_number() OVER (ORDER BY id) - 1)::INTEGER AS n, id, nick, family, task, size, use,
    version, (hash(id) % 1000000)::INTEGER AS luck,
    CASE WHEN hash(id) % 100 < 60 THEN 2 WHEN hash(id) % 100 < 90 THEN 3
        WHEN hash(id) % 100 < 98 THEN 6 ELSE 21 END AS many
FROM (SELECT *, stem || CASE version WHEN 1 THEN '' ELSE '-v' || version END AS id FROM named)
ORDER BY n
"""
"""The models, numbered in the order of their ids."""

SOURCES = f"""
CREATE TABLE sources_drawn AS
SELECT
    n, id AS model, position, hub, luck, family, task, size,
    printf('%s:org%06d/%s', hub, n // 4, id) || CASE
        WHEN position = 0 OR position < {len(HUBS)} AND hub <> 'hf' THEN ''
        ELSE '-' || position END AS source,
    hash(id, position) AS draw
FROM (
    SELECT *, {list(HUBS)!r}[1 + (CASE position WHEN 0 THEN 0
        ELSE (luck + position) % {len(HUBS)} END)::INTEGER] AS hub
    FROM (SELECT *, unnest(range(many))::INTEGER AS position FROM models_drawn)
)
"""
"""Their sources; the locator begins with an owner, so that order by source is order by number."""

AUTHORED = f"""
INSERT INTO next.models
SELECT
    id, concat_ws(' ', upper(left(nick, 1)) || nick[2:], upper(family), size, use,
        CASE WHEN version > 1 THEN 'v' || version END) AS name,
    CASE WHEN luck % 3 = 0 THEN [nick || family || CASE WHEN version > 1 THEN 'v' || version
        ELSE '' END || size || use] ELSE [] END AS aliases,
    family, [task], {_pick(LICENCES, "luck")}, 'Drawn for a measurement of scale.', [],
    list_prepend(id, list_prepend(lower(name), aliases)), '{{}}'
FROM models_drawn ORDER BY id;
INSERT INTO next.sources
SELECT
    model, position, source, source || '@{REVISION}#safetensors', '{REVISION}', true,
    ['safetensors'], {_pick(LICENCES, "luck")},
    json_object('handle', source || '@{REVISION}#safetensors', 'hints', NULL)
FROM sources_drawn ORDER BY model, position;
INSERT INTO next.claims
SELECT model, source, source || '@{REVISION}#safetensors', loader, framework, '5.23.0',
    'https://example.org/' || model, '2026-11-01', 'Its files are there.'
FROM sources_drawn, (VALUES {", ".join(map(str, LOADERS))}) l(loader, framework)
WHERE hash(draw, loader, framework) % 100 < 30 ORDER BY model, position;
INSERT INTO next.imported_sources BY NAME
SELECT
    'hf' AS catalogue, source || '@{REVISION}' AS handle,
    regexp_replace(source, '^hf:', '') AS name, family AS architecture, [task] AS tasks,
    CASE WHEN draw % 4 = 0 THEN ['de'] ELSE ['en'] END AS languages,
    CASE WHEN draw % 5 = 0 THEN ['pytorch', 'jax'] ELSE ['pytorch'] END AS frameworks,
    ['transformers'] AS loaders, ['safetensors'] AS formats,
    (draw % 7000)::BIGINT * 1000000 AS parameters, (draw % 7000)::BIGINT * 2000000 AS size_bytes,
    {_pick(LICENCES, "luck")} AS licence
FROM sources_drawn WHERE hub = 'hf' AND position = 0 ORDER BY source;
INSERT INTO next.joins
SELECT model, source || '@{REVISION}', 'hf', 'drawn' FROM sources_drawn
WHERE hub = 'hf' AND position = 0 ORDER BY model;
"""
"""The catalogue's own tables, in the order in which publishing leaves them."""

_CELLS = f"""
SELECT
    s.*, o AS nth,
    CASE WHEN draw % 1000 < 100 THEN o // 2 ELSE 0 END AS cell_n,
    hash(draw, CASE WHEN draw % 1000 < 100 THEN o // 2 ELSE 0 END) AS cell_draw,
    (hash(draw, 'loader') + cell_n) % {len(LOADERS)} AS loader_n,
    cell_n // {len(LOADERS)} AS version_n,
    (hash(draw, o) % {NIGHTS})::INTEGER AS night
FROM (
    SELECT *, unnest(range(CASE WHEN draw % 1000 < 10 THEN 100 WHEN draw % 1000 < 100 THEN 12
        WHEN draw % 1000 < 457 THEN 2 ELSE 1 END))::INTEGER AS o
    FROM sources_drawn WHERE hub = $hub AND n >= $first AND n < $last
) s
"""

OBSERVATIONS = f"""
SELECT
    strftime(TIMESTAMP '2025-10-21' + to_days(night), '%Y%m%dT%H%M%SZ')
        || printf('-%06x', night) AS run_id,
    printf('%s-%s', run_id, left(md5(source || '|' || nth), 12)) AS id,
    left(md5(concat_ws('|', source, loader_n, version_n)), 24) AS cell_id,
    1 AS attempt, model, source, '{REVISION}' AS revision,
    source || '@{REVISION}#safetensors' AS handle, 'safetensors' AS format,
    {[name for name, _ in LOADERS]!r}[1 + loader_n::INTEGER] AS loader,
    {[name for _, name in LOADERS]!r}[1 + loader_n::INTEGER] AS framework,
    printf('2.%d.0', 13 - version_n) AS framework_version,
    {list(ENVIRONMENTS)!r}[1 + loader_n::INTEGER] AS environment,
    '3.11' AS python_minor, 'linux-x86_64' AS platform, 'cpu' AS device,
    '0123456789abcdef' AS recipe_hash,
    '{{"name":"tokens","dtype":"auto","weights":"pretrained","seed":20260101}}' AS recipe,
    'pretrained' AS weights, 'attempt' AS kind,
    CASE WHEN cell_draw % 10 < 7 THEN 'passed' WHEN cell_draw % 10 < 9 THEN 'failed'
        ELSE 'timed_out' END AS outcome,
    CASE outcome WHEN 'passed' THEN 'check' WHEN 'failed' THEN 'import' ELSE 'run' END AS stage,
    CASE outcome WHEN 'passed' THEN 'pretrained' END AS evidence_level,
    'fresh' AS worker,
    TIMESTAMPTZ '2025-10-21 00:00:00+00' + to_days(night) + to_seconds(n % 86000) AS started_at,
    started_at + INTERVAL 5 SECOND AS finished_at,
    5.0 AS wall_seconds,
    CASE outcome WHEN 'failed' THEN 'ImportError' END AS exception_type,
    CASE outcome WHEN 'failed' THEN $no_tf END AS exception_message,
    CASE outcome WHEN 'failed' THEN $exceptions ELSE '[]' END AS exceptions,
    coalesce(exception_type || ': ' || exception_message, '') AS message,
    '[]' AS checks,
    CASE outcome WHEN 'passed' THEN json_object(
        'recipe_hash', recipe_hash, 'outputs', [json_object(
            'name', 'last_hidden_state', 'shape', [2, 4], 'dtype', 'float32',
            'mean', 0.0, 'rms', 1.0, 'samples', list_transform(range(8), lambda i:
                sin(i + n) * (1 + CASE loader_n WHEN 2 THEN 1e-3 ELSE 1e-6 * loader_n END))
        )]) END AS fingerprint,
    '{{"parameters": 22713216}}' AS numbers,
    '{{"class": "BertModel"}}' AS facts,
    json_object('torch', framework_version, loader, '5.23.0') AS decisive,
    left(md5(decisive), 16) AS environment_key,
    json_object('torch', framework_version, loader, '5.23.0', 'numpy', '2.4.6') AS lock,
    '[]' AS patches,
    '{{"kind":"bubblewrap","network":false,"memory":"pss","processes":"none"}}' AS sandbox,
    500000000 AS peak_memory_bytes, '' AS log_excerpt,
    CASE WHEN night % 2 = 0 THEN 'ci' ELSE 'me' END AS observer,
    '0.1.0' AS caniload_version, 'drawn' AS machine, '{{}}' AS record
FROM ({_CELLS}) ORDER BY source, started_at, id
"""
"""The observations of one bucket: one hub's sources of a range of models."""

GIVEN = tuple(
    name for name, _ in OBSERVATION_COLUMNS
    if name not in ("export_format", "parent_observation", "signal", "exit_code", "log")
)  # fmt: skip
"""The columns that the text above gives; the others are NULL."""

OBSERVED = ", ".join(
    f"CAST({name if name in GIVEN else 'NULL'} AS {kind}) AS {name}"
    for name, kind in OBSERVATION_COLUMNS
)
_SETTLED = {
    "run_id": "run_id",
    "cell_id": "cell_id",
    "observations": "CAST(to_json(list(id ORDER BY id)) AS JSON)",
    "outcome": "arg_max(outcome, id)",
    "settled_at": "max(finished_at)",
}
SETTLED = ", ".join(f"{_SETTLED[name]} AS {name}" for name, _ in SETTLEMENT_COLUMNS)
