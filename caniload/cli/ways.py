"""How to install and load a cell that passed: a pip line with pins, and a snippet to paste."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caniload.publish.checked import Way

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store


def way(store: Store, cell: CellAnswer, *, local: bool = True) -> Way:
    """Return how to install and load what a cell measured.

    `local` lets the snippet name files of this machine, which mean nothing to another.
    """
    from caniload.handles import parse
    from caniload.loaders.specs import load_specs

    spec = load_specs().get(cell.loader)
    names = list(spec.packages.get(cell.framework, ())) if spec else []
    seen = _observed(store, cell)
    pins = {**seen["lock"], **cell.versions}
    wanted = [*cell.versions, *names]
    handle = parse(cell.handle)
    if handle.hub == "pypi" and handle.revision is not None and cell.parent_observation is None:
        wanted.append(handle.locator)
        pins[handle.locator] = handle.revision
    snippet = None
    if spec is not None:
        snippet = spec.snippet(
            _locator(store, cell, seen, local), cell.framework, hints(store, cell)
        )
    return Way(install(wanted, pins), snippet)


def install(wanted: Sequence[str], versions: Mapping[str, str]) -> str | None:
    """Return the pip line: what was measured, pinned; what has no version, by name."""
    pins = {_canonical(name): version for name, version in versions.items()}
    names = dict.fromkeys(_canonical(name) for name in wanted)
    if not names:
        return None
    words = [f"{name}=={pins[name]}" if name in pins else name for name in names]
    return "python -m pip install " + " ".join(shlex.quote(word) for word in words)


def _canonical(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _observed(store: Store, cell: CellAnswer) -> dict[str, Any]:
    """What a cell's observation recorded of its inputs and its packages."""
    table = store.relation("observations")
    found = store.direct(  # rows lie sorted by source: few are read
        f"SELECT facts, recipe, lock FROM {table} WHERE source = ? AND id = ?",
        [cell.source, cell.observation_id],
    )
    texts = found[0] if found else (None, None, None)
    facts, recipe, lock = (json.loads(text) if text else {} for text in texts)
    told = {name: facts.get(name) for name in ("token_facts", "inputs", "call", "library")}
    return {"facts": told, "recipe": recipe, "lock": lock}


def _locator(
    store: Store, cell: CellAnswer, seen: Mapping[str, Any], local: bool
) -> dict[str, Any]:
    """Return where the files lie and with which inputs they were measured, for a snippet.

    An export that lies on this machine is named by its path; everything else by its handle.
    """
    from dataclasses import asdict

    from caniload.handles import parse

    parts = asdict(parse(cell.handle))
    parts |= {**seen["facts"], "recipe": seen["recipe"]}
    if local and cell.parent_observation is not None:
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
