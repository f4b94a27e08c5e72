"""Real builds with the real pip, over tiny packages in a folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny_packages import (
    FAILING_BACKEND,
    LATE_BACKEND,
    WAITING_BACKEND,
    sdist,
    specification,
    wheel,
)

from caniload.errors import (
    DiskFullError,
    EnvironmentBuildError,
    InterpreterError,
    PermissionDeniedError,
)
from caniload.runs import builder, environments, pip_output
from caniload.runs.built import lock_path
from caniload.runs.environments import EnvSpec
from caniload.runs.locks import locked
from caniload.settings import Settings

pytestmark = pytest.mark.builds

IN_A_PROCESS = """
import sys
from caniload.runs import environments
from caniload.runs.built import lock_path
from caniload.runs.environments import EnvSpec
from caniload.runs.locks import locked
from caniload.settings import Settings
spec = EnvSpec.model_validate_json(sys.argv[1])
print(environments.build(spec, Settings.read(), lambda line: print(line, flush=True)))
"""


def _start(spec: EnvSpec) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", IN_A_PROCESS, spec.model_dump_json()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def _versions(python: Path) -> dict[str, str]:
    found = environments.read_built(python.parent.parent.name, Settings.read())
    assert found is not None
    return found.marker.distributions


def test_what_is_built_stands_and_a_changed_specification_is_built_anew(
    wheelhouse: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a user's configuration or shell may hold must not send the packages elsewhere.
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", str(wheelhouse / "elsewhere"))
    monkeypatch.setenv("PYTHONPATH", str(wheelhouse))
    spec = specification("tiny", "alpha==1.0", "local_build==3.1")
    lines: list[str] = []
    python = environments.build(spec, settings, lines.append)
    assert python == settings.envs / "tiny" / "bin" / "python"
    assert any(line.startswith("Successfully installed alpha-1.0") for line in lines)
    entry = environments.read_built("tiny", settings)
    assert entry is not None
    assert entry.marker.distributions["alpha"] == "1.0"
    assert entry.marker.distributions["local-build"] == "3.1"
    assert entry.marker.builds == {"local-build": "cpu"}
    assert entry.size_bytes > 1_000_000
    assert "Successfully installed" in builder.log_path("tiny", settings).read_text()
    text = environments.export("tiny", settings)
    assert text.splitlines()[1:] == ["alpha==1.0", "local-build==3.1"]

    again: list[str] = []
    assert environments.build(spec, settings, again.append) == python
    assert again == []

    changed = specification("tiny", "alpha==2.0")
    assert environments.find(changed, settings) is None
    environments.build(changed, settings)
    assert _versions(python)["alpha"] == "2.0"
    assert "local-build" not in _versions(python)


@pytest.mark.usefixtures("wheelhouse")
def test_a_version_that_is_not_there_is_named_with_pips_own_words(settings: Settings) -> None:
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.build(specification("tiny", "alpha==9.9"), settings)
    assert caught.value.package == "alpha==9.9"
    assert "No matching distribution found for alpha==9.9" in caught.value.tail
    assert "2.0" in caught.value.tail
    assert environments.built(settings) == ()
    assert not (settings.envs / "tiny").exists()


def test_a_package_that_does_not_build_is_named_with_its_own_words(
    wheelhouse: Path, settings: Settings
) -> None:
    sdist(wheelhouse, "broken", "1.0", FAILING_BACKEND)
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.build(specification("tiny", "alpha==1.0", "broken==1.0"), settings)
    assert caught.value.package == "broken==1.0"
    assert "the compiler of broken said no" in caught.value.tail
    assert caught.value.exit_code == 3


def test_a_build_that_was_killed_is_never_used_and_is_begun_anew(
    wheelhouse: Path, tmp_path: Path, settings: Settings
) -> None:
    flag = tmp_path / "building"
    slow = sdist(wheelhouse, "slow", "1.0", WAITING_BACKEND.format(flag=str(flag)))
    spec = specification("tiny", "alpha==1.0", "slow==1.0")
    process = _start(spec)
    _wait_for(flag.exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert environments.find(spec, settings) is None
    assert environments.built(settings) == ()
    assert environments.half_built(settings) == ("tiny",)
    assert (settings.envs / "tiny" / "bin" / "python").exists()

    slow.unlink()
    repaired = specification("tiny", "alpha==1.0")
    python = environments.build(repaired, settings)
    assert environments.find(repaired, settings) == python
    assert environments.half_built(settings) == ()
    # The killed build's pip died with it, and nothing of it is left in the new environment.
    assert set(_versions(python)) - {"pip", "setuptools"} == {"alpha"}


def test_an_interrupted_build_ends_pip_and_leaves_nothing_usable(
    wheelhouse: Path, tmp_path: Path, settings: Settings
) -> None:
    flag = tmp_path / "building"
    sdist(wheelhouse, "slow", "1.0", WAITING_BACKEND.format(flag=str(flag)))
    spec = specification("tiny", "slow==1.0")
    process = _start(spec)
    _wait_for(flag.exists)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in talk
    assert environments.find(spec, settings) is None
    # The lock is free at once: nothing of the build runs on.
    with locked(lock_path("tiny", settings)) as held:
        assert held >= 0


def test_two_builders_at_once_build_once(wheelhouse: Path, settings: Settings) -> None:
    assert wheelhouse.is_dir()
    spec = specification("tiny", "alpha==1.0")
    processes = [_start(spec) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda process: process.communicate(timeout=120), processes))
    assert [process.returncode for process in processes] == [0, 0]
    said = [out for out, _ in answers]
    assert sum("Successfully installed" in out for out in said) == 1
    assert {out.splitlines()[-1] for out in said} == {
        str(settings.envs / "tiny" / "bin" / "python")
    }


def test_a_folder_that_is_not_ours_is_never_touched(settings: Settings) -> None:
    theirs = settings.envs / "tiny"
    theirs.mkdir(parents=True)
    (theirs / "pyvenv.cfg").write_text("home = /elsewhere\n")
    with pytest.raises(PermissionDeniedError, match="was not built by caniload"):
        environments.build(specification(), settings)
    assert (theirs / "pyvenv.cfg").exists()


def test_no_disk_no_python_no_permission_are_said_before_anything_is_made(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(DiskFullError, match="caniload env rm"):
        environments.build(specification(disk_bytes=10**16), settings)
    old = specification().model_copy(update={"python": "<3"})
    with pytest.raises(InterpreterError, match="needs Python <3"):
        environments.build(old, settings)
    assert not (settings.envs / "tiny").exists()
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    blocked_settings = Settings.read({"CANILOAD_HOME": str(blocked)})
    with pytest.raises(PermissionDeniedError):
        environments.build(specification(), blocked_settings)


def test_pips_own_words_name_the_package(wheelhouse: Path, tiny_built: Path) -> None:
    wheel(wheelhouse, "beta", "1.0", requires="alpha==1.0")
    target = wheelhouse / "target"

    def words(*requirements: str) -> list[str]:
        command = [tiny_built / "bin" / "python", "-m", "pip", "install", "--target", target]
        done = subprocess.run(
            [*command, *requirements], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        return (done.stdout + done.stderr).splitlines()

    conflict = words("alpha==2.0", "beta==1.0")
    assert "alpha==2.0" in (pip_output.failed_package(conflict) or "")
    assert "conflict" in pip_output.tail(conflict)
    assert pip_output.failed_package(words("gamma==1")) == "gamma==1"
    sdist(wheelhouse, "late", "1.0", LATE_BACKEND)
    late = words("late==1.0")
    assert pip_output.failed_package(late) == "late"
    assert "only the wheel failed" in pip_output.tail(late)
    assert not pip_output.no_space(conflict)
    assert pip_output.no_space(["ERROR: ... OSError: [Errno 28] No space left on device"])
