"""The worker's parts that need no framework: reader, comparison, inputs, fingerprints, words."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from array import array
from pathlib import Path
from typing import Any

import pytest

from caniload.loaders.smoke import artefact, fingerprint, inputs, safetensors_reader, weights
from caniload.loaders.smoke.events import portable
from caniload.loaders.smoke.safetensors_reader import Tensor
from caniload.loaders.smoke.wordpiece import WordPiece
from caniload.records import Recipe


def file(path: Path, entries: dict[str, Any], data: bytes) -> Path:
    text = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_safetensors_are_read_by_name_shape_and_bytes(tmp_path: Path) -> None:
    data = struct.pack("<3f", 1, 2, 3)
    path = file(
        tmp_path / "a.safetensors",
        {"__metadata__": {"format": "pt"}, "w": entry([2], 0, 8), "b": entry([], 8, 12)},
        data,
    )
    found = safetensors_reader.read_all([path])
    assert {name: (t.shape, bytes(t.data)) for name, t in found.items()} == {
        "w": ((2,), data[:8]),
        "b": ((), data[8:]),
    }


@pytest.mark.parametrize(
    ("entries", "data", "why"),
    [
        ({"w": entry([2], 0, 8)}, b"1234", "outside the file"),
        ({"w": entry([3], 0, 8)}, b"12345678", "has 8 bytes"),
        ({"w": entry([1], -4, 0)}, b"1234", "outside the file"),
    ],
)
def test_safetensors_that_lie_are_refused(
    tmp_path: Path, entries: dict[str, Any], data: bytes, why: str
) -> None:
    path = file(tmp_path / "a.safetensors", entries, data)
    with pytest.raises(ValueError, match=why):
        list(safetensors_reader.read(path))


def test_a_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(ValueError, match="longer than the file"):
        list(safetensors_reader.read(path))


def stored(**tensors: bytes) -> dict[str, Tensor]:
    return {
        name: Tensor(name, "U8", (len(data),), memoryview(data)) for name, data in tensors.items()
    }


def live(name: str, data: bytes, storage: object = None, persistent: bool = True) -> weights.Live:
    return weights.Live(
        name, (len(data),), lambda t: bytes(t.data) == data, storage or name, persistent
    )


@pytest.mark.parametrize(
    ("tensors", "code"),
    [
        ([live("a", b"12"), live("b", b"34")], None),
        ([live("base.a", b"12"), live("base.b", b"34")], None),
        ([live("a", b"12"), live("b", b"43")], "weights_mismatch"),
        ([live("a", b"12"), live("b", b"345")], "weights_mismatch"),
        ([live("a", b"12"), live("head", b"56")], "weights_missing"),
        ([live("x", b"12"), live("y", b"34")], "weights_random"),
        ([live("a", b"12", "one"), live("tied", b"12", "one")], None),
        ([live("a", b"12"), live("buffer", b"9", persistent=False)], None),
    ],
    ids=["same", "prefix", "bytes", "shape", "head", "random", "tied", "not-saved"],
)
def test_named_weights(tensors: list[weights.Live], code: str | None) -> None:
    result = weights.compare_named(stored(a=b"12", b=b"34"), tensors, "base")
    assert (result.status == "passed") == (code is None), result.detail
    assert result.detail.startswith(f"{code}: ") or code is None


def test_tensors_that_only_the_file_holds_are_named() -> None:
    result = weights.compare_named(stored(a=b"12", b=b"34"), [live("a", b"12")])
    assert result.status == "passed"
    assert "does not use b" in result.detail
    assert result.numbers["unused"] == 1


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"x": "d1", "y": "d2"}, None),
        ({"x": "d1", "y": "d1"}, "weights_missing"),
        ({"x": "d9", "y": "d8"}, "weights_random"),
        ({}, "weights_random"),
    ],
)
def test_converted_weights_are_found_by_digest(found: dict[str, str], code: str | None) -> None:
    result = weights.compare_values({"a": "d1", "b": "d2", "c": "d3"}, found)
    assert (result.status == "passed") == (code is None)
    assert result.detail.startswith(f"{code}: ") or code is None


def test_numbers_are_sixteen_of_each_digest() -> None:
    """As the generator is described; recorded fingerprints hold only while it stays so."""
    expected = []
    for index in range(3):
        block = hashlib.sha256(f"3:input.0:{index}".encode()).digest()
        pairs = [block[at] * 256 + block[at + 1] for at in range(0, 32, 2)]
        expected += [pair / 32768.0 - 1.0 for pair in pairs]
    for count in (0, 1, 16, 17, 40):
        assert inputs.uniform(3, "input.0", count) == expected[:count]


def test_inputs_depend_on_the_seed_alone() -> None:
    facts = inputs.TokenFacts(30522, 101, 102, 0, 512)
    ids, mask = inputs.token_rows(facts, 2, 16, 20260101)
    assert (ids, mask) == inputs.token_rows(facts, 2, 16, 20260101)
    assert ids != inputs.token_rows(facts, 2, 16, 20260102)[0]
    assert [row[0] for row in ids] == [101, 101]
    assert ids[0][15] == ids[1][11] == 102
    assert ids[1][12:] == [0] * 4
    assert [sum(row) for row in mask] == [16, 12]
    inner = ids[0][1:15] + ids[1][1:11]
    assert all(1000 <= index < 30522 for index in inner)
    assert ids[0][1:4] == [14229, 20870, 23915]


def test_inputs_fit_small_vocabularies_and_short_models() -> None:
    facts = inputs.TokenFacts(9, max_length=4)
    assert inputs.token_shape({}, facts) == (2, 4)
    ids, _ = inputs.token_rows(facts, 2, 4, 1)
    assert all(0 <= index < 9 for row in ids for index in row)


def test_token_facts_come_from_the_artefact(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(
        json.dumps([{"type": "x.models.Transformer", "path": "0_Transformer"}])
    )
    home = tmp_path / "0_Transformer"
    home.mkdir()
    (home / "config.json").write_text('{"vocab_size": 5000, "max_position_embeddings": 8}')
    (home / "tokenizer_config.json").write_text(
        '{"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}, "pad_token": "[PAD]"}'
    )
    (home / "vocab.txt").write_text("[PAD]\n[UNK]\n[SEP]\n[CLS]\n")
    assert artefact.token_facts(tmp_path) == inputs.TokenFacts(5000, 3, 2, 0, 8)


def test_prints_sample_where_seed_name_and_size_say() -> None:
    flat = fingerprint.Flat("o", (1000,), "float32", array("d", range(1000)))
    first = fingerprint.print_of(flat, 7)
    assert len(first["samples"]) == 256
    assert first == fingerprint.print_of(flat, 7)
    assert first["samples"] != fingerprint.print_of(flat, 8)["samples"]
    assert first["mean"] == 499.5
    assert first["rms"] == pytest.approx(math.sqrt(sum(i * i for i in range(1000)) / 1000))


def test_padding_is_zeroed_in_outputs_that_follow_positions() -> None:
    rows = [[[1.0, 1.0]] * 3, [[1.0, 1.0]] * 3]
    flat = fingerprint.flatten("o", rows, [3, 1])
    assert list(flat.values) == [1.0] * 8 + [0.0] * 4
    assert list(fingerprint.flatten("o", [[1.0] * 3] * 2, [3, 1]).values) == [1.0] * 6


def test_relative_difference() -> None:
    a = fingerprint.flatten("a", [3.0, 4.0])
    b = fingerprint.flatten("b", [3.0, 4.5])
    assert fingerprint.relative(b, a) == pytest.approx(0.1)
    assert fingerprint.relative(a, fingerprint.flatten("c", [3.0])) == math.inf
    zero = fingerprint.flatten("z", [0.0, 0.0])
    assert fingerprint.relative(zero, zero) == 0.0
    assert fingerprint.relative(a, zero) == math.inf
    masked = fingerprint.flatten("m", [3.0, -math.inf])
    assert fingerprint.relative(masked, masked) == 0.0
    assert fingerprint.relative(a, masked) == fingerprint.relative(masked, a) == math.inf


def test_events_write_what_json_cannot() -> None:
    given = {"a": [math.nan, math.inf, -math.inf, 1.5], 2: (True, None)}
    assert portable(given) == {"a": ["NaN", "Infinity", "-Infinity", 1.5], "2": [True, None]}


def test_wordpiece_splits_as_the_paper_does() -> None:
    vocab = ["[UNK]", "un", "##aff", "##able", "run", "##ning", ".", "cafe", "\u4e1c"]
    split = WordPiece({t: i for i, t in enumerate(vocab)}, True, True, True, "[UNK]")
    assert split.ids("UNaffable running.") == [1, 2, 3, 4, 5, 6]
    assert split.ids("caf\u00e9 \u4e1c\u4e1c zzz") == [7, 8, 8, 0]


def test_the_default_seed_of_snippets_is_the_recipes() -> None:
    from caniload.loaders.specs.places import DEFAULT_SEED

    assert Recipe().seed == DEFAULT_SEED
