from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from caniload.errors import CatalogueError, UnknownNameError, UnreadableFileError
from caniload.runs import environments
from caniload.settings import Settings

GOOD = {
    "name": "mine",
    "about": "One sentence.",
    "python": ">=3.11",
    "frameworks": ["jax"],
    "loaders": ["keras-hub"],
    "requirements": ["alpha==1.0"],
    "patches": [],
    "disk_bytes": 1000,
}


def _write(folder: Path, **changes: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    return path


def test_those_that_are_shipped_are_pinned_and_torchvision_comes_patched_alone(
    settings: Settings,
) -> None:
    found = environments.specs(settings)
    assert {"pytorch", "onnxruntime", "tensorflow", "keras-torch", "keras-jax"} <= set(found)
    named = {name for name, spec in found.items() if not spec.default}
    assert named == {"transformers-4-49", "model-garden"}
    for spec in found.values():
        assert spec.admits("3.11.0")
        assert bool(spec.patches) == bool(spec.patch_modules) == (spec.name == "vision")
        for line in spec.requirements:
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)
            assert not line.startswith("torchvision") or spec.name == "vision"


def test_a_specification_reads_back(tmp_path: Path) -> None:
    spec = environments.read_spec(_write(tmp_path))
    assert spec.requirements == ("alpha==1.0",)
    assert not spec.admits("3.10.9")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"requirements": ["alpha>=1"]}, "pins no version; write alpha==VERSION"),
        ({"requirements": ["alpha==1.*"]}, "pins no version"),
        ({"requirements": ["torch==2.13.0+cpu"]}, "write torch==2.13.0"),
        ({"requirements": ["alpha @ https://example.org/a.whl"]}, "holds a URL"),
        ({"requirements": ["--index-url=x"]}, "is not a requirement"),
        ({"frameworks": ["theano"]}, "'theano' is none of"),
        ({"python": "3.11"}, "is not a version range"),
        ({"colour": "red"}, "colour"),
        ({"name": "other"}, "the file says 'mine'"),
        ({"name": "../x"}, "name"),
    ],
)
def test_a_bad_specification_names_file_and_field(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        environments.read_spec(_write(tmp_path, **changes))
    assert "mine.yaml" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_yaml_or_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(UnreadableFileError):
        environments.read_spec(path)
    path.write_text("name: [")
    with pytest.raises(CatalogueError, match="is not YAML"):
        environments.read_spec(path)


def test_an_unknown_name_brings_near_ones(settings: Settings) -> None:
    with pytest.raises(UnknownNameError) as caught:
        environments.spec("pytorh", settings)
    assert "pytorch" in caught.value.near


def test_the_digest_follows_what_is_built_and_not_what_is_said(tmp_path: Path) -> None:
    first = environments.read_spec(_write(tmp_path))
    assert environments.read_spec(_write(tmp_path, about="Other.")).digest == first.digest
    for change in ({"requirements": ["alpha==2.0"]}, {"python": ">=3.12"}, {"patches": ["x"]}):
        assert environments.read_spec(_write(tmp_path, **change)).digest != first.digest
