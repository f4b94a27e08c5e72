from __future__ import annotations

import pytest

from caniload.publish.markers import MarkerError, find


def _find(text: str) -> list[tuple[int, int, str, dict[str, str]]]:
    return [(p.begin, p.end, p.kind, p.options) for p in find("page.md", text.split("\n"))]


def test_places_are_found_with_their_options() -> None:
    text = "a\n<!-- caniload:begin matrix model=minilm from=ci -->\nold\n<!-- caniload:end -->\nb"
    assert _find(text) == [(1, 3, "matrix", {"model": "minilm", "from": "ci"})]


def test_fenced_markers_are_text() -> None:
    text = "```html\n<!-- caniload:begin matrix model=x -->\n```\n~~~\n<!-- caniload:end -->\n~~~"
    assert _find(text) == []


def test_a_place_after_a_fence_is_found() -> None:
    text = "```\n<!-- caniload:end -->\n```\n<!-- caniload:begin matrix model=x -->\n"
    assert _find(text + "<!-- caniload:end -->") == [(3, 4, "matrix", {"model": "x"})]


def test_windows_line_ends_are_read() -> None:
    text = "<!-- caniload:begin matrix model='a b' -->\r\n<!-- caniload:end -->\r\n"
    assert _find(text) == [(0, 1, "matrix", {"model": "a b"})]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("x\n<!-- caniload:begin matrix model=x -->", 2, "never ends"),
        ("<!-- caniload:end -->", 1, "never began"),
        (
            "<!-- caniload:begin m a=b -->\n<!-- caniload:begin m a=b -->",
            2,
            "inside that of line 1",
        ),
        ("<!-- caniload: begin matrix -->", 1, "not a marker"),
        ("<!-- caniload:begin -->", 1, "not a marker"),
        ("see <!-- caniload:end --> here", 1, "not a marker"),
        ("<!-- caniload:begin matrix model -->\n<!-- caniload:end -->", 1, "not key=value"),
        ("<!-- caniload:begin matrix a='b -->\n<!-- caniload:end -->", 1, "quote is not closed"),
        ("<!-- caniload:begin m a=b a=c -->\n<!-- caniload:end -->", 1, "given twice"),
    ],
)
def test_malformed_markers_name_file_and_line(text: str, line: int, why: str) -> None:
    with pytest.raises(MarkerError) as caught:
        _find(text)
    assert caught.value.line == line
    assert why in str(caught.value)
    assert str(caught.value).startswith(f"page.md:{line}: ")
    assert "\n" not in str(caught.value)
