"""What a Hugging Face repository says before anything is downloaded: headers, sizes, access."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from loopback import faults
from loopback.huggingface import HuggingFace, Repository
from loopback.server import Answer, Handler, Server

from caniload.errors import HubError
from caniload.handles import parse
from caniload.loaders.facts import Facts, TellsFacts
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings


def safetensors(tensors: dict[str, tuple[str, list[int], int]], note: str = "") -> bytes:
    """Make a file with tensors of (dtype, shape, bytes), and a note that lengthens the header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "note": note}}
    at = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


TENSORS = {"w": ("F32", [1000, 300], 1_200_000), "b": ("BF16", [300], 600), "s": ("I64", [], 8)}
ONE = safetensors(TENSORS)
SAID: dict[str, object] = {
    "cardData": {"license": "apache-2.0"},
    "pipeline_tag": "fill-mask",
    "lastModified": "2025-02-19T11:06:12.000Z",
}


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> HuggingFace:
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    return HuggingFace(server)


def _facts(name: str, settings: Settings) -> Facts:
    served = load_hubs()["hf"]
    assert isinstance(served, TellsFacts)
    return served.facts(parse(f"hf:{name}"), settings)


def _ranges(server: Server) -> list[str | None]:
    return [asked.headers.get("range") for asked in server.asked if "/resolve/" in asked.path]


def test_parameters_and_dtypes_come_from_one_clamped_range(
    hub: HuggingFace, server: Server, settings: Settings
) -> None:
    files = {"model.safetensors": ONE, "pytorch_model.bin": b"x" * 500, "config.json": b"{}"}
    repository = hub.add(Repository("tiny/model", files, ["pytorch"], "transformers", said=SAID))
    facts = _facts("tiny/model", settings)
    assert facts.handle == parse(f"hf:tiny/model@{repository.commit}")
    assert (facts.parameters, facts.dtypes) == (300_301, {"F32": 300_000, "BF16": 300, "I64": 1})
    assert facts.counted_from == "the header of model.safetensors"
    assert (facts.licence, facts.task, facts.library) == ("apache-2.0", "fill-mask", "transformers")
    assert (facts.access, facts.last_modified) == ("open", "2025-02-19")
    assert {(each.format, each.files, each.size_bytes) for each in facts.formats} == {
        ("safetensors", 1, len(ONE)),
        ("bin", 1, 500),
    }
    assert "tag pytorch" in {claim.says for claim in facts.claims}
    assert _ranges(server) == ["bytes=0-99999"]

    small = safetensors({"w": ("F16", [4], 8)})
    hub.add(Repository("tiny/small", {"model.safetensors": small}))
    assert _facts("tiny/small", settings).dtypes == {"F16": 4}
    assert _ranges(server)[-1] == f"bytes=0-{len(small) - 1}"


def test_long_headers_shards_and_servers_without_ranges(
    hub: HuggingFace, server: Server, settings: Settings
) -> None:
    long = safetensors(TENSORS, "x" * 200_000)
    shards = {f"model-0000{n}-of-00003.safetensors": ONE for n in (1, 2)}
    files = {**shards, "model-00003-of-00003.safetensors": long}
    hub.add(Repository("tiny/shards", {**files, "model.safetensors.index.json": b"{}"}))
    facts = _facts("tiny/shards", settings)
    assert facts.parameters == 3 * 300_301
    assert facts.counted_from == "the headers of 3 safetensors files"
    (length,) = struct.unpack("<Q", long[:8])
    assert sorted(str(each) for each in _ranges(server)) == [
        f"bytes=0-{length + 7}",
        *["bytes=0-99999"] * 3,
    ]
    sent: list[int] = []

    def whole(handler: Handler, answer: Answer) -> None:
        """Ignore the range, and count what the client took before it hung up."""
        handler.begin(Answer(b"", 200), length=len(long) + (1 << 26))
        handler.wfile.write(long)
        for _ in range(1 << 10):
            handler.wfile.write(bytes(1 << 16))
            sent.append(1 << 16)

    server.fail("model-00003", whole)
    assert _facts("tiny/shards", settings).parameters == 3 * 300_301
    assert sum(sent) < 1 << 26


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"tiny", "too short"),
        (struct.pack("<Q", 1 << 40) + b"{}", "no safetensors header"),
        (struct.pack("<Q", 20) + b"not json not json !!" + bytes(4), "broken"),
        (ONE[:-1000], "end at 1,200,608 of 1,199,608 bytes"),
        (b'{"error": "no"}' + bytes(100), "no safetensors header"),
    ],
)
def test_a_header_that_is_none_is_said_and_nothing_is_counted(
    hub: HuggingFace, settings: Settings, body: bytes, why: str
) -> None:
    hub.add(Repository("tiny/model", {"model.safetensors": body}))
    facts = _facts("tiny/model", settings)
    assert (facts.parameters, facts.dtypes) == (None, {})
    assert facts.counted_from.startswith("not read: ")
    assert why in facts.counted_from


def test_gated_private_disabled_and_renamed_are_said(
    hub: HuggingFace, server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"model.safetensors": ONE}
    hub.add(Repository("tiny/gated", files, gated=True, readers=("hf_reader",)))
    hub.add(Repository("tiny/private", files, private=True, readers=("hf_reader",)))
    hub.add(Repository("tiny/off", files, disabled=True))
    hub.add(Repository("tiny/quiet", files, said={"disabled": True}))
    hub.moved["old/name"] = "tiny/gated"
    facts = _facts("tiny/gated", settings)
    assert facts.access == "gated (manual)"
    assert facts.parameters is None
    assert "is gated" in facts.counted_from
    assert _facts("old/name", settings).renamed_to == "tiny/gated"
    reasons = {}
    for name in ("private", "off", "quiet", "nowhere"):
        with pytest.raises(HubError) as caught:
            _facts(f"tiny/{name}", settings)
        reasons[name] = caught.value.reason
    assert reasons == {
        "private": "missing",
        "off": "disabled",
        "quiet": "disabled",
        "nowhere": "missing",
    }
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    for name, access in (("gated", "gated (manual)"), ("private", "private")):
        facts = _facts(f"tiny/{name}", settings)
        assert (facts.access, facts.parameters) == (access, 300_301)


def test_the_token_stays_with_the_hub_when_headers_are_served_elsewhere(
    hub: HuggingFace,
    server: Server,
    other: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.add(Repository("tiny/model", {"model.safetensors": ONE}))
    other.routes = list(server.routes)
    server.fail("/resolve/", faults.redirected(other.elsewhere))
    assert _facts("tiny/model", settings).parameters == 300_301
    assert [asked.headers.get("authorization") for asked in other.asked] == [None]
    assert {asked.headers.get("authorization") for asked in server.asked} == {"Bearer hf_secret"}
