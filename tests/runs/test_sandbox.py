"""What a worker can reach: each thing is first shown to work without the sandbox."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import ScriptedSpec, make_job

from caniload.records import Observation
from caniload.runs import sandbox
from caniload.runs.executor import Executor
from caniload.runs.interpreters import probe
from caniload.runs.job import Job
from caniload.words import ArtefactClass, Outcome, Stage


def only(executor: Executor, job: Job) -> Observation:
    """Run one job and return its one observation."""
    (seen,) = executor.run([job]).observations
    return seen


def told(executor: Executor, job: Job) -> str:
    seen = only(executor, job)
    assert seen.outcome is Outcome.PASSED, seen.log_excerpt
    return seen.facts["told"]


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of a server on this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """A folder with one file in it."""
    folder = tmp_path / "artefact"
    folder.mkdir()
    (folder / "weights").write_text("w")
    return folder


def test_no_network(boxed: Executor, bare: Executor, listener: int) -> None:
    job = make_job("reach", arguments={"port": listener})
    assert told(bare, job) == "succeeded"
    assert told(boxed, job).startswith("failed")


def test_network_where_a_job_allows_it(boxed: Executor, listener: int) -> None:
    job = make_job("reach", arguments={"port": listener}, allow_network=True)
    seen = only(boxed, job)
    assert seen.facts["told"] == "succeeded"
    assert seen.sandbox.network


def test_nothing_is_written_into_the_artefact(
    boxed: Executor, bare: Executor, artefact: Path
) -> None:
    job = make_job("write", artefact, arguments={"path": str(artefact / "new")})
    assert told(bare, job) == "succeeded"
    (artefact / "new").unlink()
    assert told(boxed, job).startswith("failed")
    assert not (artefact / "new").exists()


def test_nothing_is_written_or_read_in_the_home(
    boxed: Executor, bare: Executor, tmp_path: Path
) -> None:
    secret = Path.home() / f".caniload-test-{os.getpid()}"
    write = make_job("write", arguments={"path": str(secret)})
    read = make_job("read", arguments={"path": str(secret)})
    try:
        assert told(bare, write) == "succeeded"
        assert secret.exists()
        assert told(bare, read) == "succeeded"
        assert told(boxed, read).startswith("failed")
        secret.unlink()
        assert told(boxed, write).startswith("failed")
        assert not secret.exists()
    finally:
        secret.unlink(missing_ok=True)


def test_other_files_are_not_shown(boxed: Executor, bare: Executor, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("x")
    # An editable install shows its checkout, and the temporary folder may lie in there.
    base = probe(Path(sys.prefix)).python.resolve()
    for path in (str(other), "/etc/hostname", "/etc/profile"):
        job = make_job("read", arguments={"path": path}, interpreter=base)
        assert told(bare, job) == "succeeded"
        assert told(boxed, job).startswith("failed")


def test_the_artefact_is_shown_and_what_its_links_lead_to(
    boxed: Executor, artefact: Path, tmp_path: Path
) -> None:
    stored = tmp_path / "store" / "blob"
    stored.parent.mkdir()
    stored.write_text("by link")
    (artefact / "linked").symlink_to(stored)
    for name, content in (("weights", "w"), ("linked", "by link")):
        seen = only(boxed, make_job("read_artefact", artefact, arguments={"name": name}))
        assert seen.facts["content"] == content


def test_a_worker_may_write_to_its_scratch_and_tmp(boxed: Executor) -> None:
    seen = only(boxed, make_job("scribble"))
    assert seen.outcome is Outcome.PASSED
    assert not list(Path("/tmp").glob("scribble-*"))
    assert list((boxed.settings.home / "scratch").iterdir()) == []


@pytest.mark.parametrize("name", ["boxed", "bare"])
def test_the_environment_is_scrubbed(
    request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnopqrst")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    seen = only(request.getfixturevalue(name), make_job("environ"))
    environ = json.loads(seen.facts["environ"])
    assert set(environ) - {"PWD", "LC_CTYPE", "SHLVL", "_", "OLDPWD", "OPENBLAS_CORETYPE"} == {
        *("PATH", "HOME", "TMPDIR", "LANG", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"),
        *("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"),
        *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        *("CANILOAD_ATTEMPT", "A_B"),
    }
    assert environ["HOME"].startswith("<scratch>")
    assert seen.facts["stdin"] == "''"


def test_the_record_says_what_held_the_worker(boxed: Executor, bare: Executor) -> None:
    inside, outside = only(boxed, make_job("pass_")).sandbox, only(bare, make_job("pass_")).sandbox
    assert (inside.kind, inside.network) == ("bubblewrap", False)
    assert (outside.kind, outside.network) == ("none", True)


def test_programs_run_in_a_sandbox_only(boxed: Executor, bare: Executor) -> None:
    job = make_job("pass_", kind=ArtefactClass.PROGRAM)
    assert only(boxed, job).outcome is Outcome.PASSED
    seen = only(bare, job)
    assert (seen.outcome, seen.stage) == (Outcome.REFUSED, Stage.LOAD)
    assert "bubblewrap" in seen.message
    assert seen.exceptions[0].type == "caniload.Refused"


def test_code_needs_permission_and_nothing_is_started_without(
    boxed: Executor, tmp_path: Path
) -> None:
    forbidden = make_job("pass_", kind=ArtefactClass.CODE, interpreter=Path("/nowhere/python"))
    seen = only(boxed, forbidden)
    assert (seen.outcome, seen.stage, seen.log) == (Outcome.REFUSED, Stage.LOAD, None)
    assert "--allow-code" in seen.message
    allowed = make_job("pass_", kind=ArtefactClass.CODE, allow_code=True)
    seen = only(boxed, allowed)
    assert seen.outcome is Outcome.PASSED
    assert (seen.facts["artefact_class"], seen.cell.recipe.allow_code) == ("code", True)


def test_code_runs_in_a_sandbox_only(bare: Executor) -> None:
    seen = only(bare, make_job("pass_", kind=ArtefactClass.CODE, allow_code=True))
    assert (seen.outcome, seen.stage) == (Outcome.REFUSED, Stage.LOAD)
    assert "bubblewrap" in seen.message


def test_a_plug_in_is_shown(boxed: Executor, tmp_path: Path) -> None:
    plug_in = tmp_path / "plugin.py"
    plug_in.write_text("x = 1\n")
    job = make_job("read", arguments={"path": str(plug_in)}, spec=ScriptedSpec(smoke_file=plug_in))
    assert told(boxed, job) == "succeeded"


def test_binds_are_narrow() -> None:
    interpreter = probe(Path(sys.executable))
    binds = sandbox.interpreter_binds(interpreter)
    for prefix in (sys.prefix, sys.base_prefix):
        assert any(Path(prefix).is_relative_to(path) for path in binds)
    wide = {"/", str(Path.home()), "/tmp", "/etc", "/home"}
    assert not {str(path) for path in binds} & wide


def test_a_folder_too_wide_to_show_hides_no_narrower_one(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "editable.pth").write_text(f"{tmp_path}\n")
    interpreter = probe(venv / "bin" / "python")
    assert tmp_path in interpreter.binds
    shown = sandbox.interpreter_binds(interpreter, home=tmp_path / "home")
    assert tmp_path not in shown
    assert venv in shown


@pytest.mark.parametrize("closed", ["scratch", "inner"])
def test_a_closed_folder_within_a_shown_one_keeps_other_users_out(
    tmp_path: Path, closed: str
) -> None:
    shown, scratch, inner = tmp_path, tmp_path / "scratch" / "1", tmp_path / "inner" / "weights"
    shown.chmod(0o755)
    for folder in (scratch, inner):
        folder.mkdir(parents=True)
    view = sandbox.View(read_only=(shown, inner), writable=(), scratch=scratch)
    assert sandbox.readable_by_all(view)
    (tmp_path / closed).chmod(0o700)
    assert not sandbox.readable_by_all(view)
    outside = sandbox.View(read_only=(inner,), writable=(), scratch=scratch)
    assert sandbox.readable_by_all(outside)


def test_a_worker_whose_processes_are_counted_is_a_user_of_its_own(
    apart: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caniload.runs.memory.find", lambda: None)
    users = []
    for label in ("a", "b"):
        seen = only(apart, make_job("read_status", label=label))
        status = dict(line.split(":\t", 1) for line in seen.facts["status"].splitlines())
        users += {int(each) for each in status["Uid"].split()}
    if os.getuid() == 0:
        assert len(set(users)) == 2
        assert all(each in sandbox.USERS for each in users)
    else:
        assert set(users) == {os.getuid()}


@pytest.mark.parametrize(
    ("table", "mapped"),
    [("0 0 4294967295\n", True), ("0 1000 1\n1 100000 65536\n", True), ("0 1000 1\n", False)],
)
def test_users_that_a_namespace_does_not_know_are_not_taken(
    table: str, mapped: bool, tmp_path: Path
) -> None:
    found = tmp_path / "uid_map"
    found.write_text(table)
    assert sandbox.mapped(sandbox.USERS, found) == mapped
