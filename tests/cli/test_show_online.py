"""`caniload show --online` repeats what hubs say now, apart from what was measured."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pytest
from commandline import Run, one_line
from loopback import faults
from loopback.huggingface import HuggingFace, Repository
from loopback.server import Server

HEADER = json.dumps({"w": {"dtype": "F32", "shape": [40], "data_offsets": [0, 160]}}).encode()
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(160)
NAME = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        hub = HuggingFace(made)
        hub.add(Repository("tiny/model", {"model.safetensors": WEIGHTS}, ["pytorch"]))
        hub.add(Repository(NAME, {"model.safetensors": WEIGHTS}))
        yield made


def test_a_source_that_nobody_recorded_is_asked_about(caniload: Run, server: Server) -> None:
    asked = {"HF_ENDPOINT": server.base}
    done = caniload("show", "hf:tiny/model", "--online", **asked)
    assert done.returncode == 0, done.stderr
    assert "said by the hubs, measured by nobody" in done.stdout
    assert "40 (F32 40; the header of model.safetensors)" in done.stdout
    assert "tag pytorch" in done.stdout
    assert "works" not in done.stdout
    data = json.loads(
        caniload("show", "hf:tiny/model", "--online", "--format", "json", **asked).stdout
    )
    assert data["caniload"] == "show source"
    (told,) = data["data"]["online"]
    assert told["facts"]["parameters"] == 40
    assert told["facts"]["dtypes"] == {"F32": 40}
    one_line(caniload("show", "hf:tiny/model"), 2)
    one_line(caniload("show", "tiny-model", "--online", **asked), 2)


def test_an_entry_is_shown_with_what_its_hubs_say_and_their_refusals(
    caniload: Run, server: Server
) -> None:
    asked = {
        "HF_ENDPOINT": server.base,
        "KAGGLE_API_ENDPOINT": server.base,
        "PIP_INDEX_URL": f"{server.base}/index",
        "PIP_RETRIES": "0",
        "CANILOAD_HTTP_RETRIES": "0",
    }
    done = caniload("show", "minilm", "--online", "--format", "json", **asked)
    assert done.returncode == 3, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["id"] == "all-minilm-l6-v2"
    by_hub = {told["handle"].partition(":")[0]: told for told in data["online"]}
    assert by_hub["hf"]["facts"]["parameters"] == 40
    assert by_hub["kaggle"]["reason"] == "missing"
    server.fail("/", faults.status(503))
    down = caniload("show", f"hf:{NAME}", "--online", **asked)
    assert down.returncode == 3
    assert "no answer" in down.stdout
    assert "the hub answered 503" in down.stdout
