from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commandline import Run, one_line
from evidence import attempt, record

pytestmark = pytest.mark.slow


@pytest.fixture
def home() -> Path:
    return Path(os.environ["CANILOAD_HOME"])


QUERY = ("check", "minilm", "--env", "pytorch")


def test_a_damaged_database_is_told_and_rebuilt(caniload: Run, home: Path) -> None:
    record(home, attempt())
    before = caniload(*QUERY)
    assert before.returncode == 0, before.stderr
    (path,) = (home / "store" / "generations").glob("*.duckdb")
    path.write_bytes(b"nothing" * 4000)
    line = one_line(caniload(*QUERY), 4)
    assert "caniload catalog rebuild" in line
    assert str(path) in line
    assert caniload("catalog", "rebuild").returncode == 0
    assert caniload(*QUERY).stdout == before.stdout


def test_a_damaged_pointer_is_told_and_rebuilt(caniload: Run, home: Path) -> None:
    assert caniload("list").returncode == 0
    (home / "store" / "CURRENT").write_text("{")
    assert "caniload catalog rebuild" in one_line(caniload("list"), 4)
    assert caniload("catalog", "rebuild").returncode == 0
    assert caniload("list").returncode == 0


def test_a_deleted_database_is_made_again_unasked(caniload: Run, home: Path) -> None:
    record(home, attempt())
    before = caniload(*QUERY).stdout
    for path in (home / "store" / "generations").glob("*"):
        path.unlink()
    again = caniload(*QUERY)
    assert again.returncode == 0, again.stderr
    assert again.stdout == before


def test_a_newer_store_is_named_as_such(caniload: Run, home: Path) -> None:
    assert caniload("list").returncode == 0
    pointer = home / "store" / "CURRENT"
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"schema_version": 9999}))
    line = one_line(caniload("list"), 4)
    assert "9999" in line
    assert "upgrade caniload" in line


def test_a_damaged_segment_is_named(caniload: Run, home: Path) -> None:
    run_id = record(home, attempt())
    (home / "segments" / run_id / "observations.parquet").write_bytes(b"PAR1 no")
    line = one_line(caniload(*QUERY), 4)
    assert run_id in line
    assert "move" in line


def test_a_home_that_is_a_file(caniload: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = one_line(caniload("list", CANILOAD_HOME=str(tmp_path / "file" / "home")), 4)
    assert str(tmp_path / "file") in line


def test_a_home_without_permission(caniload: Run) -> None:
    """Even root cannot make a folder in /sys."""
    line = one_line(caniload("list", CANILOAD_HOME="/sys/caniload"), 4)
    assert "/sys/caniload" in line
    assert "CANILOAD_HOME" in line


def test_a_full_disk(environ: dict[str, str], tmp_path: Path) -> None:
    """A limit on the size of files makes each larger write fail, as a full disk does."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    done = subprocess.run(
        [sys.executable, "-m", "caniload", "list"],
        preexec_fn=limited,
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    line = one_line(done, 4)
    assert "space" in line or "large" in line
    whole = subprocess.run(
        [sys.executable, "-m", "caniload", "list"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert whole.returncode == 0, whole.stderr


def test_a_full_disk_leaves_the_page_as_it_was(
    caniload: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    begin = "<!-- caniload:begin matrix model=minilm -->\n<!-- caniload:end -->\n"
    text = begin + "x" * 70000
    page.write_text(text)
    assert caniload("list").returncode == 0

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    done = subprocess.run(
        [sys.executable, "-m", "caniload", "docs", "update", str(page)],
        preexec_fn=limited,
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    one_line(done, 4)
    assert page.read_text() == text
    assert [path.name for path in tmp_path.iterdir() if "page" in path.name] == ["page.md"]


def test_no_network(caniload: Run) -> None:
    """Nothing listens at this port: it was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = one_line(caniload("run", "hf:tiny/absent", HF_ENDPOINT=f"http://127.0.0.1:{port}"), 3)
    assert "hf" in line.lower() or "hub" in line.lower()
    line = one_line(caniload("run", f"url:http://127.0.0.1:{port}/model.onnx"), 3)
    assert str(port) in line


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("run", "./absent"), "there is nothing there"),
        (("run", "minlm"), "did you mean"),
        (("run", "hf:"), "is not a handle"),
        (("run", "minilm", "--device", "gpu"), "no device named 'gpu'"),
        (("run", "minilm", "--framework", "tensorfow"), "did you mean tensorflow"),
        (("run", "minilm", "--loader", "transformer"), "did you mean transformers"),
        (("run", "minilm", "--env", "pytroch"), "no environment named 'pytroch'"),
        (("run", "minilm", "--memory", "lots"), "is not a size"),
        (("run", "minilm", "--timeout", "soon"), "is not a duration"),
        (("run", "nohub:x"), "no hub named 'nohub'"),
        (("env", "build", "pytroch"), "no environment named 'pytroch'"),
        (("env", "show", "../x"), "no environment named '../x'"),
        (("env", "rm", "pytorch"), "none is built"),
        (("env", "export", "pytorch"), "caniload env build pytorch"),
        (("cache", "rm"), "in one way"),
        (("cache", "rm", "nonsense"), "is not a handle"),
        (("catalog", "pin", "minlm"), "no model file named 'minlm'"),
        (("catalog", "schema", "cats"), "no schema named 'cats'"),
        (("explain", "/nowhere"), "cannot read /nowhere"),
        (("explain",), "there is no text to explain"),
        (("log", "nothing"), "no run named 'nothing'"),
    ],
)
def test_bad_input_is_one_line_and_2(caniload: Run, args: tuple[str, ...], says: str) -> None:
    assert says in one_line(caniload(*args), 2)


def test_an_unreadable_artefact(caniload: Run, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\0" * 100)
    line = one_line(caniload("run", str(tmp_path / "model.bin")), 2)
    assert "model.bin" in line
    (tmp_path / "empty").mkdir()
    one_line(caniload("run", str(tmp_path / "empty")), 2)


def test_a_broken_catalogue_file_names_file_and_field(caniload: Run, tmp_path: Path) -> None:
    from caniload.settings import Settings

    data = tmp_path / "data"
    shipped = Settings.read().data
    for kind in ("models", "datasets", "tools", "environments"):
        (data / kind).mkdir(parents=True)
    for name in ("models/all-minilm-l6-v2.yaml", "environments/pytorch.yaml"):
        (data / name).write_text((shipped / name).read_text())
    (data / "models" / "odd.yaml").write_text("id: odd\nname: Odd\n")
    line = one_line(caniload("list", CANILOAD_DATA=str(data)), 2)
    assert "models/odd.yaml" in line
    lint = caniload("catalog", "lint", CANILOAD_DATA=str(data))
    assert lint.returncode == 1
    assert "models/odd.yaml" in lint.stdout


def test_a_budget_that_is_no_number_is_bad_input(caniload: Run) -> None:
    assert "CANILOAD_ENV_BUDGET_GB" in one_line(
        caniload("list", CANILOAD_ENV_BUDGET_GB="plenty"), 2
    )


def test_ctrl_c_in_a_build_is_one_line_and_nothing_half_built_counts(
    environ: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "caniload", "env", "build", "onnxruntime"],
        env=environ,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    place = Path(environ["CANILOAD_HOME"]) / "envs" / "onnxruntime"
    deadline = time.monotonic() + 60
    while not (place / "caniload-environment.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("interrupted")
    listed = subprocess.run(
        [sys.executable, "-m", "caniload", "env", "list", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    states = {each["name"]: each["state"] for each in json.loads(listed.stdout)["data"]}
    assert states["onnxruntime"] == "not built"
