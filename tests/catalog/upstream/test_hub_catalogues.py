"""The importers of hubs' repositories, on small checkouts of the real form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog.upstream import importing, onnx_hub, pytorch_hub, tfhub
from caniload.catalog.upstream.snapshots import Row
from caniload.errors import CatalogueError

COMMIT = "81fdea8ffa53b5acbd66a012d17fb8f9602c714b"

PAGES = {
    "google/google.md": "# Publisher google\nGoogle\n",
    "google/collections/yamnet/1.md": "# Collection google/yamnet/1\n<!-- task: x -->\n",
    "google/models/yamnet/1.md": """# Module google/yamnet/1
A sentence that is nobody's fact.

<!-- asset-path: https://storage.example.org/yamnet.tar.gz -->
<!-- task: audio-event-classification -->
<!-- task: audio-pitch-extraction -->
<!-- network-architecture: mobilenet-v1 -->
<!-- dataset: audioset -->
<!-- language: en -->
<!-- language: de -->
<!-- fine-tunable: true -->
<!-- format: saved_model_2 -->
<!-- license: apache-2.0 -->
""",
    "google/models/yamnet/lite/1.md": """# Lite google/yamnet/lite/1
<!-- parent-model: google/yamnet/1 -->
<!-- asset-path: internal -->
""",
    "google/models/yamnet/tfjs/1.md": """# Tfjs google/yamnet/1
<!-- parent-model: google/yamnet/1 -->
<!-- asset-path: legacy -->
""",
    "google/models/yamnet/coral/1.md": """# Coral google/yamnet/coral/1
<!-- parent-model: google/yamnet -->
<!-- asset-path: internal -->
""",
    "sayak/models/scene/1.md": """# Placeholder sayak/image-scene/1
<!-- task: image-classification -->
<!-- network-architecture: efficientnet-b1 -->
""",
    "sayak/models/scene/lite/1.md": """# Lite sayak/image-scene/1
<!-- parent-model: sayak/image-scene/1 -->
<!-- asset-path: https://example.org/scene.tflite -->
""",
    "vtab/models/rotation/1.md": """# Module vtab/&zwnj;rotation/1
<!-- asset-path: legacy -->
<!-- task: image-feature-vector -->
<!-- fine-tunable: false -->
<!-- format: hub -->
""",
    "iree/models/bert/1.md": """# Lite iree/bert/fp32/1
