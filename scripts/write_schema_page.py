"""Write docs/schema.md from caniload/catalog/schema.yaml; with --check say whether it drifted."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "schema.md"
HEAD = """# Schema

Schema version {version}. Written by `scripts/write_schema_page.py` from
`caniload/catalog/schema.yaml`; a test compares that file with a store, column by column, and this
page with that file.

```
caniload sql "SELECT loader, framework, verdict FROM answers WHERE model = 'bert'"
caniload dump --format parquet --to caniload-dump
```

`caniload sql` reads these tables, and nothing else, in DuckDB's SQL; `caniload dump` writes them as
Parquet, JSON lines, CSV or one DuckDB file, beside a `schema.json` that says the same as this page.
Lists and JSON are text in CSV. Times are UTC, without a zone; sizes are bytes, durations seconds.
A dump of Parquet is read by any tool that knows Parquet:

```python
import duckdb

duckdb.sql("SELECT framework, verdict, count(*) FROM 'caniload-dump/answers.parquet' GROUP BY ALL")
```

The version is `meta.schema_version`, and stands in `schema.json` and in the key-value metadata of
every Parquet file (`caniload_schema`). A version adds tables and columns at the end; it renames and
removes none. What `SHOW ALL TABLES` lists besides, indexes and parts of views ({internal}), is
internal and may change at any time.
"""


def page() -> str:
    """Return the whole page."""
    from caniload.catalog.generations import schema_version
    from caniload.catalog.schema import schema
    from caniload.catalog.store import open_store
    from caniload.settings import Settings

    found = schema()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.read({"CANILOAD_HOME": home})
        with open_store(settings) as store:
            store.sql("SELECT 1")
            types = {
                name: dict(
                    store.direct(f"SELECT column_name, column_type FROM (DESCRIBE FROM {name})")
                )
                for name in found.tables
            }
    internal = ", ".join(f"`{name}`" for name in found.internal)
    parts = [HEAD.format(version=schema_version(), internal=internal)]
    for group, about in found.groups.items():
        parts.append(f"## {group.capitalize()}\n\n{about}\n")
        for table in (one for one in found.tables.values() if one.group == group):
            lines = [f"### `{table.name}`", "", table.about, ""]
            lines += ["| column | type | meaning |", "| --- | --- | --- |"]
            lines += [
                f"| `{name}` | {types[table.name][name]} | {about} |"
                for name, about in table.columns.items()
            ]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write("docs/schema.md drifted; run python scripts/write_schema_page.py\n")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
