from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.errors import InterpreterError
from caniload.runs import here
from caniload.runs.environments import EnvSpec
from caniload.settings import Settings


def _python(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_virtual_environment_comes_before_conda_and_both_before_path(tmp_path: Path) -> None:
    venv = _python(tmp_path / "venv" / "bin" / "python")
    conda = _python(tmp_path / "conda" / "bin" / "python")
    on_path = _python(tmp_path / "bin" / "python3")
    environ = {
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "CONDA_PREFIX": str(tmp_path / "conda"),
        "PATH": f"/nowhere:{tmp_path / 'bin'}",
    }
    assert here.here(environ) == venv
    del environ["VIRTUAL_ENV"]
    assert here.here(environ) == conda
    del environ["CONDA_PREFIX"]
    assert here.here(environ) == on_path
    with pytest.raises(InterpreterError, match="no python3 is on PATH"):
        here.here({"PATH": "/nowhere"})
    with pytest.raises(InterpreterError, match="VIRTUAL_ENV"):
        here.here({"VIRTUAL_ENV": "/nowhere", "PATH": str(tmp_path / "bin")})


@pytest.mark.parametrize("receipt", ["pipx_metadata.json", "uv-receipt.toml"])
def test_the_private_environment_of_caniload_itself_is_never_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receipt: str
) -> None:
    own = _python(tmp_path / "own" / "bin" / "python3")
    other = _python(tmp_path / "other" / "bin" / "python3")
    environ = {"PATH": f"{own.parent}:{other.parent}", "VIRTUAL_ENV": str(tmp_path / "own")}
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "own"))
    (tmp_path / "own" / receipt).write_text("")
    assert here.here(environ) == other
    # Installed into the user's own environment, caniload does answer for that one.
    (tmp_path / "own" / receipt).unlink()
    assert here.here({"PATH": environ["PATH"]}) == own


def test_versions_come_from_names_in_the_site_folder_without_starting_python(
    tmp_path: Path,
) -> None:
    site = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    for entry in ("torch-2.13.0+cpu.dist-info", "keras_hub-0.32.0.dist-info", "~orch-1.dist-info"):
        (site / entry).mkdir(parents=True)
    (site / "old.egg-info").mkdir()
    (site / "old.egg-info" / "PKG-INFO").write_text("Name: old\nVersion: 0.4\n")
    (site / "six-1.16.0-py3.12.egg-info").write_text("Name: six\nVersion: 1.16.0\n")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("home = /x\nversion_info = 3.12.1.final.0\n")
    python = _python(tmp_path / "venv" / "bin" / "python")
    python.write_text("#!/bin/sh\nexit 1\n")
    found = here.read(python)
    assert found.python_minor == "3.12"
    assert found.versions == {
        "torch": "2.13.0",
        "keras-hub": "0.32.0",
        "old": "0.4",
        "six": "1.16.0",
    }
    assert found.builds == {"torch": "cpu"}
    environ = {"VIRTUAL_ENV": str(tmp_path / "venv")}
    assert here.versions_here(["Keras.Hub", "jax"], environ) == {"Keras.Hub": "0.32.0"}


def test_conda_and_the_users_own_folder(tmp_path: Path) -> None:
    library = tmp_path / "conda" / "lib" / "python3.11"
    (library / "site-packages" / "torch-2.0.dist-info").mkdir(parents=True)
    (library / "os.py").write_text("")
    (tmp_path / "conda" / "conda-meta").mkdir()
    user = tmp_path / "home" / ".local" / "lib" / "python3.11" / "site-packages"
    (user / "torch-2.1.dist-info").mkdir(parents=True)
    python = _python(tmp_path / "conda" / "bin" / "python")
    environ = {"HOME": str(tmp_path / "home")}
    assert here.read(python, environ).versions == {"torch": "2.1"}
    assert here.read(python, environ | {"PYTHONNOUSERSITE": "1"}).versions == {"torch": "2.0"}


def test_a_base_interpreter_reads_the_same_as_it_says() -> None:
    from caniload.runs.interpreters import probe

    base = Path(getattr(sys, "_base_executable", sys.executable))
    asked = probe(base)
    assert here.read(base).versions == asked.distributions
    assert here.read(base).python_minor == asked.minor


def test_an_interpreter_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match="does not answer"):
        here.read(_python(tmp_path / "bin" / "python3"))


@pytest.mark.builds
def test_a_built_environment_is_read_from_its_marker(
    place: Callable[..., EnvSpec], settings: Settings
) -> None:
    place("mine", torch="2.13.0")
    found = here.read_built(settings.envs, "mine")
    assert found is not None
    assert found.decisive(["torch"]) == {"torch": "2.13.0"}
    assert here.read_built(settings.envs, "absent") is None


def test_reading_imports_nothing_that_a_cold_answer_cannot_afford() -> None:
    code = (
        "import sys; from caniload.runs import here; here.read(here.here());"
        "print(sorted(m for m in ('pydantic','yaml','rich','subprocess','importlib.metadata',"
        "'caniload.records') if m in sys.modules))"
    )
    environ = {"VIRTUAL_ENV": sys.prefix, "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
    )
    assert done.stdout.strip() == "[]"
