"""Tables of what a package or a hub's list states, committed as data with their provenance.

Each is ``data/packages/<name>.json`` with `package`, `version` (of the package, or the commit of
the list), `source`, `read` and `entries`; ``scripts/import_<name>.py`` writes it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from caniload.errors import CatalogueError
from caniload.settings import Settings


def read_table(name: str, settings: Settings) -> dict[str, Any] | None:
    """Return a table, read once a process; None where it is not there."""
    return _read(settings.data / "packages" / f"{name}.json")


@cache
def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(
            f"{path.name} is damaged: {error}", "install caniload again, or unset CANILOAD_DATA"
        ) from error
    return table
