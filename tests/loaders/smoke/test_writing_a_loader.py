"""The example of docs/writing-a-loader.md, taken from the page and run as an outside package."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from drive import drive, job

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-loader.md"


def blocks() -> dict[str, str]:
    found = re.findall(r"^```\w+\n# file: (\S+)\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert [name for name, _ in found] == ["tableloader.py", "table_smoke.py", "pyproject.toml"]
    return dict(found)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The page's files as an installed distribution."""
    root = tmp_path / "site"
    root.mkdir()
    for name, text in blocks().items():
        (root / name).write_text(text)
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    info = root / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = ["[caniload.loaders]"]
    lines += [f"{k} = {v}" for k, v in project["entry-points"]["caniload.loaders"].items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return root


def test_the_page_adds_a_loader_that_passes(package: Path, tmp_path: Path) -> None:
    ask = (
        "from caniload.loaders.specs import load_specs\n"
        "spec = load_specs()['table']\n"
        "print(spec.smoke_file)\n"
        "print(spec.snippet({'path': 'table.json'}, 'pytorch', {}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", ask],
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )
    smoke_file, _, snippet = said.stdout.partition("\n")
    assert Path(smoke_file) == package / "table_smoke.py"
    table = tmp_path / "table.json"
    table.write_text('{"scale": 2.5}')
    seen = drive(
        Path(sys.executable),
        job(table, "table", "pytorch", "table", smoke_file=smoke_file),
        tmp_path / "run",
    )
    assert seen.result == ("passed", "check"), seen.log
    assert seen.checks["weights"]["detail"] == "the scale is the file's"
    (output,) = seen.fingerprint["outputs"]
    assert (output["name"], output["shape"]) == ("products", [8])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", snippet + "print(output)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[[2.5, 5.0], [7.5, 10.0]]"


def test_a_spoilt_table_fails_at_load(package: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text('{"scale": 2.')
    work = job(table, "table", "pytorch", smoke_file=str(package / "table_smoke.py"))
    seen = drive(Path(sys.executable), work, tmp_path / "run")
    assert seen.result == ("failed", "load")
    (told,) = seen.all("exceptions")
    assert told["exceptions"][0]["type"] == "json.decoder.JSONDecodeError"
