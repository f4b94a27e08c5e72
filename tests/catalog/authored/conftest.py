"""A small, clean catalogue on disk, which each test may spoil."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

READ = "2026-11-23"
CITE = {"page": "https://example.org/card", "read": READ, "says": "The card states MIT."}
CLAIM = {"loader": "transformers", "framework": "pytorch", "page": "tiny==1.0", "read": READ,
         "says": "The package loads it.", "version": "1.0"}  # fmt: skip
PIN = {
    "by": "caniload catalog pin",
    "at": "2026-11-23T12:00:00Z",
    "sha256": "a" * 64,
    "answered_by": "package index",
}
CLEAN: dict[str, dict[str, Any]] = {
    "models/tiny-bert.yaml": {
        "id": "tiny-bert",
        "name": "Tiny BERT",
        "aliases": ["tiny"],
        "family": "tiny-bert",
        "tasks": ["fill-mask"],
        "licence": "MIT",
        "about": "A very small BERT.",
        "native": {"loader": "transformers", "framework": "pytorch"},
        "same_weights": [["pypi:tiny", "hf:acme/tiny"]],
        "cites": [CITE],
        "exceptions": [
            {"reason": "slow", "issue": "https://example.org/1", "review": "2027-01-01"}
        ],
        "sources": [
            {
                "handle": "pypi:tiny@1.0/model",
                "pin": PIN,
                "claims": [CLAIM],
                "attempts": [
                    {"loader": "transformers", "framework": "pytorch", "environment": "pytorch"}
                ],
            },
            {"handle": "hf:acme/tiny", "pin": None, "licence": "Apache-2.0"},
        ],
    },
    "models/dream.yaml": {
        "id": "dream",
        "name": "Dream",
        "family": "tiny-bert",
        "tasks": ["image-to-image"],
        "licence": "unknown",
        "about": "Code around another model.",
        "uses": ["tiny-bert"],
        "tries": [
            {
                "handle": "hf:acme/tiny",
                "loader": "transformers",
                "framework": "pytorch",
                "environment": "pytorch",
            }
        ],
        "code": [CITE],
    },
    "datasets/digits.yaml": {
        "id": "digits",
        "name": "Digits",
        "tasks": ["image-classification"],
        "modality": "image",
        "licence": "CC-BY-4.0",
        "about": "Pictures of digits.",
        "splits": {"train": 10},
        "access": [
            {"framework": "any", "library": "datasets", "call": "load('digits')", "page": "d==1",
             "read": READ, "says": "It is there."}
        ],
    },
    "tools/saw.yaml": {
        "id": "saw",
        "name": "Saw",
        "purpose": "serving",
        "about": "Cuts models into slices.",
        "status": "superseded",
        "status_since": "2025-01-01",
        "status_read": READ,
        "evidence": "https://example.org/card",
        "successor": ["A better saw"],
        "cites": [CITE],
    },
}  # fmt: skip


@pytest.fixture
def clean() -> dict[str, dict[str, Any]]:
    """The clean catalogue as data: file to content."""
    fresh: dict[str, dict[str, Any]] = json.loads(json.dumps(CLEAN))
    return fresh


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, dict[str, Any]]], Path]:
    """A function that writes a catalogue to disk and returns its directory."""

    def to_disk(files: dict[str, dict[str, Any]]) -> Path:
        data = tmp_path / "data"
        for name, content in files.items():
            path = data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content, sort_keys=False))
        (data / "environments").mkdir(parents=True, exist_ok=True)
        (data / "environments" / "pytorch.yaml").write_text("name: pytorch\n")
        return data

    return to_disk
