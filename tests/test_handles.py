"""Handles round-trip, and say what is wrong when they cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caniload.errors import MalformedHandleError
from caniload.handles import HUBS, Handle, parse

printable = st.text(
    st.characters(categories=("L", "N", "P", "S")) | st.sampled_from("@#%/: "), min_size=1
).filter(lambda text: text == text.strip() and text.isprintable())
word = st.from_regex(r"[a-z0-9][a-z0-9_-]*", fullmatch=True)
revision = printable.filter(lambda text: "/" not in text)
subfolder = st.lists(
    printable.filter(lambda text: "/" not in text and text not in (".", "..")),
    min_size=1,
    max_size=3,
).map("/".join)


@st.composite
def handles(draw: st.DrawFn) -> Handle:
    at = draw(st.none() | revision)
    form = draw(st.none() | word)
    return Handle(
        draw(st.sampled_from(HUBS)),
        draw(printable),
        at,
        draw(st.none() | subfolder) if at is not None else None,
        form,
        draw(st.none() | word) if form is not None else None,
    )


@given(handles())
def test_every_handle_reads_back_as_itself(handle: Handle) -> None:
    assert parse(str(handle)) == handle


@given(st.text())
def test_any_text_is_a_handle_that_reads_back_or_a_clear_refusal(text: str) -> None:
    handle = None
    try:
        handle = parse(text)
    except MalformedHandleError as error:
        message = str(error)
    assert "write hub:locator" in message if handle is None else parse(str(handle)) == handle


def test_the_design_s_own_examples() -> None:
    full = "hf:ns/name@" + "a1" * 20 + "/sub#safetensors:fp16"
    assert parse(full) == Handle("hf", "ns/name", "a1" * 20, "sub", "safetensors", "fp16")
    assert parse("torchhub:pytorch/vision/resnet50").locator == "pytorch/vision/resnet50"
    assert str(parse("url:https://e.org/a%40b.onnx#onnx")) == "url:https://e.org/a%40b.onnx#onnx"
    assert parse("url:https://e.org/a%40b.onnx").locator == "https://e.org/a@b.onnx"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("bert", "starts with a hub"),
        ("hf:", "nothing printable"),
        ("hf:a#", "no format"),
        ("hf:a@b@c", "more than one '@'"),
        ("hf:a@", "a revision follows"),
        ("hf:a@b/../c", "plain relative path"),
        ("hf:a%zz", "'%' is written %25"),
        ("HF:a", "lower-case word before"),
        ("hf:a#onnx:", "a variant"),
    ],
)
def test_a_malformed_handle_names_the_part(text: str, why: str) -> None:
    with pytest.raises(MalformedHandleError, match="is not a handle") as caught:
        parse(text)
    assert why in str(caught.value)
