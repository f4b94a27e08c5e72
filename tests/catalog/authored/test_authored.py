"""Authored files are read strictly, and every error names the file and the field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog.authored import json_schemas, load
from caniload.catalog.entries import ModelEntry, parts
from caniload.errors import CatalogueError

Files = dict[str, dict[str, Any]]
Write = Callable[[Files], Path]
MODEL = "models/tiny-bert.yaml"


def test_a_catalogue_reads_as_records(clean: Files, write: Write) -> None:
    found = load(write(clean))
    assert [model.id for model in found.models] == ["dream", "tiny-bert"]
    source = found.models[1].sources[0]
    assert source.resolved
    assert (source.parsed.revision, source.parsed.subfolder) == ("1.0", "model")
    assert not found.models[1].sources[1].resolved
    assert [entry.id for entry in found.entries()] == ["dream", "tiny-bert", "digits", "saw"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: f[MODEL].update(licens="MIT"), "models/tiny-bert.yaml: licens: "),
        (lambda f: f[MODEL].pop("name"), "models/tiny-bert.yaml: name: Field required"),
        (
            lambda f: f[MODEL]["sources"][0].update(handle="tiny"),
            "models/tiny-bert.yaml: sources[0].handle: ",
        ),
        (
            lambda f: f[MODEL]["sources"][0]["pin"].update(sha256="abc"),
            "models/tiny-bert.yaml: sources[0].pin.sha256: ",
        ),
        (lambda f: f[MODEL].update(id="tiny"), "models/tiny-bert.yaml: id: 'tiny' is not the file"),
        (
            lambda f: f["tools/saw.yaml"].update(aliases=["Tiny"]),
            "models/tiny-bert.yaml and tools/saw.yaml are both called 'tiny'",
        ),
    ],
)
def test_an_error_names_file_and_field(
    clean: Files, write: Write, spoil: Callable[[Files], object], says: str
) -> None:
    spoil(clean)
    with pytest.raises(CatalogueError) as caught:
        load(write(clean))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id: a\nid: b\n", "line 2: the key 'id' stands twice"),
        ("id: [a\n", "is not valid YAML"),
        ("just words\n", "holds no fields"),
        ("", "holds no fields"),
    ],
)
def test_a_file_that_is_no_entry_is_refused(
    clean: Files, write: Write, text: str, says: str
) -> None:
    data = write(clean)
    (data / "models" / "odd.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=r"models/odd\.yaml") as caught:
        load(data)
    assert says in str(caught.value)


def test_yaml_cannot_make_python_objects(clean: Files, write: Write, tmp_path: Path) -> None:
    data = write(clean)
    mark = tmp_path / "ran"
    (data / "models" / "odd.yaml").write_text(
        f"id: !!python/object/apply:pathlib.Path.touch [{mark}]\n"
    )
    with pytest.raises(CatalogueError, match="is not valid YAML"):
        load(data)
    assert not mark.exists()


def test_no_catalogue_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="there is no catalogue"):
        load(tmp_path / "nowhere")
    assert load(tmp_path).entries() == ()


def test_schemas_are_exported_for_each_kind() -> None:
    schemas = json_schemas()
    assert sorted(schemas) == ["datasets", "models", "tools"]
    assert "sources" in schemas["models"]["properties"]
    assert schemas["tools"]["additionalProperties"] is False


def test_parts_give_every_nested_record_with_its_path(clean: Files, write: Write) -> None:
    model = load(write(clean)).models[1]
    assert isinstance(model, ModelEntry)
    paths = [path for path, _ in parts(model)]
    assert "sources[0].claims[0]" in paths
    assert "sources[0].pin" in paths
    assert "cites[0]" in paths
