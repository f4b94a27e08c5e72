"""`caniload suite init` and `caniload suite check`, in a folder as a user has it."""

from __future__ import annotations

import json
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from caniload.cli import boundary
from caniload.runs.envspecs import specs
from caniload.runs.suite import read_suite
from caniload.runs.suite_text import SERVING
from caniload.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is where commands run; one store serves all tests of a process."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def one_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that the checks of this file share: building its store takes seconds."""
    home = tmp_path_factory.getbasetemp() / "suite-home"
    monkeypatch.setenv("CANILOAD_HOME", str(home))
    return home


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = boundary.run(["suite", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    code, out, err = run(capsys, "check", *arguments, "--format", "json")
    return code, json.loads(out)["data"], err


def test_what_init_writes_is_valid_and_is_never_written_over(
    folder: Path, one_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "init")[0] == 0
    code, data, err = checked(capsys)
    assert (code, err) == (0, "")
    assert [each["words"] for each in data["models"]] == ["minilm"]
    assert data["sources"] >= 1
    (folder / "caniload.toml").write_text("# mine", encoding="utf-8")
    code, _, err = run(capsys, "init")
    assert code == 2
    assert "--force" in err
    assert (folder / "caniload.toml").read_text() == "# mine"
    assert run(capsys, "init", "--force")[0] == 0
    assert checked(capsys)[0] == 0
    # The commented examples are valid too.
    text = (folder / "caniload.toml").read_text()
    lines = text.splitlines()
    whole = [
        line[2:] if line.startswith(("# [[", "# ")) and "=" in line else line for line in lines
    ]
    whole = [line[2:] if line.startswith("# [[") else line for line in whole]
    whole = [line for line in whole if "{ task =" not in line]
    (folder / "caniload.toml").write_text("\n".join(whole), encoding="utf-8")
    suite = read_suite(folder / "caniload.toml")
    assert (len(suite.expect), len(suite.skip)) == (1, 1)
    assert suite.budget.memory_bytes is not None


def test_init_finds_what_the_folder_loads_and_holds(
    folder: Path, one_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venv.create(folder / ".venv", with_pip=False, symlinks=True)
    stranger = folder / ".venv" / "lib" / "stranger.py"
    stranger.write_text('AutoModel.from_pretrained("not/mine")')
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text(
        'm = AutoModel.from_pretrained(\n    "google-bert/bert-base-uncased")\n'
        "v = timm.create_model('resnet18', pretrained=True)\n"
        'h = hub.load("https://tfhub.dev/google/universal-sentence-encoder/4")\n'
        'own = AutoModel.from_pretrained("./here/there")\n'
    )
    (folder / "book.ipynb").write_text(json.dumps({"s": 'x.from_pretrained("owner/other")'}))
    (folder / "fake.onnx").write_text("not a model")
    assert run(capsys, "init")[0] == 0
    suite = read_suite(folder / "caniload.toml")
    assert [wish.model[0] for wish in suite.models] == [
        "hf:owner/other",
        "hf:google-bert/bert-base-uncased",
        "timm:resnet18",
        "tfhub:google/universal-sentence-encoder@4",
    ]
    assert [each.name for each in suite.environments] == [
        "project",
        "pytorch",
        "vision",
        "tf-keras",
    ]
    code, data, err = checked(capsys)
    assert (code, err) == (0, "")
    minor = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    assert data["environments"][0]["state"] == minor


def test_what_init_names_exists(settings: Settings) -> None:
    assert set(SERVING.values()) <= set(specs(settings))


def test_a_check_says_everything_that_is_wrong_or_due(
    folder: Path, one_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "caniload.toml").write_text("""models = ["minlm", "minilm"]
[[environments]]
name = "next"
extends = "pytorhc"
packages = { transformers = "latest" }
[[skip]]
loader = "timm"
reason = "r"
issue = "https://example.org/1"
review = 2026-12-24
[[expect]]
model = "minilm"
loader = "nonesuch"
outcome = "hf.tf-class-remove"
reason = "r"
issue = "https://example.org/2"
review = 2027-01-10
[project]
models = ["deepdreem"]
deploy = ["server", "mobil"]
needs = ["fine tuning", "speed"]
languages = ["swift", "COBOL"]
""")
    code, data, err = checked(capsys, "--today", "2026-12-25")
    assert code == 2
    assert data["skip"][0]["days_left"] == -1
    lines = {each.partition(": ")[0].partition(":")[2] for each in data["faults"]}
    assert lines == {"1", "4", "10", "14", "19", "20", "21"}
    assert "did you mean mobile?" in err
    assert "no need named 'speed'" in err
    assert all(each in err for each in data["faults"])
    assert "hf.tf-class-removed" in err
    soon, idle = data["warnings"]
    assert "is due in 16 days, on 2027-01-10: https://example.org/2" in soon
    assert "'nonesuch' means no loader of this suite" in idle
    code, data, _ = checked(capsys, "--today", "2026-12-24")
    assert not any("skip" in each for each in data["faults"])
    assert any("is due today" in each for each in data["warnings"])


def test_the_suite_of_this_project_stands(
    one_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "check", str(ROOT), "--today", "2026-11-25")
    assert (code, err) == (0, "")
    assert "minilm, hub = pypi" in out
    code, data, _ = checked(capsys, str(ROOT), "--today", "2026-11-25")
    assert all(each["sources"] and not each["omitted"] for each in data["models"])
