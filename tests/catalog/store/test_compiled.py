"""The catalogue comes ready made: the tables are those of the files, or are not used."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from caniload.catalog import authored, compiled, generations, publishing
from caniload.settings import Settings

DATA = Settings.read({}).data
KINDS = ("models", "datasets", "tools", "environments", "joins", "imported")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the catalogue, with two packaged segments, compiled."""
    folder = tmp_path_factory.mktemp("compiled") / "data"
    folder.mkdir()
    for kind in KINDS:
        shutil.copytree(DATA / kind, folder / kind)
    for path in DATA.glob("*.yaml"):
        shutil.copy(path, folder)
    for run in ("20261125T113207Z-3e3985", "20261125T135703Z-14926b"):
        shutil.copytree(DATA / "evidence" / run, folder / "evidence" / run)
    compiled.compile_catalogue(at(folder, folder.parent / "home"))
    return folder


def at(data: Path, home: Path) -> Settings:
    return Settings.read({"CANILOAD_HOME": str(home), "CANILOAD_DATA": str(data)})


def fits(settings: Settings) -> bool:
    return compiled.fits(settings, generations.content(settings.data, settings.imported))


def tables(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Publish and return every table that does not say when."""
    made = publishing.rebuild(settings)
    with duckdb.connect(str(made.path(settings)), read_only=True) as store:
        names = store.sql("SELECT table_name FROM duckdb_tables()").fetchall()
        return {
            name: store.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for (name,) in names
            if name != "meta"
        }


def test_what_is_ready_made_is_what_the_files_give(data, tmp_path, monkeypatch):
    assert fits(at(data, tmp_path / "a"))
    from_files = tables(
        at(shutil.copytree(data, tmp_path / "data", ignore=without), tmp_path / "b")
    )
    monkeypatch.setattr(authored, "load", lambda _: pytest.fail("the files were read"))
    ready_made = tables(at(data, tmp_path / "a"))
    assert len(ready_made["models"]) > 100
    assert ready_made["diagnoses"]
    assert ready_made == from_files


def without(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "compiled"]


@pytest.mark.parametrize("change", ["a file", "a stamp", "no stamp", "a table"])
def test_what_has_moved_is_read_from_the_files(data, tmp_path, change):
    mine = shutil.copytree(data, tmp_path / "data")
    if change == "a file":
        entry = mine / "tools" / "torchserve.yaml"
        entry.write_text(entry.read_text().replace("name: TorchServe", "name: TorchServe, moved"))
    elif change == "a stamp":
        stamp = mine / "compiled" / "stamp.json"
        stamp.write_text(stamp.read_text().replace('"schema": ', '"schema": 1'))
    elif change == "a table":
        shutil.copy(mine / "compiled" / "claims.parquet", mine / "compiled" / "sources.parquet")
    else:
        (mine / "compiled" / "stamp.json").unlink()
    settings = at(mine, tmp_path / "home")
    assert not fits(settings)
    if change == "a file":
        found = tables(settings)["tools"]
        assert any("TorchServe, moved" in str(row) for row in found)


def test_what_comes_with_caniload_is_of_its_files(tmp_path):
    """Else first use reads them all, or is wrong; `caniload catalog compile` makes it anew."""
    assert fits(Settings.read({"CANILOAD_HOME": str(tmp_path / "home")}))
    anew = shutil.copytree(DATA, tmp_path / "data", ignore=without)
    compiled.compile_catalogue(at(anew, tmp_path / "home"))
    for table in (*compiled.TABLES, compiled.DIAGNOSES):
        rows = [
            duckdb.sql(f"FROM '{place}/compiled/{table}.parquet'").fetchall()
            for place in (DATA, anew)
        ]
        assert rows[0] == rows[1], table
