"""Local files: named by content, used in place, recorded without their path."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from caniload.errors import ArtefactError, UnreadableFileError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.settings import Settings


@pytest.fixture
def model(tmp_path: Path) -> Path:
    root = tmp_path / "secret place" / "my-model"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "1_Pooling" / "config.json").write_text("{}")
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref")
    return root


def test_a_directory_is_used_in_place_and_recorded_by_name(model: Path, settings: Settings) -> None:
    got = fetch.fetch(Handle("file", str(model)), settings)
    assert Path(got.root) == model
    assert [fact.path for fact in got.files] == ["1_Pooling/config.json", "config.json"]
    named = parse(got.handle)
    assert named.locator == "my-model"
    assert str(named.revision).startswith("sha256-")
    assert "secret" not in got.model_dump_json()
    assert not settings.artefacts.exists()


def test_the_revision_follows_content_and_names_alone(
    model: Path, tmp_path: Path, settings: Settings
) -> None:
    first = fetch.resolve(Handle("file", str(model)), settings)
    os.utime(model / "config.json", (1, 1))
    (model / ".git" / "HEAD").write_text("other")
    assert fetch.resolve(Handle("file", str(model)), settings) == first
    (model / "config.json").write_text("{ }")
    second = fetch.resolve(Handle("file", str(model)), settings)
    assert second.revision != first.revision
    with pytest.raises(ArtefactError, match="has changed"):
        fetch.fetch(first, settings)
    (model / "config.json").write_text("{}")
    (model / "config.json").rename(model / "renamed.json")
    assert fetch.resolve(Handle("file", str(model)), settings).revision != first.revision


def test_a_file_s_revision_is_its_own_hash(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "model@2#x%.onnx"
    path.write_bytes(b"onnx")
    got = fetch.fetch(parse(str(Handle("file", str(path)))), settings)
    assert parse(got.handle).revision == f"sha256-{hashlib.sha256(b'onnx').hexdigest()}"
    assert parse(got.handle).locator == path.name
    assert Path(got.root) == path


def test_links_are_followed_and_cycles_end(model: Path, tmp_path: Path, settings: Settings) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"weights")
    (model / "model.safetensors").symlink_to(blob)
    (model / "loop").symlink_to(model)
    got = fetch.fetch(Handle("file", str(model)), settings)
    sizes = {fact.path: fact.size_bytes for fact in got.files}
    assert sizes["model.safetensors"] == 7
    assert len(sizes) == 3


@pytest.mark.parametrize("kind", ["nothing", "empty", "pipe", "dangling"])
def test_what_cannot_be_read_is_one_line_that_names_it(
    kind: str, tmp_path: Path, settings: Settings
) -> None:
    root = tmp_path / "model"
    if kind != "nothing":
        root.mkdir()
    if kind == "pipe":
        os.mkfifo(root / "pipe")
    if kind == "dangling":
        (root / "weights").symlink_to(tmp_path / "gone")
    with pytest.raises(UnreadableFileError) as caught:
        fetch.fetch(Handle("file", str(root)), settings)
    assert caught.value.exit_code == 2
    assert "model" in str(caught.value)
