"""The tools that are shipped: enough of them, each with a page that was opened, states in words."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from caniload.catalog.authored import read_entry
from caniload.catalog.entries import PURPOSES, ToolEntry
from caniload.settings import Settings
from caniload.words import FRAMEWORKS, ToolStatus

DATA = Settings.read({"CANILOAD_HOME": "unused"}).data


@pytest.fixture(scope="module")
def tools() -> dict[str, ToolEntry]:
    """The shipped tools by id."""
    found = {}
    for path in sorted((DATA / "tools").glob("*.yaml")):
        entry = read_entry(path)
        assert isinstance(entry, ToolEntry)
        found[entry.id] = entry
    return found


def test_there_are_tools_for_every_purpose(tools: dict[str, ToolEntry]) -> None:
    assert len(tools) >= 80
    assert {tool.purpose for tool in tools.values()} == set(PURPOSES)


def test_no_tool_stands_without_a_page_that_was_opened(tools: dict[str, ToolEntry]) -> None:
    for tool in tools.values():
        pages = {cite.page for cite in tool.cites if cite.page and cite.read}
        assert tool.evidence in pages, tool.id
        assert tool.status_read is not None, tool.id


def test_states_are_told_apart(tools: dict[str, ToolEntry]) -> None:
    count = Counter(tool.status for tool in tools.values())
    assert set(count) == set(ToolStatus)
    for tool in tools.values():
        over = tool.status in (ToolStatus.ARCHIVED, ToolStatus.SUPERSEDED)
        assert (tool.status_since is not None) or not over, tool.id
        assert tool.successor or tool.status is not ToolStatus.SUPERSEDED, tool.id


def test_frameworks_are_those_that_cells_name(tools: dict[str, ToolEntry]) -> None:
    named = {framework for tool in tools.values() for framework in tool.frameworks}
    assert named <= set(FRAMEWORKS)
    assert {"pytorch", "tensorflow", "jax", "onnxruntime"} <= named


def test_torchserve_is_archived_and_its_users_say_where_they_go(
    tools: dict[str, ToolEntry],
) -> None:
    serve = tools["torchserve"]
    assert (serve.status, serve.status_since) == (ToolStatus.ARCHIVED, date(2025, 8, 7))
    assert serve.successor == ()  # its owner names none
    assert {"triton-inference-server", "ray-serve"} <= {move.to for move in serve.moved_to}
    for move in serve.moved_to:
        assert move.to in tools
        assert move.page is not None
        assert move.page.startswith("https://github.com/")
