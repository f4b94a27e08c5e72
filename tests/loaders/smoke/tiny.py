"""Write a tiny random encoder with the real libraries, and spoil copies of it byte by byte."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITE = """
import string, sys
from pathlib import Path
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizer, DistilBertConfig, DistilBertModel

out = Path(sys.argv[1])
torch.manual_seed(7)
marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
plain = list(string.ascii_lowercase + string.digits + string.punctuation)
vocab = marks + plain + ["##" + c for c in string.ascii_lowercase + string.digits]
vocab += [f"word{i}" for i in range(300 - len(vocab))]
base = out / "base"
base.mkdir(parents=True)
(base / "vocab.txt").write_text("\\n".join(vocab) + "\\n")
size = dict(vocab_size=300, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=64, initializer_range=0.3)
BertModel(BertConfig(**size)).save_pretrained(base)
table = {token: index for index, token in enumerate(vocab)}
BertTokenizer(vocab=table, do_lower_case=True).save_pretrained(base)
SentenceTransformer(str(base), device="cpu").save(str(out / "works"))
if not (out / "works" / "vocab.txt").exists():
    (out / "works" / "vocab.txt").write_text((base / "vocab.txt").read_text())
other = DistilBertConfig(vocab_size=300, dim=32, n_layers=2, n_heads=2, hidden_dim=64,
                         max_position_embeddings=64)
DistilBertModel(other).save_pretrained(out / "other")

import onnx
from onnx import TensorProto, helper
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8])
graph = helper.make_graph(
    [helper.make_node("Relu", ["pixel_values"], ["features"])], "pixels",
    [value("pixel_values")], [value("features")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.save(model, str(out / "pixels.onnx"))
"""

EMBEDDINGS = "embeddings.word_embeddings.weight"


def write(python: Path, out: Path) -> None:
    """Let the libraries write `works`, `other` (another architecture) and `pixels.onnx`."""
    done = subprocess.run(
        [python, "-c", WRITE, str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return a safetensors header and where the data begins."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), 8 + length


def tensor_bytes(data: bytes, name: str) -> bytes:
    """Return the bytes of one tensor of a safetensors file."""
    entries, base = header(data)
    begin, end = entries[name]["data_offsets"]
    return data[base + begin : base + end]


def reversed_values(raw: bytes) -> bytes:
    """Permute float32 values: the last becomes the first."""
    return b"".join(raw[i : i + 4] for i in range(len(raw) - 4, -4, -4))


def nan_values(raw: bytes) -> bytes:
    return struct.pack("<f", float("nan")) * (len(raw) // 4)


def spoil(source: Path, target: Path, change: Callable[[bytes], bytes]) -> Path:
    """Copy an artefact and change its weight file."""
    if source.is_file():
        target.mkdir()
        target = target / source.name
        target.write_bytes(change(source.read_bytes()))
        return target
    shutil.copytree(source, target)
    for file in (target / "model.safetensors", target / "model.onnx"):
        if file.exists():
            file.write_bytes(change(file.read_bytes()))
    return target


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def changed(raw: bytes, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change one tensor's bytes wherever they stand in a file."""

    def apply(data: bytes) -> bytes:
        assert data.count(raw) == 1
        return data.replace(raw, change(raw))

    return apply


def unrelated(data: bytes) -> bytes:
    """A valid file with one tensor that no model asks for."""
    entry = {"unrelated": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    text = json.dumps({"__metadata__": {"format": "pt"}, **entry}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


def zeroed(data: bytes) -> bytes:
    """Every tensor zero: a model that answers everything alike."""
    _, base = header(data)
    return data[:base] + bytes(len(data) - base)
