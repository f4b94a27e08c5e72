"""Of an artefact's known files, the one that a format is read from gives the adapter."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from caniload.records import FetchedArtefact, FileFact, utcnow
from caniload.runs import adapters

ONNX = b"\x08\x08\x3a\x02\x12\x00"
"""ModelProto: ir_version 8, a graph without a name."""


@pytest.fixture
def repository(tmp_path: Path) -> FetchedArtefact:
    """A torch.hub artefact that holds one model as TorchScript and as ONNX."""
    folder = tmp_path / "repo" / "files"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "model.jit", "w") as archive:
        archive.writestr("model/code/__torch__.py", "")
        archive.writestr("model/constants.pkl", "")
        archive.writestr("model/data.pkl", "")
    (folder / "a.onnx").write_bytes(ONNX)
    (folder / "readme.txt").write_text("Both are one model.")
    paths = sorted(path for path in folder.iterdir())
    facts = [
        FileFact(
            path=str(path.relative_to(tmp_path)),
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in paths
    ]
    handle = f"torchhub:tiny/zoo/model@{'a' * 40}"
    return FetchedArtefact(
        handle=handle,
        root=str(tmp_path),
        files=tuple(facts),
        format="torch-hub",
        resolved_by="GitHub",
        resolved_at=utcnow(),
    )


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("torch-hub", "model.jit"),
        ("torchscript", "model.jit"),
        ("onnx", "a.onnx"),
        ("tflite", None),
        (None, "a.onnx"),
    ],
)
def test_each_format_has_the_adapter_of_its_own_file(
    repository: FetchedArtefact, form: str | None, name: str | None
) -> None:
    hashes = {Path(fact.path).name: fact.sha256 for fact in repository.files}
    chosen = adapters.choose(list(hashes.values()), repository, form)
    assert chosen == (None if name is None else hashes[name])


def test_a_file_that_nothing_is_said_of_gives_none(repository: FetchedArtefact) -> None:
    onnx = next(fact.sha256 for fact in repository.files if fact.path.endswith(".onnx"))
    assert adapters.choose([onnx], repository, "torch-hub") is None


def test_a_file_alone_is_known_whatever_its_format_is_called(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(ONNX)
    sha256 = hashlib.sha256(ONNX).hexdigest()
    fact = FileFact(path="model.bin", size_bytes=len(ONNX), sha256=sha256)
    alone = FetchedArtefact(
        handle=f"file:{path}",
        root=str(path),
        files=(fact,),
        format="bin",
        resolved_by="the disk",
        resolved_at=utcnow(),
    )
    assert adapters.choose([sha256], alone, "saved-model") == sha256
