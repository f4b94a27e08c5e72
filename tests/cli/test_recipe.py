"""What the command line takes of a recipe: options and adapters, each mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from caniload.cli.recipe import adapter_of, options_of
from caniload.errors import BadInputError, UnreadableFileError


def test_options_are_json_or_words() -> None:
    given = ["compile=false", "steps=3", "api=KerasLayer", "sides=[1, 2]"]
    expected = {"compile": False, "steps": 3, "api": "KerasLayer", "sides": [1, 2]}
    assert options_of(given) == expected


@pytest.mark.parametrize("text", ["compile", "=1", "a b=1", "--x=1"])
def test_what_is_no_option_is_named(text: str) -> None:
    with pytest.raises(BadInputError, match="is not an option"):
        options_of([text])


def test_an_adapter_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "adapter.yaml"
    path.write_text("inputs:\n  x: {kind: audio, shape: [1, 512]}\n  sr: {value: 16000}\n")
    assert adapter_of(path)["inputs"]["sr"] == {"value": 16000}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("inputs: {x: {kind: smell}}", "inputs.x.kind"),
        ("inputs: {x: {shapes: [1]}}", "inputs.x.shapes"),
        ("inputs: {x: 3}", "inputs.x"),
        ("outputs: {y: 1}", "outputs"),
        ("layers: []", "is no adapter"),
        ("{}", "is no adapter"),
        ("- 1", "is no adapter"),
    ],
)
def test_a_mistake_in_an_adapter_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "adapter.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError) as caught:
        adapter_of(path)
    assert named in str(caught.value)
    assert "adapter.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", None])
def test_an_adapter_that_cannot_be_read_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "adapter.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnreadableFileError, match=r"adapter\.yaml"):
        adapter_of(path)
