"""What must not be stored is replaced, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import make_job

from caniload.runs.executor import Executor
from caniload.runs.redact import Redactor, clip

REDACTOR = Redactor(
    {
        "artefact": ["/data/cache/model"],
        "scratch": [Path("/data/cache/scratch/1")],
        "env": ["/usr"],
    },
    host="kestrel.example.org",
    user="ada",
    home=Path("/home/ada"),
)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("no file /data/cache/model/config.json", "no file <artefact>/config.json"),
        ("/data/cache/models stays", "/data/cache/models stays"),
        ("in /data/cache/scratch/1/home", "in <scratch>/home"),
        ("/home/ada/.cache and /home/eve/x", "<home>/.cache and <home>/x"),
        ("/usr/lib/libc.so.6", "/usr/lib/libc.so.6"),
        ("ada@kestrel.example.org kestrel", "<user>@<host> <host>"),
        ("adam adapts", "adam adapts"),
        ("token hf_abcDEF0123456789xyz.", "token hf_***."),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("https://me:s3cret@hub.org/x", "https://***@hub.org/x"),
        ("HF_TOKEN=abcd1234efgh", "HF_TOKEN=***"),
        ("'api_key': 'abcd1234efgh'", "'api_key': '***'"),
        ("pad_token=[PAD], eos_token: </s>", "pad_token=[PAD], eos_token: </s>"),
        ("all 22713216 parameters", "all 22713216 parameters"),
    ],
)
def test_texts(text: str, stored: str) -> None:
    assert REDACTOR.text(text) == stored


def test_long_texts_lose_their_middle() -> None:
    assert clip("short") == "short"
    cut = clip("a" * 9000 + "b" * 9000, 1000)
    assert cut.startswith("aaa")
    assert cut.endswith("bbb")
    assert "17000 characters" in cut
    assert len(cut) < 1100


def test_nothing_leaks_through_an_observation(executor: Executor, tmp_path: Path) -> None:
    root = tmp_path / "artefact"
    root.mkdir()
    secret = f"cannot open {root}/model with hf_abcDEF0123456789xyz in {Path.home()}/.cache"
    (seen,) = executor.run([make_job("fail", root, arguments={"message": secret})]).observations
    stored = seen.model_dump_json()
    assert seen.log is not None
    log = (executor.settings.logs / seen.log).read_text()
    expected = "cannot open <artefact>/model with hf_*** in <home>/.cache"
    for text in (seen.message, seen.exceptions[0].message, seen.facts["where"], log.strip()):
        assert text == expected
    for text in (stored, log):
        assert str(tmp_path) not in text
        assert "hf_abc" not in text