<!-- parent-model: iree/bert/fp32 -->
<!-- asset-path: internal -->
""",
}


def rows(importer: Any, entries: list[dict[str, Any]]) -> dict[str, Row]:
    document = {"commit": COMMIT, "entries": entries}
    lines = (json.dumps(line) for line in importer.emit(document, "2026-11-25"))
    snapshot = importing.read_lines(lines, importer.CATALOGUE)
    assert (snapshot.head.version, snapshot.head.upstream) == (COMMIT, importer.UPSTREAM)
    return {row["handle"]: row for row in snapshot.rows}


def test_tf_hub_joins_children_with_parents_and_leaves_placeholders_out(tmp_path: Path) -> None:
    for name, text in PAGES.items():
        page = tmp_path / "assets" / "docs" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")
    found = rows(tfhub, tfhub.read_checkout(tmp_path))
    assert set(found) == {
        "tfhub:google/yamnet@1",
        "tfhub:google/lite-model/yamnet/lite@1",
        "tfhub:google/tfjs-model/yamnet@1",
        "tfhub:google/coral-model/yamnet/coral@1",
        "tfhub:sayak/lite-model/image-scene@1",
        "tfhub:vtab/rotation@1",
        "tfhub:iree/lite-model/bert/fp32@1",
    }
    module = found["tfhub:google/yamnet@1"]
    assert module["tasks"] == ["audio-classification"]
    assert module["facts"]["tasks"] == "audio-event-classification, audio-pitch-extraction"
    assert (module["languages"], module["licence"]) == (["de", "en"], "Apache-2.0")
    assert (module["url"], module["parent"]) == ("https://storage.example.org/yamnet.tar.gz", None)
    assert "sentence" not in json.dumps(found)

    runs = {"lite": ("litert", "tflite"), "tfjs": ("tfjs", "tfjs"), "coral": ("litert", "tflite")}
    for form, (framework, word) in runs.items():
        (child,) = [row for handle, row in found.items() if f"google/{form}-model" in handle]
        assert child["parent"] == "tfhub:google/yamnet@1", form
        assert (child["frameworks"], child["formats"]) == ([framework], [word])
        assert (child["tasks"], child["languages"]) == (module["tasks"], module["languages"])
        assert child["architecture"] == "mobilenet-v1"
        assert child["licence"] is None, "the parent's page states it of the parent's files"
        assert "made_of" not in child["facts"]

    orphan = found["tfhub:sayak/lite-model/image-scene@1"]
    assert (orphan["parent"], orphan["tasks"]) == (None, ["image-classification"])
    assert orphan["facts"]["made_of"] == "sayak/image-scene/1"
    assert found["tfhub:vtab/rotation@1"]["formats"] == ["tf1-saved-model"]
    assert found["tfhub:vtab/rotation@1"]["url"] is None
    nobody = found["tfhub:iree/lite-model/bert/fp32@1"]
    assert (nobody["parent"], nobody["tasks"]) == (None, [])
    assert nobody["facts"]["made_of"] == "iree/bert/fp32"


def test_pytorch_hub_gives_every_entry_point_and_no_variable(tmp_path: Path) -> None:
    def page(name: str, github: str, code: str) -> None:
        (tmp_path / f"{name}.md").write_text(
            f"---\ntitle: {name.upper()}\ntags: [vision]\ngithub-id: {github}\n"
            f"accelerator: cuda-optional\n---\n\nProse.\n\n```python\n{code}\n```\n"
        )

    page("resnet", "pytorch/vision", "torch.hub.load('pytorch/vision:v0.10.0', 'resnet18')")
    page("again", "pytorch/vision", 'm = torch.hub.load("Pytorch/Vision", "resnet18", x=1)')
    page(
        "intelisl_midas_v2",
        "intel-isl/MiDaS",
        'model_type = "DPT_Large"\ntorch.hub.load("intel-isl/MiDaS", model_type)',
    )
    page(
        "vad",
        "snakers4/silero-vad",
        "torch.hub.load(repo_or_dir='snakers4/silero-vad',\n     model='silero_vad')",
    )
    page("gan", "a/gan", "torch.hub.load('a/gan:hub',\n   # 'PGAN' is said below\n   'GAN')")
    (tmp_path / "README.md").write_text("torch.hub.load('a/b', 'no_page')\n")
    found = rows(pytorch_hub, pytorch_hub.read_checkout(tmp_path))
    assert set(found) == {
        "torchhub:pytorch/vision/resnet18",
        "torchhub:intel-isl/MiDaS/DPT_Large",
        "torchhub:intel-isl/MiDaS/DPT_Hybrid",
        "torchhub:intel-isl/MiDaS/MiDaS_small",
        "torchhub:snakers4/silero-vad/silero_vad",
    }
    both = found["torchhub:pytorch/vision/resnet18"]
    assert (both["facts"]["pages"], both["facts"]["ref"]) == ("again, resnet", "v0.10.0")
    assert (both["architecture"], both["tasks"]) == (None, [])
    assert found["torchhub:snakers4/silero-vad/silero_vad"]["architecture"] == "VAD"


def test_onnx_hub_states_size_and_hash_of_each_file(tmp_path: Path) -> None:
    def entry(path: str, tags: list[str]) -> dict[str, Any]:
        return {
            "model": "M",
            "model_path": path,
            "opset_version": 12,
            "onnx_version": "1.9",
            "metadata": {"model_sha": "a" * 64, "model_bytes": 7, "tags": tags},
        }

    fcn = "validated/vision/object_detection_segmentation/fcn/model/fcn-12-qdq.onnx"
    manifest = [
        entry(fcn, ["vision", "object detection segmentation", "fcn"]),
        entry("validated/text/t5/t5-12.onnx", ["text", "machine comprehension", "t5"]),
    ]
    (tmp_path / onnx_hub.MANIFEST).write_text(json.dumps(manifest))
    found = rows(onnx_hub, onnx_hub.read_checkout(tmp_path))
    row = found[f"onnx:{fcn}"]
    assert (row["size_bytes"], row["sha256"], row["licence"]) == (7, "a" * 64, None)
    assert (row["tasks"], row["architecture"]) == (["image-segmentation"], "fcn")
    assert (row["facts"]["opset"], row["facts"]["quantised"]) == (12, "qdq")
    t5 = found["onnx:validated/text/t5/t5-12.onnx"]
    assert (t5["tasks"], "quantised" in t5["facts"]) == ([], False)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"entries": []}, "names no commit"),
        ({"commit": COMMIT}, "no list of entries"),
        ({"commit": COMMIT, "entries": [{"kind": "Module"}]}, "entry 1 of the document has no"),
        ([], "no list of entries"),
    ],
)
def test_a_document_that_is_not_upstreams_is_refused(document: Any, says: str) -> None:
    with pytest.raises(CatalogueError, match=says):
        list(tfhub.emit(document, "2026-11-25"))
