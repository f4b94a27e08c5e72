"""The exported file: what the store gives, and what a reader makes of any file."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from an_answers_file import CLAIMED, FAILS, HOSTILE, RUN, WORKS, answers, put

from caniload.errors import UnknownNameError, UnreadableFileError
from caniload.publish.embed.answers import parse, read, write
from caniload.publish.embed.asking import ask, find, from_address, from_words

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MODEL = "all-minilm-l6-v2"


@pytest.fixture(scope="module")
def caniload(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the command over a store of the evidence that comes with caniload."""
    home = tmp_path_factory.mktemp("home")

    def run(*args: str, module: str = "caniload") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *args],
            env={**os.environ, "CANILOAD_HOME": str(home)},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_what_is_written_is_read_and_what_is_newer_is_passed_over(tmp_path: Path) -> None:
    made = answers()
    assert read(put(tmp_path)) == made
    later = json.loads(write(made))
    later["colour"] = "blue"
    later["models"][0]["cells"][0]["mood"] = "good"
    assert parse(json.dumps(later).encode(), "x") == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "invalid json"),
        ("{}", "caniload_version: field required"),
        ('{"caniload": "check", "caniload_version": "1"}', "caniload: input should be 'answers'"),
        ('{"caniload_version": "9.1", "schema_version": 2}', "a newer caniload, 9.1, wrote it"),
    ],
)
def test_another_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UnreadableFileError) as caught:
        read(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_cell_that_a_question_covers_answers_it() -> None:
    made = answers()
    assert find(made, ask("verdict", "BERT-base", {})).best == WORKS
    assert find(made, from_words("verdict", "bert framework=tensorflow device=cpu")).best == FAILS
    assert find(made, from_address("bert?framework=jax&device=cuda", link=True)).best == CLAIMED
    assert find(made, ask("matrix", "bert", {})).cells == (WORKS, FAILS)
    assert find(made, ask("matrix", "bert", {"claims": "yes"})).cells == (CLAIMED, WORKS, FAILS)
    nothing = find(made, ask("verdict", "bert", {"loader": "timm"}))
    assert (nothing.best, str(nothing.verdict)) == (None, "unknown")
    with pytest.raises(UnknownNameError, match="did you mean bert"):
        find(made, ask("verdict", "brt", {}))


def test_the_store_is_exported_with_its_verdicts_and_code(caniload: Run, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    done = caniload("docs", "export", str(file), "--model", "minilm", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["files"] == [str(file)]
    (model,) = read(file).models
    assert model.id == MODEL
    query = f"SELECT observation_id, verdict FROM cell_verdicts WHERE model = '{MODEL}'"
    told = json.loads(caniload("sql", query, "--format", "json").stdout)["data"]["rows"]
    by_observation = dict(told)
    measured = [cell for cell in model.cells if cell.measured]
    assert len(measured) > 5
    for cell in measured:
        assert by_observation[str(cell.observation)] == cell.verdict
        assert cell.run is not None
        assert cell.versions
    good = [cell for cell in measured if cell.verdict == "works"]
    assert good
    for cell in good:
        assert cell.install is not None
        assert "==" in cell.install
        ast.parse(cell.snippet or "1 +")
    text = file.read_text()
    for path in (str(Path.home()), str(tmp_path), os.environ["CANILOAD_HOME"]):
        assert f"{path}/" not in text
    assert caniload("docs", "export", "-", "--model", "minilm").stdout == text


def test_one_file_a_model_is_written_for_the_web_component(caniload: Run, tmp_path: Path) -> None:
    done = caniload("docs", "export", str(tmp_path), "--each")
    assert done.returncode == 0, done.stderr
    assert [model.id for model in read(tmp_path / f"{MODEL}.json").models] == [MODEL]
    assert len(list(tmp_path.glob("*.json"))) > 100


def test_a_docs_build_can_ask_the_store_itself(caniload: Run, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        f"# T\n\n[It loads](caniload:{MODEL}?framework=pytorch&expect=works)\n"
    )
    (tmp_path / "mkdocs.yml").write_text("site_name: t\nplugins: [caniload]\n")
    file = str(tmp_path / "mkdocs.yml")
    done = caniload("build", "--strict", "-f", file, module="mkdocs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "caniload-pill caniload-works" in (tmp_path / "site" / "index.html").read_text()


def test_a_badge_says_where_it_works_and_is_grey_and_dated_when_old(
    caniload: Run, tmp_path: Path
) -> None:
    given = ("docs", "badge", "bert", "--framework", "pytorch", "--answers", str(put(tmp_path)))
    fresh = caniload(*given, "--max-age", "90", "--today", "2027-02-19").stdout
    root = ElementTree.fromstring(fresh)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["BERT", "works on PyTorch 2.13 · CPU"]
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    assert title == (
        "BERT works on PyTorch 2.13 · CPU, measured 2026-11-21 with torch 2.13.0, "
        f"transformers 5.23.0 (run {RUN})"
    )
    assert "#1a7440" in fresh
    target = tmp_path / "made" / "bert.json"
    old = caniload(*given, "--max-age", "90", "--today", "2027-02-20", "--to", str(target))
    assert old.returncode == 0, old.stderr
    assert json.loads(target.read_text()) == {
        "schemaVersion": 1,
        "label": "BERT",
        "message": "works on PyTorch 2.13 · CPU, as of 2026-11-21",
        "color": "666b73",
    }


@pytest.mark.parametrize(
    ("model", "framework", "message"),
    [
        ("bert", "tensorflow", "fails on TensorFlow 2.21 · CPU"),
        ("dream", "jax", "claimed for JAX, not measured"),
        ("dream", "pytorch", "not measured on PyTorch"),
    ],
)
def test_a_badge_never_says_more_than_was_measured(
    caniload: Run, tmp_path: Path, model: str, framework: str, message: str
) -> None:
    given = ("docs", "badge", model, "--as", "json", "--framework", framework)
    done = caniload(*given, "--answers", str(put(tmp_path)))
    assert json.loads(done.stdout)["message"] == message


def test_a_fragment_stands_alone_and_escapes(caniload: Run, tmp_path: Path) -> None:
    file = str(put(tmp_path))
    for kind in ("matrix", "snippet", "verdict", "badge"):
        done = caniload("docs", "fragment", kind, "hostile", "--text", HOSTILE, "--answers", file)
        assert done.returncode == 0, done.stderr
        ElementTree.fromstring(done.stdout)
        assert HOSTILE not in done.stdout
        assert "2026-11-21" in done.stdout
    assert (
        "error: no model named 'brt'"
        in caniload("docs", "fragment", "matrix", "brt", "--answers", file).stderr
    )
