"""`caniload catalog pin` asks a hub that speaks the real protocol, and writes what it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from commandline import Run, one_line
from loopback.huggingface import HuggingFace, Repository
from loopback.server import Server

from caniload.settings import Settings

NAME = "sentence-transformers/all-MiniLM-L6-v2"
SOURCE = f"hf:{NAME}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    copy = tmp_path / "authored"
    shutil.copytree(Settings.read({}).data, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_a_commit_is_written_with_who_said_it(caniload: Run, server: Server, data: Path) -> None:
    repository = HuggingFace(server).add(Repository(NAME, {"model.safetensors": b"weights"}))
    asked = {"CANILOAD_DATA": str(data), "HF_ENDPOINT": server.base}
    before = json.loads(caniload("catalog", "lint", "--format", "json", **asked).stdout)["data"]
    done = caniload("catalog", "pin", "all-minilm-l6-v2", SOURCE, **asked)
    assert done.returncode == 0, done.stderr
    entry = yaml.safe_load((data / "models" / "all-minilm-l6-v2.yaml").read_text())
    (source,) = [each for each in entry["sources"] if each["handle"].startswith(SOURCE)]
    assert source["handle"] == f"{SOURCE}@{repository.commit}"
    assert source["pin"]["answered_by"] == "hf hub"
    assert source["pin"]["by"] == "caniload catalog pin"
    after = json.loads(caniload("catalog", "lint", "--format", "json", **asked).stdout)["data"]
    assert len(after["unresolved"]) == len(before["unresolved"]) - 1
    assert after["problems"] == []


def test_a_hub_that_says_no_leaves_the_file_alone(
    caniload: Run, server: Server, data: Path
) -> None:
    HuggingFace(server)
    path = data / "models" / "all-minilm-l6-v2.yaml"
    text = path.read_text()
    done = caniload(
        "catalog", "pin", "all-minilm-l6-v2", SOURCE,
        CANILOAD_DATA=str(data), HF_ENDPOINT=server.base,
    )  # fmt: skip
    assert NAME in one_line(done, 3)
    assert path.read_text() == text
