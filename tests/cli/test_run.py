"""`caniload run` on real files: what it records, what it refuses, and how it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import Run, one_line


@pytest.fixture
def torch_file(tmp_path: Path) -> Path:
    """A directory that looks like a small Hugging Face checkpoint; the header is a real one."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(8)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    return folder


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["minilmm"], "did you mean minilm"),
        (["hf:a#"], "is not a handle"),
        (["./nothing-here"], "cannot read ./nothing-here: there is nothing there"),
        (["minilm", "--framework", "pytorhc"], "did you mean pytorch"),
        (["minilm", "--loader", "transfromers"], "did you mean transformers"),
        (["minilm", "--device", "gpu"], "no device named 'gpu'"),
        (["minilm", "--env", "pytroch", "--framework", "pytorch"], "did you mean pytorch"),
        (["minilm", "--env", "pytorch", "--python", "python3"], "exclude each other"),
        (["minilm", "--timeout", "soon"], "is not a duration"),
        (["minilm", "--memory", "much"], "is not a size"),
        (["minilm", "--python", "./no-python"], "does not exist"),
        (["gpt2"], "no source that caniload can attempt yet"),
    ],
)
def test_bad_input_is_one_line_and_two(caniload: Run, args: list[str], says: str) -> None:
    assert says in one_line(caniload("run", *args), 2)


def test_a_file_that_is_no_model_is_named(caniload: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    line = one_line(caniload("run", str(tmp_path / "notes.txt")), 2)
    assert "no known model format" in line


def test_an_interpreter_without_the_framework_is_recorded_as_blocked(
    caniload: Run, torch_file: Path
) -> None:
    done = caniload(
        "run", str(torch_file), "--python", sys.executable, "-f", "pytorch", "--format", "json"
    )
    assert done.returncode == 3, done.stderr
    cells = json.loads(done.stdout)["data"]["cells"]
    assert {cell["verdict"] for cell in cells} == {"blocked"}
    assert {cell["outcome"] for cell in cells} == {"not_installed"}
    assert str(torch_file.parent) not in done.stdout


def test_a_hub_that_does_not_answer_is_three(caniload: Run) -> None:
    done = caniload(
        "run", "hf:someone/something", HF_ENDPOINT="http://127.0.0.1:9", CANILOAD_HTTP_RETRIES="0"
    )
    assert "no connection" in one_line(done, 3)


@pytest.mark.framework
def test_a_local_directory_works_in_the_user_s_own_python(
    caniload: Run, framework_python: Callable[[str], Path], minilm_dir: Path
) -> None:
    python = framework_python("pytorch")
    before = sorted(path.name for path in (python.parent.parent / "lib").rglob("*.dist-info"))
    done = caniload(
        "run", str(minilm_dir), "-p", str(python), "-l", "transformers", "--format", "json",
        timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads(done.stdout)["data"]["cells"]
    assert (cell["verdict"], cell["outcome"], cell["weights"]) == ("works", "passed", "pretrained")
    assert cell["handle"].startswith("file:model@sha256-")
    assert str(minilm_dir) not in done.stdout
    after = sorted(path.name for path in (python.parent.parent / "lib").rglob("*.dist-info"))
    assert after == before

    again = caniload("check", cell["source"], "--python", str(python), "-l", "transformers")
    assert again.stdout.startswith("works"), again.stdout + again.stderr
    assert again.returncode == 0


@pytest.mark.framework
def test_random_weights_are_never_a_works(
    caniload: Run, framework_python: Callable[[str], Path], minilm_dir: Path
) -> None:
    python = str(framework_python("pytorch"))
    done = caniload(
        "run", str(minilm_dir), "-p", python, "-l", "transformers", "--weights", "random",
        "--format", "json", timeout=280,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    (cell,) = json.loads(done.stdout)["data"]["cells"]
    assert (cell["verdict"], cell["weights"]) == ("unknown", "random")
    assert cell["note"] == "the architecture runs; no weights measured"


@pytest.mark.framework
def test_a_memory_budget_and_a_deadline_bind(
    caniload: Run, framework_python: Callable[[str], Path], minilm_dir: Path
) -> None:
    base = ("run", str(minilm_dir), "-p", str(framework_python("pytorch")), "-l", "transformers")
    for limit, outcome in ((("--memory", "60MB"), "out_of_memory"), (("--timeout", "1s"),
                                                                     "timed_out")):  # fmt: skip
        done = caniload(*base, *limit, "--format", "json", timeout=280)
        assert done.returncode == 3, done.stderr
        (cell,) = json.loads(done.stdout)["data"]["cells"]
        assert (cell["verdict"], cell["fault"], cell["outcome"]) == (
            "blocked",
            "resources",
            outcome,
        )


@pytest.mark.framework
def test_ctrl_c_ends_with_130_and_loses_nothing(
    environ: dict[str, str],
    caniload: Run,
    framework_python: Callable[[str], Path],
    minilm_dir: Path,
) -> None:
    python = str(framework_python("pytorch"))
    process = subprocess.Popen(
        [sys.executable, "-m", "caniload", "run", str(minilm_dir), "-p", python],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    for line in process.stderr:
        if "attempting" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(60) == 130, rest
    process.stdout.close()
    process.stderr.close()
    assert "Traceback" not in rest
    assert "interrupted" in rest
    shown = caniload("log", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    (run,) = json.loads(shown.stdout)["data"]
    assert run["state"] == "unfinished"

    other = caniload("run", str(minilm_dir), "-p", python, "-f", "jax", "--resume", run["run"])
    assert "that are not given now" in other.stderr or "nothing to try" in other.stderr
    assert other.returncode == 2
    done = caniload("run", str(minilm_dir), "-p", python, "--resume", run["run"], timeout=280)
    assert done.returncode == 0, done.stderr
    (state,) = json.loads(caniload("log", "--format", "json").stdout)["data"]
    assert (state["run"], state["state"]) == (run["run"], "finished")
    assert state["settled"] == state["cells"]
