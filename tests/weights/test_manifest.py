"""Every real published file gives, through the public commands, what its manifest says was seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

import manifest

from caniload.settings import Settings

pytestmark = [pytest.mark.framework, pytest.mark.timeout(1800)]

WEIGHTS = os.environ.get("CANILOAD_TEST_WEIGHTS")
ENTRIES = manifest.read(Path(WEIGHTS)) if WEIGHTS else []
DATA = Path(__file__).parents[2] / "caniload" / "data" / "models"

if not ENTRIES:
    known = sum(
        len((source.get("hints") or {}).get("files") or {})
        for path in DATA.glob("*.yaml")
        for source in yaml.safe_load(path.read_text()).get("sources", [])
    )
    pytest.skip(
        f"CANILOAD_TEST_WEIGHTS is not set: real published weights, {known} of them known to the "
        "catalogue by their hashes, were not tried",
        allow_module_level=True,
    )

ASKED = """
SELECT v.handle, v.loader, v.framework, v.verdict, v.fault, v.outcome, v.stage, v.message,
    v.note, v.relative_rms, v.tolerance, v.reference, v.decisive, v.options, v.group_key,
    d.code, o.exceptions, o.facts, o.numbers, o.checks, o.evidence_level
FROM cell_verdicts v
JOIN observations o ON o.id = v.observation_id
LEFT JOIN diagnoses d ON d.observation_id = v.observation_id
WHERE v.kind = 'attempt'
"""


@dataclass
class Cell:
    """One cell's verdict, as `caniload sql` gives it."""

    row: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        value = self.row[name]
        if name in ("decisive", "options", "facts", "numbers", "exceptions", "checks"):
            return json.loads(value) if isinstance(value, str) else value or {}
        return value

    @property
    def has_tf_keras(self) -> bool:
        return "tf-keras" in self.decisive

    @property
    def said(self) -> str:
        told = [f"{each['type']}: {each['message']}" for each in self.exceptions]
        return " ".join([self.message or "", *told]).lower().replace("recognized", "recognised")

    def __repr__(self) -> str:
        where = ", ".join(f"{k} {v}" for k, v in self.decisive.items())
        what = f"{self.loader} {self.options} [{where}]"
        return f"<{what} {self.verdict} {self.code}: {self.message}>"


def caniload(*arguments: str) -> Any:
    """Run a public command and return its JSON."""
    environ = {**os.environ, "CANILOAD_HOME": os.environ["MANIFEST_HOME"]}
    done = subprocess.run(
        [sys.executable, "-m", "caniload", *arguments, "--format", "json"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout)["data"]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Attempt every file in the frameworks of its kind, and read all verdicts at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANIFEST_HOME", str(tmp_path_factory.mktemp("manifest")))
        patch.setenv("CANILOAD_ENVS", os.environ["CANILOAD_TEST_ENVS"])
        kinds: dict[str, list[str]] = {"tensorflow": [], "litert": [], "": []}
        for entry in ENTRIES:
            head = entry.format.split(" ")[0]
            framework = {"keras": "tensorflow", "litert": "litert"}.get(head, "")
            kinds[framework].append(str(entry.path))
        for framework, paths in kinds.items():
            narrowed = ["--framework", framework] if framework else []
            caniload("run", *paths, *narrowed)
        for entry in ENTRIES:
            named = {each.loader for each in entry.expected if each.loader}
            tried = {"torchscript": {"torchscript"}, "torch": {"torch-file"}}
            for loader in named - tried.get(entry.format.split(",")[0].split(" ")[0], set()):
                caniload("run", str(entry.path), "--loader", loader)
        rows = caniload("sql", ASKED)
    names = rows["columns"]
    return [Cell(dict(zip(names, row, strict=True))) for row in rows["rows"]]


def of(entry: manifest.Entry, cells: list[Cell]) -> list[Cell]:
    """Return the cells of one entry: its file by hash, a directory by name."""
    if entry.path.is_dir():
        return [cell for cell in cells if cell.handle.startswith(f"file:{entry.path.name}@")]
    return [cell for cell in cells if entry.sha256 in cell.handle]


def spoken_of(expected: manifest.Expected, entry: manifest.Entry, cells: list[Cell]) -> list[Cell]:
    """Return the cells that an expectation speaks of; loaders named elsewhere have their own."""
    if expected.loader is not None:
        kept = [cell for cell in cells if cell.loader == expected.loader]
    else:
        named = {each.loader for each in entry.expected}
        kept = [cell for cell in cells if cell.loader not in named] or cells
    if expected.tf_keras is not None:
        kept = [cell for cell in kept if cell.has_tf_keras == expected.tf_keras]
    if expected.compile is not None:
        wanted = {} if expected.compile else {"compile": False}
        kept = [cell for cell in kept if cell.options == wanted]
    return kept


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path.name)
def test_each_clause_of_the_manifest_is_seen(entry: manifest.Entry, cells: list[Cell]) -> None:
    mine = of(entry, cells)
    assert mine, f"{entry.path.name} was not tried"
    for expected in entry.expected:
        found = spoken_of(expected, entry, mine)
        assert found, (expected, mine)
        if expected.verdict == "works":
            works = [cell for cell in found if cell.verdict == "works"]
            assert works, (expected, found)
            assert all(cell.evidence_level == "pretrained" for cell in works)
            if expected.parameters is not None:
                told = {cell.numbers.get("parameters") for cell in works}
                assert told == {expected.parameters}, expected
        elif expected.verdict == "loads_only":
            found = [cell for cell in found if cell.outcome == "loads_only"]
            assert found, (expected, mine)
            for number in (expected.tensors, expected.parameters):
                assert (
                    number is None
                    or f"{number:,}" in found[0].message
                    or str(number) in found[0].message.replace(",", "")
                ), (expected, found)
        else:
            for cell in found:
                assert cell.verdict in ("fails", "blocked"), (expected, cell)
                assert cell.code, f"undiagnosed: {cell}"
                lacking = [word for word in expected.words if word.lower() not in cell.said]
                assert not lacking, (lacking, cell.said[:500])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path.name)
def test_nothing_works_that_the_manifest_does_not_say_works(
    entry: manifest.Entry, cells: list[Cell]
) -> None:
    yes = any(expected.verdict == "works" for expected in entry.expected)
    works = [cell for cell in of(entry, cells) if cell.verdict == "works"]
    assert yes or not works, works


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e.agrees_to or e.equal or e.loose], ids=lambda e: e.path.name
)
def test_formats_of_one_model_agree_as_the_manifest_says(
    entry: manifest.Entry, cells: list[Cell]
) -> None:
    works = [cell for cell in of(entry, cells) if cell.verdict in ("works", "differs")]
    if not works:
        assert {e.verdict for e in entry.expected} == {"loads_only"}
        return
    family = [cell for cell in cells if cell.group_key == works[0].group_key]
    if entry.loose:
        assert all(cell.tolerance is None for cell in works), works
        assert all(cell.relative_rms is not None for cell in works), works
        return
    measured = [cell.relative_rms for cell in family if cell.tolerance is not None]
    numbers = [float(number) for number in measured if number is not None]
    assert len({cell.loader for cell in family if cell.reference}) > 1, family
    assert numbers
    limit = 20 * (entry.agrees_to or 1e-6)
    assert max(numbers) <= limit, (limit, family)
    assert {cell.verdict for cell in works} == {"works"}, works


def test_the_settings_of_the_test_are_those_of_a_user(settings: Settings) -> None:
    assert Path(os.environ["CANILOAD_TEST_ENVS"]) != settings.envs
