from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run, one_line
from evidence import HANDLE, MODEL, attempt, keras, no_class, record

pytestmark = pytest.mark.slow

HEAVY = (
    *("torch", "tensorflow", "jax", "keras", "keras_hub", "transformers", "onnxruntime"),
    *("pydantic", "rich", "yaml", "huggingface_hub", "httpx2", "numpy"),
)
"""What a query must not import: frameworks ever, the rest for the time it takes."""

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise AssertionError(f"a query imported {name}")
HEAVY = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Blocked())
from caniload.__main__ import main
main()
"""


@pytest.fixture
def home() -> Path:
    return Path(os.environ["CANILOAD_HOME"])


@pytest.fixture
def recorded(home: Path) -> str:
    return record(home, attempt(), keras(), no_class())


def test_queries_import_no_framework_and_nothing_slow(
    environ: dict[str, str], caniload: Run, recorded: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- caniload:begin matrix model={MODEL} -->\n<!-- caniload:end -->\n")
    assert caniload("catalog", "publish").returncode == 0
    later = record(Path(environ["CANILOAD_HOME"]), attempt(), day=1)  # read beside the store
    for words in (
        ["check", "minilm", "--env", "pytorch"],
        ["check", "minilm"],
        ["list"],
        ["list", "results", "--framework", "tensorflow"],
        ["list", "sources", "--model", "minilm"],
        ["list", "tools"],
        ["show", "minilm"],
        ["history", "minilm"],
        ["search", "bert"],
        ["choose", "--model", "minilm", "--deploy", "mobile", "--need", "kaggle"],
        ["fit", "minilm", "--memory", "100MB"],
        ["sql", "SELECT count(*) FROM observations"],
        ["docs", "update", str(page)],
        ["docs", "check", str(page), "--max-age", "9999", "--today", "2026-12-01"],
    ):
        for form in ("human", "json", "quiet"):
            done = subprocess.run(
                [sys.executable, "-c", BLOCK, ",".join(HEAVY), *words, "--format", form],
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in (0, 3), (words, done.stderr)
            assert done.stderr == ""
    assert later in page.read_text()


def test_list_names_what_there_is(caniload: Run, recorded: str) -> None:
    models = json.loads(caniload("list", "--format", "json").stdout)["data"]
    minilm = next(each for each in models if each["id"] == MODEL)
    assert "pytorch works" in minilm["results"]
    assert "tensorflow differs" in minilm["results"]
    assert MODEL in caniload("list", "--format", "quiet").stdout.splitlines()
    sources = caniload("list", "sources", "--model", "minilm").stdout
    assert "unresolved" in sources
    fails = json.loads(caniload("list", "results", "--verdict", "fails", "--format", "json").stdout)
    assert [each["observation"] for each in fails["data"]] == [f"{recorded}-0003"]
    assert "did you mean works" in one_line(caniload("list", "results", "--verdict", "wroks"), 2)
    assert "did you mean" in one_line(caniload("list", "sources", "--model", "minlm"), 2)


def test_show_tells_results_from_claims(caniload: Run, recorded: str) -> None:
    text = caniload("show", "minilm").stdout
    results, claims = text.index("results\n"), text.index("claimed by metadata, measured by nobody")
    assert results < text.index("works, reference") < claims
    assert text.index("differs, relative RMS 1.10e-03 from transformers") < claims
    assert "claimed: " not in text[results:claims]
    data = json.loads(caniload("show", "minilm", "--format", "json").stdout)
    assert data["caniload"] == "show model"
    assert data["data"]["id"] == MODEL
    assert "did you mean" in one_line(caniload("show", "minlm"), 2)


def test_show_and_list_know_tools_and_datasets(caniload: Run) -> None:
    for kind in ("tools", "datasets"):
        names = caniload("list", kind, "--format", "quiet").stdout.split()
        assert names
        done = caniload("show", names[0], "--format", "json")
        assert json.loads(done.stdout)["caniload"] == f"show {kind.removesuffix('s')}"
        assert caniload("show", names[0]).stdout.startswith(
            json.loads(done.stdout)["data"]["name"] + "\n"
        )


def test_search_finds_by_words_and_says_when_nothing_does(caniload: Run) -> None:
    assert caniload("search", "minilm", "--format", "quiet").stdout.splitlines()[0] == MODEL
    nothing = caniload("search", "zzzz", "qqqq")
    assert nothing.returncode == 1
    assert "nothing matches 'zzzz qqqq'" in nothing.stdout


def test_sql_reads_the_store_and_nothing_else(caniload: Run, recorded: str, tmp_path: Path) -> None:
    done = caniload("sql", "SELECT loader, outcome FROM observations ORDER BY id")
    assert done.stdout.splitlines()[1].split() == ["transformers", "passed"]
    quiet = caniload("sql", "-", "--format", "quiet", stdin="SELECT 1, NULL, 'a'")
    assert quiet.stdout == "1\t\ta\n"
    read = json.loads(caniload("sql", "SELECT 'NaN'::DOUBLE AS x", "--format", "json").stdout)
    assert read["data"] == {"columns": ["x"], "rows": [["NaN"]]}
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for text in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "DELETE FROM observations",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM nowhere",
        "",
    ):
        one_line(caniload("sql", text), 2)
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["secret.csv"]


def test_log_shows_runs_cells_and_what_a_worker_printed(caniload: Run, recorded: str) -> None:
    assert recorded in caniload("log").stdout
    run = caniload("log", "last")
    assert run.stdout.startswith(f"run {recorded}: finished")
    assert "failed" in run.stdout
    one = caniload("log", f"{recorded}-0003")
    assert "ImportError" in one.stdout
    assert one.stdout.endswith("a line that the worker printed\n")
    assert "`caniload log` lists them" in one_line(caniload("log", "2025"), 2)
    assert "holds 3" in one_line(caniload("log", f"{recorded}-0009"), 2)
    assert caniload("log", recorded, "--format", "quiet").stdout.splitlines() == [
        "passed",
        "passed",
        "failed",
    ]


def test_ingest_takes_a_segment_once_and_labels_it(caniload: Run, tmp_path: Path) -> None:
    run_id = record(tmp_path / "elsewhere", attempt(), observer="somebody")
    segment = str(tmp_path / "elsewhere" / "segments" / run_id)
    assert caniload("ingest", segment).stdout == "1 observations added, 0 known already\n"
    assert caniload("ingest", segment).stdout == "0 observations added, 1 known already\n"
    theirs = caniload("check", "minilm", "--env", "pytorch")
    assert theirs.returncode == 0
    assert "measured by another: somebody" in theirs.stdout
    mine = caniload("check", "minilm", "--env", "pytorch", "--from", "me")
    assert mine.returncode == 3
    assert "holds no run.json" in one_line(caniload("ingest", str(tmp_path)), 2)
    one_line(caniload("ingest", str(tmp_path / "absent")), 2)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    mixed = caniload("ingest", segment, str(tmp_path / "damaged"))
    assert mixed.returncode == 2
    assert mixed.stdout == "0 observations added, 1 known already\n"
    assert mixed.stderr.startswith("warning: ")
    assert "damaged was refused" in mixed.stderr


def test_a_source_without_an_entry_is_answered_by_its_handle(caniload: Run, home: Path) -> None:
    handle = f"hf:tiny/own@{'a' * 40}#safetensors"
    record(home, attempt(model=None, handle=handle))
    done = caniload("check", "hf:tiny/own", "--env", "pytorch")
    assert done.returncode == 0, done.stderr
    assert handle in done.stdout
    assert "unreferenced" in done.stdout
    assert HANDLE not in done.stdout
