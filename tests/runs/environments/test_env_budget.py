from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from tiny_packages import specification

from caniload.errors import BusyError, UnknownNameError
from caniload.runs import environments
from caniload.runs.built import LAST_USED, lock_path
from caniload.runs.environments import EnvSpec
from caniload.runs.locks import locked
from caniload.settings import Settings

pytestmark = pytest.mark.builds


def _used(name: str, settings: Settings, age_seconds: int) -> None:
    """Let an environment have been used some time ago."""
    environments.touch(name, settings)
    path = settings.envs / name / LAST_USED
    moment = path.stat().st_mtime - age_seconds
    os.utime(path, (moment, moment))


def _names(settings: Settings) -> list[str]:
    return [entry.name for entry in environments.built(settings)]


def test_the_longest_unused_goes_first_and_only_as_many_as_must(
    place: Callable[..., EnvSpec], budget_of: Callable[[int], Settings]
) -> None:
    settings = budget_of(2500)
    for name, age in (("old", 300), ("older", 500), ("young", 10)):
        place(name)
        _used(name, settings, age)
    said: list[str] = []
    removed = environments.make_room(settings, 500, frozenset(), said.append)
    assert removed == ("older",)
    assert _names(settings) == ["old", "young"]
    assert "older" in said[0]
    assert environments.make_room(settings, 500, frozenset(), said.append) == ()


def test_use_makes_it_young_and_one_in_use_is_never_removed(
    place: Callable[..., EnvSpec], budget_of: Callable[[int], Settings]
) -> None:
    settings = budget_of(1000)
    specs = {name: place(name) for name in ("a", "b")}
    _used("a", settings, 900)
    _used("b", settings, 100)
    said: list[str] = []
    with environments.use(specs["a"], settings) as python:
        assert environments.make_room(settings, 1000, frozenset(), said.append) == ("b",)
        assert python.exists()
        assert "more than the budget" in said[-1]
        with pytest.raises(BusyError):
            environments.remove("a", settings)
    assert environments.remove("a", settings) > 0
    assert _names(settings) == []
    assert list((settings.envs / ".trash").iterdir()) == []


def test_a_build_makes_room_for_itself(
    place: Callable[..., EnvSpec], budget_of: Callable[[int], Settings]
) -> None:
    settings = budget_of(30_000_000)
    place("old", size_bytes=29_000_000)
    environments.build(specification("fresh"), settings)
    assert _names(settings) == ["fresh"]


def test_what_holds_it_in_another_process_counts(
    place: Callable[..., EnvSpec], settings: Settings
) -> None:
    place("a")
    with locked(lock_path("a", settings), shared=True) as fd:
        holder = subprocess.Popen(["sleep", "60"], pass_fds=(fd,))
    try:  # our own descriptor is closed; the other process still has the lock
        with pytest.raises(BusyError):
            environments.remove("a", settings)
    finally:
        holder.kill()
        holder.wait()
    environments.remove("a", settings)


def test_only_what_is_ours_can_be_removed(settings: Settings) -> None:
    (settings.envs / "theirs").mkdir(parents=True)
    (settings.home / "precious").mkdir()
    for name in ("theirs", "absent", "../precious", "", ".locks"):
        with pytest.raises(UnknownNameError):
            environments.remove(name, settings)
    assert (settings.envs / "theirs").exists()
    assert (settings.home / "precious").exists()


def test_an_environment_whose_interpreter_is_gone_is_not_built(
    place: Callable[..., EnvSpec], settings: Settings
) -> None:
    spec = place("a")
    assert environments.find(spec, settings) is not None
    for name in ("python", "python3"):
        (settings.envs / "a" / "bin" / name).unlink()
    (settings.envs / "a" / "bin" / "python").symlink_to("/nowhere/python3")
    assert environments.find(spec, settings) is None


def test_an_export_is_public_versions_only_and_says_what_it_is(
    place: Callable[..., EnvSpec], settings: Settings
) -> None:
    place("a", torch="2.13.0", alpha="1.0")
    lines = environments.export("a", settings).splitlines()
    assert lines[0].startswith("# environment a: Python 3.")
    assert lines[1:] == ["alpha==1.0", "torch==2.13.0"]
    assert environments.requirements_text({"torch": "2.13.0+cpu"}) == "torch==2.13.0\n"
    with pytest.raises(UnknownNameError, match="caniload env build pytorch"):
        environments.export("pytorch", settings)
