"""A hub that an outside package brings, installed on the host alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caniload.errors import UnknownNameError
from caniload.handles import Handle, parse
from caniload.loaders import fetch, hub
from caniload.settings import Settings

PLUGIN = """
from caniload.loaders.hub import Laid
from caniload.loaders.fetch.hashing import hash_tree

class ShelfHub:
    name = "shelf"
    cached = True
    def resolve(self, handle, settings): return handle.at(handle.revision or "7")
    def selection(self, handle): return "all"
    def lay(self, handle, into, order):
        files = into / "files"
        files.mkdir()
        (files / "w.onnx").write_bytes(b"from the shelf")
        return Laid(handle, files, hash_tree(files), "the shelf", "onnx")
    def recheck(self, handle, note, order): return True
    def browse(self, query, settings): return ()
    def claims(self, handle, settings): return ()
"""


@pytest.fixture
def _shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    site = tmp_path / "site"
    info = site / "shelf_hub-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "shelf_hub.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-hub\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[caniload.hubs]\nshelf = shelf_hub:ShelfHub\nhf = shelf_hub:ShelfHub\n"
    )
    monkeypatch.syspath_prepend(str(site))
    hub.load_hubs.cache_clear()
    yield
    hub.load_hubs.cache_clear()
    sys.modules.pop("shelf_hub", None)


@pytest.mark.usefixtures("_shelf")
def test_a_plug_in_s_hub_fetches_like_ours_and_cannot_replace_ours(settings: Settings) -> None:
    got = fetch.fetch(parse("shelf:any/thing"), settings)
    assert (Path(got.root) / "w.onnx").read_bytes() == b"from the shelf"
    assert parse(got.handle).revision == "7"
    assert fetch.fetch(parse("shelf:any/thing"), settings).from_cache
    assert type(hub.load_hubs()["hf"]).__name__ == "HfHub"


def test_an_unknown_hub_names_those_there_are(settings: Settings) -> None:
    with pytest.raises(UnknownNameError, match="did you mean pypi"):
        fetch.fetch(Handle("pypy", "x", "1"), settings)
