"""The Python API gives the command line's own answers, and costs nothing until it is asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import caniload
from caniload import api
from caniload.cli import boundary
from caniload.cli.out import plain
from caniload.settings import Settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "python.md"
SLOW = {"duckdb", "pydantic", "typer", "rich", "yaml", "huggingface_hub", "numpy"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the questions of this file share, beside a copy of what comes with caniload."""
    folder = tmp_path_factory.mktemp("api")
    shutil.copytree(Settings.read({}).data, folder / "data")
    return folder / "home"


@pytest.fixture(autouse=True)
def _here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANILOAD_HOME", str(home))
    monkeypatch.setenv("CANILOAD_DATA", str(home.parent / "data"))


def command(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    boundary.run([*words, "--format", "json"])
    return json.loads(capsys.readouterr().out)["data"]


def loaded(code: str) -> set[str]:
    """Run code in a fresh interpreter; return the modules that it loaded."""
    text = (
        f"import sys; before = set(sys.modules)\n{code}\nafter = set(sys.modules)\n"
        "import json; print(json.dumps(sorted(after - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", text],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_costs_nothing() -> None:
    assert loaded("import caniload") <= {"caniload", "__future__"}
    assert "caniload.api" not in loaded("from caniload import units, handles")
    assert not loaded("import caniload; caniload.check; caniload.Verdict.WORKS") & SLOW


def test_a_question_imports_no_framework() -> None:
    caniload.sql("SELECT 1")  # makes the store, which is more than a question
    modules = loaded(
        "import caniload\n"
        "caniload.check('minilm', env='pytorch'); caniload.fit('minilm', '1GB')\n"
        "caniload.show('minilm'); caniload.history('minilm'); caniload.choose(models=['minilm'])"
    )
    assert "duckdb" in modules
    heavy = {"torch", "tensorflow", "jax", "keras", "transformers", "onnxruntime", "numpy"}
    assert not modules & {*heavy, *SLOW} - {"duckdb"}


def test_what_the_package_names_is_what_the_module_has() -> None:
    assert sorted(caniload.API) == sorted(api.__all__)
    assert set(caniload.API) <= set(dir(caniload))
    assert all(getattr(caniload, name) is getattr(api, name) for name in caniload.API)
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        caniload.chekc  # noqa: B018


def test_the_answers_are_those_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = command(capsys, "check", "minilm", "--env", "tensorflow")
    answer = caniload.check("minilm", env="tensorflow")
    assert answer.verdict is caniload.Verdict.DIFFERS
    for name, value in plain(answer).items():
        assert told[name] == value, name
    (here,) = command(capsys, "check", "minilm", "--python", sys.executable)
    asked = caniload.check("minilm", python=sys.executable)
    assert (asked.verdict, plain(asked.nearest)) == (here["verdict"], here["nearest"])
    for name in ("imdb_reviews", "minilm", "torchserve"):
        entry, shown = plain(caniload.show(name)), command(capsys, "show", name)
        assert entry == {key: shown[key] for key in entry}, name
    assert plain(caniload.history("minilm")) == command(capsys, "history", "minilm")
    fits = ("fit", "minilm", "--memory", "1GB", "--dtype", "fp16")
    assert plain(caniload.fit("minilm", 10**9, dtype="fp16")) == command(capsys, *fits)
    hits = command(capsys, "search", "bert", "--kind", "model", "--framework", "pytorch")
    assert plain(caniload.search("bert", kind="model", framework="pytorch").hits) == hits
    assert plain(caniload.gaps("minilm")) == command(capsys, "gaps", "minilm")
    chosen = caniload.choose(models=["minilm"], deploy=["mobile"], languages=["swift"])
    words = ("choose", "--model", "minilm", "--deploy", "mobile", "--language", "swift")
    assert plain(chosen) == command(capsys, *words)
    query = "SELECT loader, verdict FROM answers WHERE model = 'all-minilm-l6-v2' ORDER BY ALL"
    columns, rows = caniload.sql(query)
    assert plain({"columns": columns, "rows": rows}) == command(capsys, "sql", query)
    listed = command(capsys, "list", "results", "--model", "minilm", "--verdict", "fails")
    found = caniload.results("minilm", verdict="fails")
    assert {each.observation_id for each in found} == {each["observation"] for each in listed}


def test_errors_are_typed_and_say_what_to_do() -> None:
    with caniload.Catalogue() as catalogue:
        with pytest.raises(caniload.UnknownNameError) as caught:
            catalogue.check("minlm")
        assert caught.value.near == ("all-minilm-l6-v2",)
        with pytest.raises(LookupError):
            catalogue.choose(deploy=["mobil"])
        with pytest.raises(ValueError, match="exclude each other"):
            catalogue.check("minilm", env="pytorch", python=sys.executable)
        with pytest.raises(caniload.QueryError):
            catalogue.sql("DELETE FROM observations")


def test_a_catalogue_of_another_home(tmp_path: Path, home: Path) -> None:
    with caniload.Catalogue(tmp_path / "other") as catalogue:
        assert catalogue.settings.home == tmp_path / "other"
        assert catalogue.results("minilm") == caniload.results("minilm")
    assert Settings.read().home == home


def test_the_page_says_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 5
    space: dict[str, Any] = {}
    for block in blocks:
        capsys.readouterr()
        exec(compile(block, str(PAGE), "exec"), space)
        said = capsys.readouterr().out.splitlines()
        wanted = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        if wanted:
            assert said == wanted
    page = PAGE.read_text(encoding="utf-8")
    missing = [name for name in caniload.API if f"`{name}" not in page]
    assert not missing
