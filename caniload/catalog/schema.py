"""The documented schema: what every table and column that `sql` and `dump` offer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "schema.yaml"


@dataclass(frozen=True, slots=True)
class Table:
    """Describe one table: its group, what a row is, its columns in order, whether it is dumped."""

    name: str
    group: str
    about: str
    columns: Mapping[str, str]
    dumped: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """Hold all tables in the order of the page, what their groups are, and what is internal."""

    groups: Mapping[str, str]
    tables: Mapping[str, Table]
    internal: tuple[str, ...]

    def is_internal(self, name: str) -> bool:
        """Tell whether a table is an index or a part of a view, and in no dump."""
        return any(fnmatchcase(name, pattern) for pattern in self.internal)


@cache
def schema() -> Schema:
    """Read the description that comes with caniload."""
    from caniload import yaml_text

    raw: Any = yaml_text.parse(FILE.read_bytes())
    tables: dict[str, Table] = {}
    for name, one in raw["tables"].items():
        inherited = tables[one["like"]].columns if "like" in one else {}
        columns = {**inherited, **one["columns"]}
        tables[name] = Table(name, one["group"], one["about"], columns, one.get("dumped", True))
    return Schema(raw["groups"], tables, tuple(raw["internal"]))
