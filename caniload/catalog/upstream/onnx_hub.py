"""ONNX hub: the files that ONNX_HUB_MANIFEST.json of onnx/models names, with size and hash.

Reads the manifest in a checkout, or as one JSON document: `{"commit": …, "entries": [{"model",
"path", "opset", "onnx_version", "sha256", "bytes", "tags"}]}`. The manifest states no licence per
file, and the repository's own is not the weights'.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caniload.catalog.upstream.documents import Fields, Read, commit, entries, header
from caniload.handles import Handle

CATALOGUE = "onnx-hub"
UPSTREAM = "github:onnx/models"

MANIFEST = "ONNX_HUB_MANIFEST.json"

_TASKS = {
    "classification": "image-classification",
    "style transfer": "image-to-image",
    "super resolution": "image-to-image",
    "bert-squad": "question-answering",
    "bidirectional attention flow": "question-answering",
    "gpt-2": "text-generation",
    "duc": "image-segmentation",
    "fcn": "image-segmentation",
    "faster-rcnn": "object-detection",
    "mask-rcnn": "image-segmentation",
    "retinanet": "object-detection",
    "ssd": "object-detection",
    "ssd-mobilenetv1": "object-detection",
    "tiny-yolov2": "object-detection",
    "tiny-yolov3": "object-detection",
    "yolov2-coco": "object-detection",
    "yolov3": "object-detection",
    "yolov4": "object-detection",
    "emotion ferplus": "image-classification",
    "ultraface": "object-detection",
}
"""Tags of the manifest as pipeline tags.

`object detection segmentation`, `machine comprehension` and `body analysis` say too little: the
tag of the collection decides. RoBERTa's and T5's files are of several tasks, ArcFace's has none.
"""

_QUANTISED = ("int8", "qdq")


def read_checkout(root: Path) -> list[Fields]:
    """Return the files that a checkout's manifest names."""
    return [
        {
            "model": entry["model"],
            "path": entry["model_path"],
            "opset": entry["opset_version"],
            "onnx_version": entry["onnx_version"],
            "sha256": entry["metadata"]["model_sha"],
            "bytes": entry["metadata"]["model_bytes"],
            "tags": entry["metadata"].get("tags", []),
        }
        for entry in json.loads((root / MANIFEST).read_text("utf-8"))
    ]


def emit(document: Any, read: Read) -> Iterator[dict[str, Any]]:
    """Emit header and one line for each file; the revision of a file is its sha256."""
    found = entries(document, "model", "path", "opset", "sha256", "bytes", "tags")
    yield header(CATALOGUE, UPSTREAM, commit(document), read)
    for entry in found:
        yield _line(entry)


def _line(entry: Fields) -> dict[str, Any]:
    """Return the line of one file."""
    stem = entry["path"].rpartition("/")[2].removesuffix(".onnx")
    quantised = next((word for word in _QUANTISED if stem.endswith(f"-{word}")), None)
    facts = {
        "opset": entry["opset"],
        "onnx_version": entry.get("onnx_version"),
        "tags": ", ".join(entry["tags"]),
        "quantised": quantised,
    }
    return {
        "kind": "source",
        "catalogue": CATALOGUE,
        "handle": str(Handle("onnx", entry["path"])),
        "name": entry["model"],
        "architecture": entry["tags"][-1] if entry["tags"] else None,
        "tasks": [_TASKS[tag] for tag in entry["tags"] if tag in _TASKS],
        "frameworks": ["onnxruntime"],
        "loaders": ["onnx"],
        "formats": ["onnx"],
        "size_bytes": entry["bytes"],
        "sha256": entry["sha256"],
        "facts": {name: said for name, said in facts.items() if said is not None},
    }
