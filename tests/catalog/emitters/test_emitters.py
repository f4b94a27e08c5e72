"""Emitters run for real, each in its environment, and say what the committed snapshot holds."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.catalog.upstream import importing, snapshots
from caniload.catalog.upstream.emitting import EMITTERS, FOLDER, emit
from caniload.errors import CatalogueError
from caniload.runs import envspecs
from caniload.settings import Settings

COMMITTED = Settings.read({}).data / snapshots.FOLDER
LONG = {"timm": "builds 1,285 models", "keras-applications": "builds 80 models"}
SERVING = {name for name, spec in envspecs.specs(Settings.read({})).items() if spec.default}
"""The environments that `make test` builds; `make soak` builds the others."""
INSTALLED = [
    pytest.param(
        name,
        marks=[
            pytest.mark.framework,
            *([pytest.mark.soak] if name in LONG or emitter.environment not in SERVING else []),
        ],
    )
    for name, emitter in EMITTERS.items()
    if not emitter.wheel
]


@pytest.mark.parametrize("name", INSTALLED)
def test_an_emitter_says_today_what_the_committed_snapshot_holds(
    name: str, framework_python: Callable[[str], Path]
) -> None:
    environment = EMITTERS[name].environment
    assert environment is not None
    catalogue = EMITTERS[name].module.replace("_", "-")
    lines = emit(name, framework_python(environment))
    report = importing.take(lines, catalogue, COMMITTED, check=True)
    assert report.file.exists()
    assert report.former_version == report.version
    assert not report.changes
    assert not report.differs


MODULES = {
    "__init__": "from .speech import SPEECH\nfrom .own import OWN, OWN_SMALL\n",
    "speech": """
import torch
URL = "large"
_CHECKSUMS = {
    "http://www.example.org/1/large.tar.gz": "AAA",
    "http://www.example.org/1/small.tar.gz": "BBB",
}
class SPEECH(torch.Dataset):
    def __init__(self, root, subset=URL, *, download=False):
        raise RuntimeError("this is never run")
""".replace("AAA", "a" * 64).replace("BBB", "b" * 64),
    "own": """
class OWN:
    def __init__(self, root, subset): pass
class OWN_SMALL(OWN):
    pass
""",
}


def test_torchaudio_is_read_from_a_wheel_and_never_run(tmp_path: Path) -> None:
    wheel = tmp_path / "torchaudio-9.1.0+cpu-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("torchaudio-9.1.0.dist-info/METADATA", "Name: x\nVersion: 9.1.0+cpu\n")
        for module, code in MODULES.items():
            archive.writestr(f"torchaudio/datasets/{module}.py", code)
    lines = emit("torchaudio-datasets", Path(sys.executable), str(wheel))
    read = importing.read_lines(lines, "torchaudio-datasets")
    assert read.head.version == "9.1.0"
    rows = {row["name"]: row for row in read.rows}
    assert rows["SPEECH"]["call"] == "torchaudio.datasets.SPEECH(root, download=True)"
    assert [one["value"][0] for one in rows["SPEECH"]["checksums"]] == ["a", "b"]
    assert rows["OWN"]["call"] == "torchaudio.datasets.OWN(root, subset)"
    assert rows["OWN_SMALL"]["call"] == "torchaudio.datasets.OWN_SMALL(root, subset)"
    assert rows["OWN_SMALL"]["checksums"] == []


def test_a_library_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(
        CatalogueError, match=r"timm could not be read .*: No package metadata was found"
    ):
        emit("timm", Path(sys.executable))


def test_what_a_library_prints_is_no_fact(tmp_path: Path) -> None:
    (tmp_path / "caniload_emitters").symlink_to(FOLDER, target_is_directory=True)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from caniload_emitters.lines import emit, source\n"
        "def facts():\n"
        "    print('Hello from a library', flush=True)\n"
        "    os.write(1, b'and from its C code')\n"
        "    yield source('timm:a', 'a', tasks=[], parameters=None, facts={'b': None, 'c': 0})\n"
        "emit('timm', 'pip', facts())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    read = importing.read_lines(done.stdout.splitlines(), "timm")
    assert [row["facts"] for row in read.rows] == [{"c": 0}]
    assert "Hello from a library" in done.stderr
    assert "and from its C code" in done.stderr


def test_emitters_are_python_3_9_and_import_nothing_of_the_host() -> None:
    files = sorted(FOLDER.glob("*.py"))
    assert {emitter.module for emitter in EMITTERS.values()} <= {file.stem for file in files}
    for file in files:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [] if node.level == 1 else [node.module or "."]
            assert not [name for name in names if name.split(".")[0] in ("caniload", "")], file
