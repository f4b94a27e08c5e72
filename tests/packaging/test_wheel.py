"""Every command once, from a clean HOME, through the installed wheel."""

from __future__ import annotations

import io
import json
import tomllib
import zipfile
from pathlib import Path

import pytest
from host import ROOT, Installed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.builds

FRAMEWORKS = {"torch", "tensorflow", "jax", "keras", "transformers", "onnxruntime", "numpy"}

MODELS = len(list((ROOT / "caniload" / "data" / "models").glob("*.yaml")))

CALLS: list[tuple[list[str], int, str]] = [
    (["--version"], 0, "caniload "),
    (["check", "minilm", "--env", "pytorch"], 0, "works"),
    (["check", "bert"], 3, "claimed"),
    (["show", "minilm"], 0, "all-MiniLM-L6-v2"),
    (["list"], 0, "deepdream"),
    (["search", "image-classification"], 0, "resnet-50"),
    (["env", "list"], 0, "keras-jax"),
    (["doctor"], 0, "sandbox"),
    (["sql", "SELECT count(*) FROM models"], 0, str(MODELS)),
    (["log"], 0, "no run"),
    (["cache", "list"], 0, ""),
    (["catalog", "lint"], 0, "unresolved"),
    (["demo", "--help"], 0, "all-MiniLM-L6-v2"),
    (["history", "minilm"], 0, "transformers"),
    (["bisect", "./nothing", "--package", "pip"], 2, ""),
    (["upgrade", "minilm", "--python", "./nothing", "--package", "pip==1"], 2, ""),
    (["gaps"], 0, "works, and nothing claims it"),
    (["choose", "--model", "minilm"], 0, "PyTorch"),
    (["fit", "minilm", "--memory", "16GB"], 0, "fits"),
    (["dump", "--format", "parquet", "--to", "./dump"], 0, ""),
    (["serve"], 2, ""),
    (["site", "build", "public"], 0, "pages"),
    (["run", "./nothing"], 2, ""),
    (["sweep", "nothing"], 2, ""),
    (["nightly", "./nothing.toml"], 2, ""),
    (["suite", "check", "./nothing.toml"], 2, ""),
    (["ingest", "./nothing"], 2, ""),
    (["docs", "check", "./nothing.md"], 2, ""),
    (["explain", "./nothing.txt"], 2, ""),
]


@pytest.mark.parametrize(("args", "code", "says"), CALLS, ids=[" ".join(c[0]) for c in CALLS])
def test_each_command_answers_from_a_clean_home(
    installed: Installed, tmp_path: Path, args: list[str], code: int, says: str
) -> None:
    done = installed.run(tmp_path, *args)
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout
    assert "Traceback" not in done.stderr
    if code == 2:
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1


def test_every_command_that_help_lists_is_called_above(
    installed: Installed, tmp_path: Path
) -> None:
    listed = installed.run(tmp_path, "--help").stdout
    from caniload.cli.registry import COMMANDS

    called = {args[0] for args, _, _ in CALLS}
    assert set(COMMANDS) <= called
    assert all(f" {name} " in listed for name in COMMANDS)


def test_the_wheel_brings_no_framework_and_is_small(installed: Installed) -> None:
    assert installed.wheel.stat().st_size < 5_000_000
    with zipfile.ZipFile(installed.wheel) as archive:
        names = archive.namelist()
        meta = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    needed = [
        Requirement(line.removeprefix("Requires-Dist: ").strip())
        for line in io.StringIO(meta)
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert needed
    assert not FRAMEWORKS & {canonicalize_name(each.name) for each in needed}
    assert "caniload/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    found = installed.python.parent.parent.glob("lib/*/site-packages/*.dist-info")
    have = {canonicalize_name(path.name.split("-")[0]) for path in found}
    assert not FRAMEWORKS & have


def test_the_declared_version_is_the_package_s(installed: Installed) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["license"] == "Apache-2.0"
    from caniload import __version__

    assert f"-{__version__}-" in installed.wheel.name


def test_json_is_one_document(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(tmp_path, "list", "--format", "json")
    assert json.loads(done.stdout)["caniload"] == "list models"
