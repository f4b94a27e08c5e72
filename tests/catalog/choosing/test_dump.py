"""What is documented is there and the other way round; a dump holds what the store does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from caniload.catalog import dumping
from caniload.catalog.dumping import dump
from caniload.catalog.generations import schema_version
from caniload.catalog.schema import schema
from caniload.catalog.store import Store, open_store
from caniload.errors import BadInputError, CaniloadError, UnknownNameError
from caniload.settings import Settings

ROOT = Path(__file__).parent.parent.parent.parent
READ = {
    "parquet": "FROM read_parquet('{}')",
    "json": "FROM read_json('{}', format = 'newline_delimited')",
    "csv": "FROM read_csv('{}', header = true)",
}


def offered(store: Store) -> dict[str, list[str]]:
    """The columns of every table and view that a user of `sql` sees, but for internal ones."""
    store.sql("SELECT 1")
    found: dict[str, list[str]] = {}
    for _, table, column in store.direct(
        "SELECT database_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "ORDER BY database_name, table_name, column_index"
    ):
        if not schema().is_internal(table):
            columns = found.setdefault(table, [])
            if column not in columns:
                columns.append(column)
    return found


def test_every_column_is_documented_and_every_documented_one_is_there(packaged: Settings) -> None:
    with open_store(packaged) as store:
        found = offered(store)
    described = {name: list(table.columns) for name, table in schema().tables.items()}
    assert {name: sorted(columns) for name, columns in found.items()} == {
        name: sorted(columns) for name, columns in described.items()
    }
    for table in schema().tables.values():
        assert table.group in schema().groups
        assert all(text.endswith((".", "?")) for text in (table.about, *table.columns.values()))


def test_the_page_is_the_description() -> None:
    script = str(ROOT / "scripts" / "write_schema_page.py")
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", dumping.FORMS)
def test_a_dump_holds_what_the_store_does(
    packaged: Settings, tmp_path: Path, form: dumping.Form
) -> None:
    with open_store(packaged) as store:
        made = dump(store, tmp_path / "out", form)
        described = json.loads((made.folder / "schema.json").read_text())
        names = [name for name, table in schema().tables.items() if table.dumped]
        assert [part.table for part in made.parts] == names == list(described["tables"])
        assert described["schema_version"] == schema_version() == made.schema_version
        files = {part.file for part in made.parts} | {"schema.json"}
        assert {path.name for path in made.folder.iterdir()} == files
        with duckdb.connect() as reader:
            if form == "duckdb":
                reader.execute(f"ATTACH '{made.folder / dumping.DATABASE}' AS d (READ_ONLY)")
            for part in made.parts:
                inside = f"FROM d.{part.table}"
                if form != "duckdb":
                    inside = READ[form].format(made.folder / part.file)
                ((rows,),) = store.sql(f"SELECT count(*) FROM {part.table}")
                assert part.rows == rows == described["tables"][part.table]["rows"]
                if rows or form not in ("json",):
                    assert reader.execute(f"SELECT count(*) {inside}").fetchone() == (rows,)
                    columns = [each[0] for each in reader.execute(f"{inside} LIMIT 0").description]
                    assert columns == list(described["tables"][part.table]["columns"])
            if form in ("parquet", "duckdb"):
                inside = "FROM d.answers"
                if form == "parquet":
                    inside = READ[form].format(made.folder / "answers.parquet")
                query = "SELECT model, framework, verdict, decisive, measured_at {} ORDER BY ALL"
                mine = store.sql(query.format("FROM answers"))
                assert reader.execute(query.format(inside)).fetchall() == mine
            if form == "duckdb":
                told = reader.execute(
                    "SELECT comment FROM duckdb_columns() WHERE database_name = 'd' "
                    "AND table_name = 'answers' AND column_name = 'verdict'"
                ).fetchone()
                assert told == (schema().tables["answers"].columns["verdict"],)


def test_a_dump_is_written_whole_or_not_at_all(
    packaged: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(packaged) as store:
        kept = tmp_path / "kept"
        kept.mkdir()
        (kept / "mine.txt").write_text("mine")
        with pytest.raises(BadInputError, match="is there already"):
            dump(store, kept, "csv")
        assert [path.name for path in kept.iterdir()] == ["mine.txt"]
        with pytest.raises(UnknownNameError) as caught:
            dump(store, tmp_path / "out", "csv", ["modls"])
        assert "models" in caught.value.near
        (tmp_path / "file").write_text("")
        with pytest.raises(CaniloadError):
            dump(store, tmp_path / "file" / "out", "csv", ["models"])

        def broken(*_: object) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(dumping, "_description", broken)
        with pytest.raises(CaniloadError, match="no space left"):
            dump(store, tmp_path / "out", "parquet", ["models"])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "kept"]
