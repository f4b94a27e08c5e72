"""Records are closed and frozen, survive JSON, and give identities that only facts change."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caniload.records import Cell, Environment, OutputPrint, Recipe, digest, json_schemas

floats = st.floats(allow_nan=True, allow_infinity=True)


def cell(**changes: object) -> Cell:
    base: dict[str, object] = {
        "model": "bert",
        "handle": "hf:ns/name@" + "0f" * 20 + "#safetensors",
        "loader": "transformers",
        "framework": "pytorch",
        "environment": "pytorch",
        "environment_key": "abc",
        "device": "cpu",
        "recipe": Recipe(),
    }
    return Cell.model_validate({**base, **changes})


@given(st.lists(floats, max_size=5))
def test_a_fingerprint_survives_json_with_its_nans(values: list[float]) -> None:
    mean = values[0] if values else math.nan
    print_ = OutputPrint(
        name="out", shape=(2, 3), dtype="float32", mean=mean, rms=math.inf, samples=tuple(values)
    )
    back = OutputPrint.model_validate_json(print_.model_dump_json())
    assert [repr(x) for x in (back.mean, back.rms, *back.samples)] == [
        repr(x) for x in (print_.mean, print_.rms, *print_.samples)
    ]


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=4))
def test_a_digest_does_not_depend_on_order(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(list(value.items()))))


def test_records_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({"name": "x", "temperature": 1})
    with pytest.raises(ValidationError):
        Recipe().seed = 3
    with pytest.raises(ValidationError, match="not a handle"):
        cell(handle="bert")


def test_a_cell_s_identity_changes_with_what_is_tried_and_with_nothing_else() -> None:
    same = cell(model=None, environment="my-own", parent_observation="r-0001")
    assert same.id == cell().id
    for change in (
        {"device": "cuda"},
        {"environment_key": "def"},
        {"recipe": Recipe(weights="random")},
        {"recipe": Recipe(options={"compile": False})},
        {"handle": "hf:ns/name@" + "0e" * 20 + "#safetensors"},
        {"kind": "export", "export_format": "onnx"},
    ):
        assert cell(**change).id != cell().id, change
    assert cell(recipe=Recipe(name="renamed")).id == cell().id


def test_an_environment_s_key_ignores_what_the_loader_does_not_name() -> None:
    def key(**lock: str) -> str:
        return Environment(
            name="e",
            python="3.11.7",
            python_minor="3.11",
            platform="linux-x86_64",
            decisive={"torch": "2.13.0"},
            lock=lock,
        ).key

    assert key(certifi="2026.1") == key(certifi="2026.2")


def test_the_exchanged_records_have_schemas() -> None:
    schemas = json_schemas()
    assert set(schemas) == {"Observation", "Settlement", "RunHeader"}
    assert "cell" in schemas["Observation"]["required"]
