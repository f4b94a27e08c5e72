"""The authored catalogue as tables: what first use loads in place of some hundred YAML files.

`caniload catalog compile` writes them beside the authored files, as Parquet, with a stamp of what
they were made of: the contents of the data directory, the schema, and the code that made them; and
of the tables themselves. They are used only where all of it is what it was; else the files
themselves are read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from caniload.catalog import generations, search_tables, verdicts
from caniload.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.diagnosis import Rules

TABLES = (
    "models", "sources", "claims", "entry_settings", "same_weights", "published_numbers",
    "datasets", "tools", "environments", "failure_rules", "joins", "dataset_joins",
    *search_tables.TABLES,
)  # fmt: skip
"""What is authored, what hangs under it by rules, and the index of it all."""

DIAGNOSES = "diagnoses"
"""Those of the evidence that comes with the data directory."""

STAMP = "stamp.json"
MAKERS = (
    "authored.py", "authored_tables.py", "compiled.py", "dataset_joining.py", "diagnosis.py",
    "entries.py", "failure_rules.py", "imported_tables.py", "joining.py", "rule_model.py",
    "search_tables.py", "search_words.py", "verdicts.py", "../handles.py", "../words.py",
    "../yaml_text.py",
)  # fmt: skip
"""The code that decides what the tables hold, from this folder."""


def fits(settings: Settings, content: str) -> bool:
    """Tell whether the tables are whole, and those of this content, this schema and this code.

    `content` is `generations.content` of the data directory and the user's own snapshots.
    """
    folder = _folder(settings.data)
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return bool(stamp == _stamp(folder, content))
    except (OSError, ValueError):
        return False


def write(database: duckdb.DuckDBPyConnection, catalog: str, settings: Settings) -> Rules:
    """Fill the tables of a generation; returns the rules of diagnosis, which are one of them."""
    from caniload.catalog.diagnosis import rules_from_json

    folder = _folder(settings.data)
    for table in TABLES:
        path = str(folder / f"{table}.parquet")
        database.execute(f"INSERT INTO {catalog}.{table} BY NAME FROM read_parquet(?)", [path])
    text = database.execute(f"SELECT rules FROM {catalog}.failure_rules").fetchall()
    return rules_from_json(text[0][0])


def diagnose(
    database: duckdb.DuckDBPyConnection, rules: Rules, catalog: str, settings: Settings
) -> None:
    """Take the diagnoses of the packaged evidence as they are, and make those of the rest."""
    from caniload.catalog.segments import packaged

    path = str(_folder(settings.data) / f"{DIAGNOSES}.parquet")
    database.execute(
        f"INSERT INTO {catalog}.diagnoses BY NAME SELECT * FROM read_parquet(?) "
        "WHERE observation_id IN (SELECT id FROM observations)",
        [path],
    )
    names = ", ".join(f"'{name}'" for name in packaged(settings.data)) or "''"
    rest = f"(SELECT * FROM newer_observations WHERE segment NOT IN ({names}))"
    verdicts.diagnose_rows(database, rules, rest, f"{catalog}.diagnoses")


def compile_catalogue(settings: Settings) -> Path:
    """Write the tables of a data directory into it, made from its files; returns their folder.

    The same files give the same bytes. Raises what `publishing.publish` does.
    """
    import duckdb

    from caniload.catalog import publishing

    folder = _folder(settings.data)
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(folder, ignore_errors=True)  # so that they are made of the files
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    with tempfile.TemporaryDirectory() as home:
        alone = Settings.read({"CANILOAD_HOME": home, "CANILOAD_DATA": str(settings.data)})
        made = publishing.publish(alone)
        with duckdb.connect(str(made.path(alone)), read_only=True) as database:
            database.execute("SET threads = 1")
            for table in (*TABLES, DIAGNOSES):
                order = "ALL" if table == DIAGNOSES else "rowid"
                target = str(draft / f"{table}.parquet").replace("'", "''")
                database.execute(
                    f"COPY (FROM {table} ORDER BY {order}) TO '{target}' "
                    "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
                )
        content = generations.content(alone.data, alone.imported)
    stamp = json.dumps(_stamp(draft, content), indent=1)
    (draft / STAMP).write_text(f"{stamp}\n", encoding="utf-8")
    draft.replace(folder)
    return folder


def _folder(data: Path) -> Path:
    return data / generations.COMPILED


def _stamp(folder: Path, content: str) -> dict[str, object]:
    """Say what tables of this content would be made of, and what lies in the folder."""
    tables = sorted(f"{name}.parquet" for name in (*TABLES, DIAGNOSES))
    return {
        "content": content,
        "schema": generations.schema_version(),
        "code": _digest([Path(__file__).parent / name for name in MAKERS]),
        "tables": _digest([folder / name for name in tables]),
    }


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
