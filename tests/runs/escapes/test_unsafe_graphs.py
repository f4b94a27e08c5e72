"""What counts as an unsafe op, held against TensorFlow's registry and graphs it wrote."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from escape_range import Range

pytestmark = pytest.mark.framework

GRAPHS = {
    "version-1": (),
    "vocabulary": (),
    "write-file": ("WriteFile",),
    "py-func": ("PyFunc",),
    "dataset": ("TextLineDataset",),
    "save-in-function": ("SaveV2",),
    "saving-on-restore": ("SaveV2",),
    "saving-in-signature": ("MergeV2Checkpoints", "SaveV2"),
    "printing": ("PrintV2",),
}
"""What each SavedModel of `arm_tensorflow.py` holds; its own saver is in all of them."""

SUSPICIOUS = re.compile(
    r"(^|_)(files?|filenames?|filespec|path|dir|directory|address|urls?|socket|prefix(es)?"
    r"|patterns?|graph_def)(_|$)"
)
"""Names of inputs and attributes that may lead out of the graph."""
INNOCENT = {
    *("RegexReplace", "RegexFullMatch", "StaticRegexReplace", "StaticRegexFullMatch"),
    *("TensorSliceDataset", "SetStatsAggregatorDataset", "ExperimentalSetStatsAggregatorDataset"),
}
"""Ops with such a name that lead nowhere: patterns of text, a flag, the start of a label."""


@pytest.fixture(scope="module")
def graph_ops() -> ModuleType:
    """The worker's module, imported as the worker does."""
    sys.path.insert(0, str(Path(__file__).parents[3] / "caniload" / "loaders"))
    try:
        return importlib.import_module("smoke.graph_ops")
    finally:
        del sys.path[0]


@pytest.mark.parametrize("name", GRAPHS)
def test_ops_are_found_where_they_are_not_normal(
    armed: Range, graph_ops: ModuleType, name: str
) -> None:
    assert graph_ops.unsafe_ops(armed.arms / name / "saved_model.pb") == GRAPHS[name]


def test_a_frozen_graph_has_no_files(armed: Range, graph_ops: ModuleType) -> None:
    assert graph_ops.unsafe_ops(armed.arms / "frozen.pb") == ("ReadFile",)


def test_each_op_of_the_lists_is_tensorflow_s(armed: Range, graph_ops: ModuleType) -> None:
    listed = graph_ops.ALWAYS | graph_ops.SAVING | graph_ops.RESTORING | graph_ops.TABLES
    assert listed | set(graph_ops.CONDITIONAL) <= set(armed.registry)


def test_no_op_that_takes_a_path_or_an_address_is_left_out(
    armed: Range, graph_ops: ModuleType
) -> None:
    listed = graph_ops.ALWAYS | graph_ops.SAVING | graph_ops.RESTORING | graph_ops.TABLES
    known = listed | set(graph_ops.CONDITIONAL) | INNOCENT
    left = {
        op: words
        for op, words in armed.registry.items()
        if op not in known and any(SUSPICIOUS.search(word) for word in words)
    }
    assert left == {}


def test_what_cannot_be_looked_through_is_refused(
    armed: Range, graph_ops: ModuleType, tmp_path: Path
) -> None:
    refused = importlib.import_module("smoke.failure").Refused
    good = (armed.arms / "version-1" / "saved_model.pb").read_bytes()
    forbidden = {"recipe": {}}
    for name in ("saved_model.cpb", "saved_model.pbtxt"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(b"x")
        with pytest.raises(refused, match="--allow-code"):
            graph_ops.refuse_unsafe(folder, forbidden)
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "saved_model.pb").write_bytes(good)
    assert graph_ops.refuse_unsafe(tmp_path / "good", forbidden) == ()
    allowed = {"recipe": {"allow_code": True}}
    assert graph_ops.refuse_unsafe(armed.arms / "write-file", allowed) == ("WriteFile",)
    assert "WriteFile" in allowed["code_needed"][0]


def test_the_flex_ops_of_a_tflite_file_are_looked_at(graph_ops: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(bytes(4) + b"TFL3" + b"\4\0\0\0FlexErf\0\x0d\0\0\0FlexWriteFile\0")
    assert graph_ops.unsafe_ops(file) == ("WriteFile",)
