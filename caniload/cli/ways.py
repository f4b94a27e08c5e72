"""How to install and load a cell that passed: a pip line with pins, and a snippet to paste."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store


@dataclass(frozen=True, slots=True)
class Way:
    """Hold what to paste: a shell line and Python code; either is None where unknown."""

    install: str | None
    snippet: str | None


def way(store: Store, cell: CellAnswer) -> Way:
    """Return how to install and load what a cell measured."""
    from caniload.loaders.specs import load_specs

    spec = load_specs().get(cell.loader)
    names = list(spec.packages.get(cell.framework, ())) if spec else []
    snippet = None
    if spec is not None:
        snippet = spec.snippet(locator(store, cell), cell.framework, hints(store, cell))
    return Way(install(cell.versions, names), snippet)


def install(versions: Mapping[str, str], names: list[str]) -> str | None:
    """Return the pip line: what was measured, pinned; what else is needed, by name."""
    pins = {name.lower().replace("_", "-"): version for name, version in versions.items()}
    wanted = [*pins, *(name for name in names if name.lower().replace("_", "-") not in pins)]
    if not wanted:
        return None
    words = [f"{name}=={pins[name]}" if name in pins else name for name in wanted]
    return "python -m pip install " + " ".join(shlex.quote(word) for word in words)


def locator(store: Store, cell: CellAnswer) -> dict[str, Any]:
    """Return where the files lie and with which inputs they were measured, for a snippet.

    An export that lies on this machine is named by its path; everything else by its handle.
    """
    from dataclasses import asdict

    from caniload.handles import parse

    parts = asdict(parse(cell.handle))
    table = store.relation("observations")
    found = store.direct(  # rows lie sorted by source: few are read
        f"SELECT facts, recipe FROM {table} WHERE source = ? AND id = ?",
        [cell.source, cell.observation_id],
    )
    if found:
        facts, recipe = found[0]
        parts["token_facts"] = json.loads(facts or "{}").get("token_facts")
        parts["recipe"] = json.loads(recipe) if recipe else None
    if cell.parent_observation is not None:
        made = store.settings.artefacts / "derived" / cell.parent_observation
        if made.is_dir():
            parts["path"] = str(made)
    return parts


def hints(store: Store, cell: CellAnswer) -> Mapping[str, Any]:
    """Return the loader hints of the entry's source, if an entry has it."""
    if cell.model is None:
        return {}
    found = store.direct(
        "SELECT entry FROM store.sources WHERE model = ? AND source = ? LIMIT 1",
        [cell.model, cell.source],
    )
    hints = json.loads(found[0][0]).get("hints") if found else None
    return hints if isinstance(hints, dict) else {}
