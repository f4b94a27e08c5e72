"""Read the authored YAML files into their schemas, naming file and field in every error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from caniload import yaml_text
from caniload.catalog.entries import (
    KINDS,
    Authored,
    DatasetEntry,
    Entry,
    ModelEntry,
    ToolEntry,
    json_schemas,
)
from caniload.errors import CatalogueError

__all__ = [
    "Authored",
    "DatasetEntry",
    "Entry",
    "ModelEntry",
    "ToolEntry",
    "collisions",
    "json_schemas",
    "load",
    "read",
    "read_entry",
]


_Base: Any = yaml_text.SAFE_LOADER


class _Loader(_Base):  # type: ignore[misc]
    """Read YAML safely and refuse a key that stands twice, which YAML itself drops silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping whose keys differ."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def load(data_dir: Path) -> Authored:
    """Read the whole catalogue; raise `CatalogueError` at the first thing that is wrong.

    Ids, names and aliases are one namespace over models, datasets and tools, so that
    ``caniload show NAME`` never has to guess.
    """
    authored = read(data_dir)
    for name, owners in collisions(authored):
        raise CatalogueError(
            f"{' and '.join(owners)} are both called {name!r}",
            "give the alias to the entry that people mean by it",
        )
    return authored


def read(data_dir: Path) -> Authored:
    """Read all files, each by its own schema, without comparing them with one another."""
    if not data_dir.is_dir():
        raise CatalogueError(f"there is no catalogue in {data_dir}", "look at CANILOAD_DATA")
    found = {
        kind: tuple(read_entry(path) for path in sorted((data_dir / kind).glob("*.yaml")))
        for kind in KINDS
    }
    return Authored(
        models=cast("tuple[ModelEntry, ...]", found["models"]),
        datasets=cast("tuple[DatasetEntry, ...]", found["datasets"]),
        tools=cast("tuple[ToolEntry, ...]", found["tools"]),
    )


def read_entry(path: Path) -> Entry:
    """Read one file by the schema of the folder it lies in.

    Raises `CatalogueError` naming the file and the field when it is not valid YAML, does not
    satisfy the schema, or is not named after its id.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{where} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise CatalogueError(f"{where} is not valid YAML: {_one_line(error)}") from error
    if not isinstance(content, dict):
        raise CatalogueError(f"{where} holds no fields", "begin with id: and name:")
    try:
        entry = KINDS[path.parent.name].model_validate(content)
    except ValidationError as error:
        raise CatalogueError(f"{where}: {_fields(error)}") from error
    if entry.id != path.stem:
        raise CatalogueError(
            f"{where}: id: {entry.id!r} is not the file's name", f"call it {entry.id}.yaml"
        )
    return entry


def collisions(authored: Authored) -> list[tuple[str, tuple[str, ...]]]:
    """List each id, name or alias that two entries share, compared without case, with both."""
    owners: dict[str, dict[str, None]] = defaultdict(dict)
    for kind in KINDS:
        entries: tuple[Entry, ...] = getattr(authored, kind)
        for entry in entries:
            for name in (entry.id, entry.name, *entry.aliases):
                owners[name.casefold()][f"{kind}/{entry.id}.yaml"] = None
    return [(name, tuple(files)) for name, files in owners.items() if len(files) > 1]


def _fields(error: ValidationError) -> str:
    """Write what is wrong as `field: message`, one after the other."""
    return "; ".join(f"{_path(item['loc'])}: {item['msg']}" for item in error.errors())


def _path(location: tuple[int | str, ...]) -> str:
    """Write a pydantic location as `sources[0].handle`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def _one_line(error: yaml.YAMLError) -> str:
    """Say where and why YAML could not be read, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).replace("\n", " ")
