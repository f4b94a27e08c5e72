from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from caniload.errors import InterpreterError
from caniload.runs import here as here_module
from caniload.runs import interpreters


def _venv(path: Path) -> Path:
    """Make a real virtual environment without pip, which takes a fifth of a second."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path)], check=True)
    return path


def _site(venv: Path) -> Path:
    return next((venv / "lib").glob("python3.*/site-packages"))


def _install(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return _venv(tmp_path / "venv")


def test_an_interpreter_tells_what_it_is() -> None:
    found = interpreters.probe(Path(sys.executable))
    assert found.version == "{}.{}.{}".format(*sys.version_info[:3])
    assert found.minor == "{}.{}".format(*sys.version_info[:2])
    assert found.platform == here_module.this_platform()
    assert found.distributions["duckdb"] == metadata.version("duckdb")
    assert found.executable == Path(sys.executable).resolve()
    assert Path(sys.prefix) in found.prefixes
    assert any(path == Path(sys.base_prefix).resolve() for path in found.binds)


def test_versions_are_public_and_builds_without_hash(venv: Path) -> None:
    _install(_site(venv), "torch", "2.13.0+cpu")
    _install(_site(venv), "Nv_Torch", "2.6.0a0+ecf3bae40a.nv25.01")
    found = interpreters.probe(venv)
    assert found.distributions == {"torch": "2.13.0", "nv-torch": "2.6.0a0"}
    assert found.builds == {"torch": "cpu", "nv-torch": "nv25.01"}


def test_the_first_on_the_path_wins_and_noise_does_not_matter(venv: Path, tmp_path: Path) -> None:
    _install(_site(venv), "alpha", "1.0")
    _install(tmp_path / "second", "alpha", "2.0")
    _install(tmp_path / "second", "beta", "2.0")
    (_site(venv) / "more.pth").write_text(f"# a remark\n{tmp_path / 'second'}\n")
    (_site(venv) / "noise.pth").write_text("import sys; sys.stdout.write('hello\\n')\n")
    found = interpreters.probe(venv)
    assert found.distributions == {"alpha": "1.0", "beta": "2.0"}
    assert found.pth_targets == (tmp_path / "second",)
    assert tmp_path / "second" in found.binds
    assert here_module.read(venv / "bin" / "python").versions == found.distributions


def test_an_editable_install_is_bound(venv: Path, tmp_path: Path) -> None:
    source = tmp_path / "my project"
    source.mkdir()
    _install(_site(venv), "mine", "0.1")
    (_site(venv) / "mine-0.1.dist-info" / "direct_url.json").write_text(
        json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}})
    )
    assert source in interpreters.probe(venv).binds


def test_a_metadata_folder_that_is_broken_does_not_stop_it(venv: Path) -> None:
    _install(_site(venv), "alpha", "1.0")
    (_site(venv) / "empty-1.0.dist-info").mkdir()
    (_site(venv) / "~lpha-0.9.dist-info").mkdir()
    assert interpreters.probe(venv).distributions["alpha"] == "1.0"


def test_the_environment_of_the_caller_is_not_seen(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path / "leak", "leaked", "1.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "leak"))
    monkeypatch.setenv("PYTHONHOME", "/nonsense")
    assert "leaked" not in interpreters.probe(venv).distributions
    assert "leaked" not in here_module.read(venv / "bin" / "python").versions


def test_a_shim_leads_to_the_interpreter_behind_it(venv: Path, tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec "{venv}/bin/python" "$@"\n')
    shim.chmod(0o755)
    assert interpreters.probe(shim).python == venv / "bin" / "python"
    _install(_site(venv), "alpha", "1.0")
    assert here_module.read(shim).versions == {"alpha": "1.0"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#!/bin/sh\necho hello\n", "is not a Python interpreter"),
        ("#!/bin/sh\nprintf '\\ncaniload-version:3.8.18\\n'\n", "needs 3.9 or newer"),
        ("#!/bin/sh\nprintf '\\ncaniload-version:3.12.0\\n'; exit 1\n", "could not list"),
        ("#!/nowhere/interpreter\n", "cannot be started"),
        ("garbage", "cannot be started"),
    ],
)
def test_what_is_no_interpreter_is_said_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "python"
    path.write_text(text)
    path.chmod(0o755)
    with pytest.raises(InterpreterError) as caught:
        interpreters.probe(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_plain_and_dangling_paths(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name, words in (
        ("absent", "does not exist"),
        ("plain", "is not executable"),
        ("dangling", "its link leads nowhere"),
        ("folder", "is a folder without bin/python"),
    ):
        with pytest.raises(InterpreterError, match=words):
            interpreters.probe(tmp_path / name)


def test_the_script_parses_on_any_python_that_is_here() -> None:
    """Whatever old Pythons the machine has must answer with their version, not a syntax error."""
    script = Path(interpreters.__file__).with_name("probe_script.py").read_text()
    names = ["python2.7", "python3.6", "python3.7", "python3.8", "python3.9"]
    candidates = [sys.executable, *filter(None, map(shutil.which, names))]
    for python in candidates:
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
        if done.returncode == 127:  # a version manager's shim without a version behind it
            continue
        assert "caniload-version:" in done.stdout, (python, done.stderr)


def test_the_record_holds_the_whole_lock_and_a_key_of_the_decisive(venv: Path) -> None:
    _install(_site(venv), "torch", "2.13.0+cpu")
    _install(_site(venv), "huggingface_hub", "2.4.0")
    found = interpreters.probe(venv)
    names = ["torch", "huggingface_hub", "transformers"]
    record = interpreters.environment(found, "mine", names, ["a patch"])
    assert record.decisive == {"torch": "2.13.0", "huggingface_hub": "2.4.0"}
    assert record.lock == {"torch": "2.13.0", "huggingface-hub": "2.4.0"}
    assert record.builds == {"torch": "cpu"}
    assert record.patches == ("a patch",)
    assert here_module.read(venv / "bin" / "python").key(names) == record.key


@pytest.mark.framework
@pytest.mark.parametrize(
    "name", ["pytorch", "onnxruntime", "tensorflow", "keras-torch", "keras-jax"]
)
def test_real_environments_read_the_same_from_disk_and_from_inside(
    framework_python: Callable[[str], Path], name: str
) -> None:
    python = framework_python(name)
    asked = interpreters.probe(python)
    read = here_module.read(python)
    assert read.versions == asked.distributions
    assert read.builds == asked.builds
    assert read.python_minor == asked.minor
    assert read.platform == asked.platform
