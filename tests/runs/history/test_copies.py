"""Copies that share files by hard links: pip moves a package in one and in no other."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.errors import SharedFileError
from caniload.runs import copies
from caniload.runs.interpreters import probe
from caniload.runs.plan import Wish
from caniload.runs.workflow import Request, attempt
from caniload.settings import Settings

pytestmark = pytest.mark.builds


def _module(root: Path) -> Path:
    (found,) = root.glob("lib/python3*/site-packages/tinylib/__init__.py")
    return found


def test_pip_writes_into_no_shared_file_and_scripts_lead_to_the_copy(
    made: Path, tmp_path: Path, pip_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in pip_environ.items():
        monkeypatch.setenv(name, value)
    before = _module(made).read_bytes()
    with copies.copied(made, tmp_path / "copies", share=True) as copy:
        assert _module(copy.root).stat().st_ino == _module(made).stat().st_ino
        there = copies.install(copy, ["tinylib==2.0"], {}, lambda line: None)
        assert there.distributions["tinylib"] == "2.0"
        assert _module(copy.root).read_bytes() != before == _module(made).read_bytes()
        shown = subprocess.run(
            [copy.root / "bin" / "pip", "--version"], capture_output=True, text=True, check=True
        )
        assert str(copy.root) in shown.stdout
        assert str(made) not in (copy.root / "bin" / "activate").read_text()
    assert not copy.root.exists()
    assert probe(made / "bin" / "python").distributions["tinylib"] == "1.1"


def test_a_write_through_a_link_is_noticed(made: Path, tmp_path: Path) -> None:
    module = _module(made)
    was, body = module.stat(), module.read_bytes()

    def write_through() -> None:
        with copies.copied(made, tmp_path / "copies", share=True) as copy:
            _module(copy.root).write_bytes(body + b"# more\n")

    with pytest.raises(SharedFileError, match="1 files of theirs"):
        write_through()
    module.write_bytes(body)
    os.utime(module, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, mine = tmp_path / f"env-{gone.pid}-0a1b2c3d", tmp_path / f"env-{os.getpid()}-0a1b2c3d"
    left.mkdir()
    mine.mkdir()
    copies.sweep(tmp_path)
    assert not left.exists()
    assert mine.exists()


@pytest.mark.framework
def test_a_model_loads_in_a_copy_of_a_real_environment(
    framework_python: Callable[[str], Path], minilm_dir: Path, settings: Settings
) -> None:
    original = framework_python("pytorch").parent.parent
    with copies.copied(original, settings.envs / ".copies", share=True) as copy:
        assert probe(copy.python).prefixes[0] == copy.root
        request = Request((str(minilm_dir),), Wish("pytorch", "transformers"), python=copy.python)
        result = attempt(request, settings, Silent())
    (observation,) = result.observations
    assert observation.outcome == "passed", observation.message
    assert observation.environment.lock == probe(original / "bin" / "python").distributions


class Silent:
    """Watch a run and say nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None
