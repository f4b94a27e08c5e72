"""Environments of a suite: pip's own resolver, against an index on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caniload.errors import BadInputError, EnvironmentBuildError, RegistryError
from caniload.runs import environments
from caniload.runs.suite import Suite
from caniload.runs.suite_environments import SuiteEnvironment, kept, suite_environments
from caniload.settings import Settings

if TYPE_CHECKING:
    from conftest import Index

pytestmark = pytest.mark.builds

Write = Callable[[str], Suite]

LATEST = """
models = ["minilm"]
[[environments]]
name = "newest"
packages = { onnxruntime = "latest", numpy = ">=1.26,<2" }
"""


def _one(suite: Suite, settings: Settings, *, fresh: bool = True) -> SuiteEnvironment:
    (found,) = suite_environments(suite, settings, fresh=fresh)
    return found


def test_a_moved_latest_is_another_environment_and_a_moved_stranger_is_not(
    suite_of: Write, settings: Settings, index: Index
) -> None:
    suite = suite_of(LATEST)
    numpy: dict[str, tuple[str, ...]] = {"1.26": (), "1.99": (), "2.1": ()}
    index.holds(
        onnxruntime={"1.0": ("certifi",), "1.1": ("certifi",)}, numpy=numpy, certifi={"2024": ()}
    )
    first = _one(suite, settings)
    assert first.spec is not None
    assert first.spec.requirements == ("numpy==1.99", "onnxruntime==1.1")
    assert first.lock == {"numpy": "1.99", "onnxruntime": "1.1", "certifi": "2024"}
    assert (first.spec.loaders, first.spec.frameworks) == (("onnx",), ("onnxruntime",))
    assert first.moved == {}

    python = environments.build(first.spec, settings)
    built = environments.read_built("newest", settings)
    assert built is not None
    assert built.marker.distributions.items() >= first.lock.items()  # the full lock stays

    index.holds(onnxruntime={"1.1": ("certifi",)}, numpy=numpy, certifi={"2024": (), "2025": ()})
    second = _one(suite, settings)
    assert second.spec is not None
    assert second.lock["certifi"] == "2025"
    assert second.spec.digest == first.spec.digest
    assert environments.find(second.spec, settings) == python  # nothing is built anew

    index.holds(onnxruntime={"1.1": (), "1.2": (), "2.0rc1": ()}, numpy=numpy)
    asked = len(index.server.asked)
    assert _one(suite, settings, fresh=False).spec == second.spec
    assert len(index.server.asked) == asked  # what was resolved stands until it is asked again
    third = _one(suite, settings)
    assert third.spec is not None
    assert third.moved == {"onnxruntime": ("1.1", "1.2")}
    assert environments.find(third.spec, settings) is None
    environments.build(third.spec, settings)
    built = environments.read_built("newest", settings)
    assert built is not None
    assert built.marker.distributions["onnxruntime"] == "1.2"

    changed = suite_of(LATEST.replace('"latest"', '"1.1"'))
    known = environments.specs(settings)
    assert kept(suite.environments[0], known, settings) is not None
    assert kept(changed.environments[0], known, settings) is None


def test_pre_releases_are_taken_of_named_packages_alone(
    suite_of: Write, settings: Settings, index: Index
) -> None:
    index.holds(
        onnxruntime={"1.1": ("numpy",), "2.0rc1": ("numpy",)}, numpy={"2.0": (), "3.0b1": ()}
    )
    suite = suite_of(
        'models = ["minilm"]\n[[environments]]\nname = "next"\npre = true\n'
        'packages = { onnxruntime = "latest" }\n'
    )
    assert _one(suite, settings).lock == {"onnxruntime": "2.0rc1", "numpy": "2.0"}
    held = suite_of(
        'models = ["minilm"]\n[[environments]]\nname = "next"\npre = true\n'
        'packages = { onnxruntime = "<2" }\n'
    )
    assert _one(held, settings).lock["onnxruntime"] == "1.1"


def test_what_is_extended_keeps_its_pins_but_for_what_is_named(
    suite_of: Write, settings: Settings, index: Index
) -> None:
    index.holds(
        onnxruntime={"1.32.0": ("numpy>=2",), "1.40.0": ("numpy>=3",)},
        numpy={"2.4.6": (), "3.0.0": ()},
    )
    extending = (
        'models = ["minilm"]\n[[environments]]\nname = "next"\nextends = "onnxruntime"\n'
        "packages = {{ {packages} }}\n"
    )
    pinned = environments.spec("onnxruntime", settings).requirements
    assert set(pinned) == {"onnxruntime==1.32.0", "numpy==2.4.6"}
    with pytest.raises(EnvironmentBuildError, match=r'as NAME = "\*"'):
        _one(suite_of(extending.format(packages='onnxruntime = ">=1.40"')), settings)
    free = _one(
        suite_of(extending.format(packages='onnxruntime = "latest", numpy = "*"')), settings
    )
    assert free.spec is not None
    assert free.base == "onnxruntime"
    assert free.spec.requirements == ("numpy==3.0.0", "onnxruntime==1.40.0")


def test_a_silent_registry_and_an_impossible_range_are_told_apart(
    suite_of: Write, settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.holds(onnxruntime={"1.0": ()}, numpy={"1.26": ()}, nothing={"1.0": ()})
    before = _one(suite_of(LATEST), settings)
    with pytest.raises(EnvironmentBuildError, match="onnxruntime"):
        _one(suite_of(LATEST.replace('"latest"', '">9"')), settings)
    with pytest.raises(BadInputError, match="holds nothing that a loader"):
        _one(suite_of(LATEST.replace("onnxruntime", "nothing").replace("newest", "none")), settings)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/index/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(RegistryError, match="cannot be reached"):
        _one(suite_of(LATEST.replace(">=1.26", ">=1.2")), settings)
    said: list[str] = []
    (held,) = suite_environments(suite_of(LATEST), settings, said.append)  # as it was resolved
    assert held == before
    assert "stand" in said[-1]


def test_names_and_interpreters_of_the_suite(suite_of: Write, settings: Settings) -> None:
    default = suite_environments(suite_of('models = ["minilm"]'), settings)
    known = environments.specs(settings)
    assert [each.name for each in default] == [n for n, s in known.items() if s.default]

    python = Path(sys.executable)
    suite = suite_of(f"""
models = ["minilm"]
environments = ["transformers-4-49", {{ name = "mine", python = "{python}" }}]
""")
    named, mine = suite_environments(suite, settings)
    assert named.spec is not None
    assert named.spec.default  # it is used although it is not one that caniload uses by itself
    assert (mine.spec, mine.python) == (None, python)

    wrong = suite_of("""models = ["minilm"]
[[environments]]
name = "pytorhc"
[[environments]]
name = "pytorch"
packages = { torch = "latest" }
[[environments]]
name = "mine"
python = "./nowhere/bin/python"
""")
    with pytest.raises(BadInputError) as caught:
        suite_environments(wrong, settings)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("caniload.toml:3: environments[0].name: no environment named")
    assert "pytorch" in first
    assert second.startswith("caniload.toml:5: environments[1].name: pytorch is an environment")
    assert third.startswith("caniload.toml:9: environments[2].python: there is nothing at")
