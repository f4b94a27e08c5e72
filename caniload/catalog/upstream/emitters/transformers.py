"""transformers: which class an auto class finds for a model type, on each framework.

The names are those of the auto classes' own tables; no model's module is imported. A model type
that the version can configure stands under ``AutoConfig``, on the framework ``any``, so that a
type that has a configuration and no model of its own is told from one that is not there.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from .lines import emit, version_of

TABLES = (
    ("pytorch", "modeling_auto"),
    ("tensorflow", "modeling_tf_auto"),
    ("jax", "modeling_flax_auto"),
)
"""The module of transformers.models.auto that a framework's classes stand in; 5 has one."""


def main() -> None:
    """Emit one line for each model type, framework, auto class and class."""
    emit("transformers", "transformers", _types())


def _types() -> Iterator[dict[str, Any]]:
    version = version_of("transformers")

    def line(model_type: str, framework: str, class_: str, auto: str | None) -> dict[str, Any]:
        return {"kind": "type", "version": version, "model_type": model_type,
                "framework": framework, "class": class_, "auto": auto}  # fmt: skip

    from transformers.models.auto import configuration_auto

    for model_type, config in configuration_auto.CONFIG_MAPPING_NAMES.items():
        yield line(model_type, "any", config, "AutoConfig")
    for framework, name in TABLES:
        module = _module(name)
        if module is None:
            continue
        found = set()
        for auto, table in _tables(module).items():
            for pair in _pairs(table):
                found.add(pair)
                yield line(pair[0], framework, pair[1], auto)
        unread = {pair for table in _unread(module) for pair in _pairs(table)}
        for model_type, class_ in sorted(unread - found):
            yield line(model_type, framework, class_, None)


def _module(name: str) -> ModuleType | None:
    """Import a module of auto classes; None where this version has none of that framework."""
    try:
        return importlib.import_module(f"transformers.models.auto.{name}")
    except ModuleNotFoundError as error:
        if str(error.name).endswith(name):
            return None
        raise


def _tables(module: ModuleType) -> dict[str, dict[str, Any]]:
    """Return the names that each auto class finds, by model type."""
    found = {}
    for name, auto in sorted(vars(module).items()):
        if isinstance(auto, type) and auto.__module__ == module.__name__ and name[0] != "_":
            table = getattr(getattr(auto, "_model_mapping", None), "_model_mapping", None)
            if table:
                found[name] = table
    return found


def _unread(module: ModuleType) -> list[dict[str, Any]]:
    """Return the tables that no auto class reads: their classes have to be named."""
    read = {id(table) for table in _tables(module).values()}
    return [
        table
        for name, table in vars(module).items()
        if re.fullmatch(r"(TF_|FLAX_)?MODEL_\w*MAPPING_NAMES", name) and id(table) not in read
    ]


def _pairs(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield model type and class; few types have several classes."""
    for model_type, classes in table.items():
        for class_ in [classes] if isinstance(classes, str) else classes:
            yield model_type, class_
