"""`caniload catalog import` and `stats`: what is taken in, from where, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Run, one_line
from evidence import attempt, keras, no_class, record
from loopback import faults
from loopback.huggingface import HuggingFace, Repository
from loopback.server import Server

from caniload.settings import Settings

MODULE = """# Module google/{name}/1
<!-- asset-path: internal -->
<!-- task: audio-embedding -->
<!-- fine-tunable: true -->
<!-- format: saved_model_2 -->
"""


@pytest.fixture
def data(tmp_path: Path, unmeasured: Path) -> dict[str, str]:
    """The variable that names a data directory which the test may write to."""
    target = tmp_path / "data"
    shutil.copytree(unmeasured, target, ignore=shutil.ignore_patterns("imported"))
    return {"CANILOAD_DATA": str(target)}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "tfhub.dev"
    _git(tmp_path, "init", "--quiet", str(root))
    _commit(root, "yamnet", "spice")
    return root


def _commit(root: Path, *names: str) -> None:
    shutil.rmtree(root / "assets", ignore_errors=True)
    for name in names:
        page = root / "assets" / "docs" / "google" / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(MODULE.format(name=name))
    _git(root, "add", "--all")
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    _git(root, *who, "commit", "--quiet", "--message", " ".join(names))


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_checkout_is_imported_compared_and_left_untouched(
    caniload: Run, data: dict[str, str], checkout: Path
) -> None:
    def run(*more: str, code: int = 0) -> str:
        done = caniload("catalog", "import", "tfhub", "--from", str(checkout), *more, **data)
        assert done.returncode == code, done.stderr
        return done.stdout

    commit = _git(checkout, "rev-parse", "HEAD")
    first = run("--read", "2026-11-25")
    assert f"tfhub {commit}: 2 facts, 2 added, 0 changed, 0 gone; tfhub.parquet is written" in first
    assert "0 gone; tfhub.parquet stands, read 2026-11-25" in run("--check")
    _commit(checkout, "yamnet", "vggish")
    assert "tfhub.parquet would change" in run("--check", code=1)
    told = json.loads(run("--format", "json"))["data"]
    assert told["changes"] == {
        "added": ["tfhub:google/vggish@1 google/vggish/1"],
        "changed": [],
        "gone": ["tfhub:google/spice@1 google/spice/1"],
    }
    assert (told["former_version"], told["written"]) == (commit, True)
    rows = caniload("sql", "SELECT handle FROM store.imported_sources ORDER BY 1", **data)
    assert rows.stdout.split()[1:] == ["tfhub:google/vggish@1", "tfhub:google/yamnet@1"]


def test_what_cannot_be_read_is_one_line(
    caniload: Run, data: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    def refused(*args: str, code: int = 2) -> str:
        return one_line(caniload("catalog", "import", *args, **data), code)

    assert "did you mean tfhub?" in refused("tfhb")
    assert "a checkout of tensorflow/tfhub.dev" in refused("tfhub")
    (tmp_path / "bad.json").write_text("{")
    assert "it is no JSON" in refused("onnx-hub", "--from", str(tmp_path / "bad.json"))
    (tmp_path / "none").mkdir()
    assert "git does not know its commit" in refused("tfhub", "--from", str(tmp_path / "none"))
    within = checkout / "assets"
    assert "git does not know its commit" in refused("tfhub", "--from", str(within))
    assert "a query of Hugging Face is empty" in refused("hf")
    assert "--env and --python exclude" in refused("timm", "-e", "vision", "-p", sys.executable)
    assert "no environment named 'visoin'" in refused("timm", "--env", "visoin")
    assert "is not built" in refused("timm")
    died = refused("timm", "--python", sys.executable)
    assert "No package metadata was found for timm" in died
    assert not (Path(data["CANILOAD_DATA"]) / "imported").exists()


def test_a_query_of_hugging_face_is_kept_in_the_home_and_seen_in_the_store(
    caniload: Run, data: dict[str, str], environ: dict[str, str]
) -> None:
    card = {
        "pipeline_tag": "fill-mask",
        "createdAt": "2022-03-02T23:29:04.000Z",
        "safetensors": {"parameters": {"F32": 40}, "total": 40},
        "cardData": {
            "license": "apache-2.0",
            "language": ["en", "de"],
            "base_model": "google/base",
        },
    }
    with Server() as server:
        hub = HuggingFace(server, page=3)
        for number in range(7):
            said = card if number else card | {"pipeline_tag": "tag-of-tomorrow"}
            files = {"model.safetensors": b"x", "config.json": b"{}"}
            tags = ["pytorch", "transformers", "en"]
            hub.add(Repository(f"google/bert-{number}", files, tags, "transformers", said=said))
        hub.add(Repository("other/bert", {"a.onnx": b"x"}, said={"pipeline_tag": "fill-mask"}))
        hub.add(Repository("google/t5", {"a.onnx": b"x"}, said={"pipeline_tag": "translation"}))
        asked = {**data, "HF_ENDPOINT": server.base, "CANILOAD_HTTP_RETRIES": "0"}
        query = ("catalog", "import", "hf", "--author", "google", "--search", "bert")
        done = caniload(*query, **asked)
        assert done.returncode == 0, done.stderr
        assert "7 facts, 7 added" in done.stdout
        pages = [each for each in server.asked if each.path == "/api/models"]
        assert len(pages) == 3, "three pages of three, three and one"
        assert all("author=google" in each.query for each in pages)
        again = caniload(*query, "--check", **asked)
        assert (again.returncode, "0 added, 0 changed, 0 gone" in again.stdout) == (0, True)
        few = caniload(*query, "--limit", "4", "--check", **asked)
        assert (few.returncode, "3 gone" in few.stdout) == (1, True)
        task = caniload("catalog", "import", "hf", "--task", "translation", **asked)
        assert "1 facts, 1 added" in task.stdout
        library = caniload("catalog", "import", "hf", "--library", "nobody", **asked)
        assert "a header and no facts" in one_line(library, 2)
        server.fail("/api/models", faults.status(403))
        assert "access is refused" in one_line(caniload(*query, **asked), 3)
    offline = caniload(*query, **asked, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE forbids" in one_line(offline, 3)

    kept = Path(environ["CANILOAD_HOME"]) / "imported"
    assert sorted(path.name for path in kept.glob("*.parquet")) == [
        "hf-author-google-search-bert.parquet",
        "hf-task-translation.parquet",
    ]
    assert not (Path(data["CANILOAD_DATA"]) / "imported").exists()
    text = (
        "SELECT tasks, languages, frameworks, loaders, formats, parameters, licence, parent, "
        "published, facts ->> '$.pipeline_tag' AS tag, length(facts ->> '$.commit') AS digits "
        "FROM store.imported_sources WHERE handle = 'hf:google/bert-{}'"
    )
    told = [
        json.loads(caniload("sql", text.format(n), "--format", "json", **data).stdout)["data"]
        for n in (1, 0)
    ]
    rows = [dict(zip(each["columns"], each["rows"][0], strict=True)) for each in told]
    assert rows[0] == {
        "tasks": ["fill-mask"],
        "languages": ["de", "en"],
        "frameworks": ["pytorch"],
        "loaders": ["transformers"],
        "formats": ["safetensors"],
        "parameters": 40,
        "licence": "Apache-2.0",
        "parent": "hf:google/base",
        "published": "2022-03-02",
        "tag": "fill-mask",
        "digits": 40,
    }
    assert (rows[1]["tasks"], rows[1]["tag"]) == ([], "tag-of-tomorrow")


def test_stats_count_with_denominators(caniload: Run, environ: dict[str, str]) -> None:
    home = Path(environ["CANILOAD_HOME"])
    record(home, attempt(), keras(), no_class())
    lines = caniload("catalog", "stats", "--today", "2026-11-30").stdout.splitlines()
    told = json.loads(
        caniload("catalog", "stats", "--today", "2026-11-30", "--format", "json").stdout
    )["data"]
    entries, models = told["entries"], told["models"]
    assert (models["attempted"], models["ran"], models["total"]) == (1, 1, entries["models"])
    assert f"  1 of {entries['models']} authored models attempted, " in "\n".join(lines)
    assert told["evidence"]["newest"] == "2026-11-21"
    assert told["evidence"]["last_30_days"] == told["evidence"]["observations"] == 3
    for each in told["models_by_framework"]:
        measured = int(each["group"] in ("pytorch", "tensorflow"))
        assert (each["attempted"], each["ran"]) == (measured, measured)
        assert each["total"] <= entries["models"]
    hubs = {each["group"]: each for each in told["sources_by_hub"]}
    assert (hubs["pypi"]["attempted"], hubs["tfhub"]["attempted"]) == (1, 0)
    assert hubs["tfhub"]["total"] > 0
    imports = {each["catalogue"]: each for each in told["imports"]}
    assert imports["tfhub"]["facts"] == 2548
    assert imports["tfhub"]["age_days"] == 5
    rows = {each["group"]: each for each in told["imported_by_catalogue"]}
    assert (rows["tfhub"]["total"], rows["tfhub"]["attempted"]) == (2548, 0)


def test_an_attempt_counts_for_the_checkpoint_or_for_its_architecture(
    caniload: Run, environ: dict[str, str]
) -> None:
    """Random weights are evidence of an architecture; published ones of one checkpoint."""
    home = Path(environ["CANILOAD_HOME"])
    hub, version = "tfhub:google/yamnet/classification", "1"
    handle = f"{hub}@{version}#saved-model"
    record(home, attempt("tensorflow-hub", "tensorflow", model=None, handle=handle))
    told = json.loads(caniload("catalog", "stats", "--format", "json").stdout)["data"]
    rows = {each["group"]: each for each in told["imported_by_catalogue"]}
    imported = json.loads(
        caniload(
            "sql",
            f"SELECT count(*) FROM store.imported_sources WHERE handle = '{hub}@{version}'",
            "--format",
            "json",
        ).stdout
    )["data"]["rows"]
    assert rows["tfhub"]["attempted"] == rows["tfhub"]["ran"] == imported[0][0]
    whole = {"CANILOAD_DATA": str(Settings.read({}).data), "CANILOAD_HOME": str(home / "other")}
    told = json.loads(caniload("catalog", "stats", "--format", "json", **whole).stdout)["data"]
    timm = {each["group"]: each for each in told["imported_by_catalogue"]}["timm"]
    assert (timm["attempted"], timm["ran"]) == (0, 0), "the sweeps drew random weights"
    assert 1000 < timm["architecture_ran"] < timm["total"] == 1826
