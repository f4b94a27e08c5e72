"""Know a file by its hash: which entry describes it, and what that entry says of its inputs.

An entry lists such files under a source's ``hints.files``: name to ``{sha256, inputs, outputs,
weights}``. So a copy that lies anywhere, under any name, is tried with the adapter that its
model needs. Files of one source hold the same weights, unless `weights` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from caniload.catalog.entries import ModelEntry


@dataclass(frozen=True, slots=True)
class KnownFile:
    """Name the entry that a file belongs to, its adapter, and the group of its weights."""

    model: str
    hints: Mapping[str, Any]
    same_weights: str


def find(hashes: Iterable[str], models: Iterable[ModelEntry]) -> KnownFile | None:
    """Return what an entry says of an artefact that holds a file with one of these hashes."""
    wanted = set(hashes)
    for model in models:
        for source in model.sources:
            for facts in (source.hints.get("files") or {}).values():
                if facts.get("sha256") in wanted:
                    hints = {key: facts[key] for key in ("inputs", "outputs") if key in facts}
                    group = f"{source.handle}|{facts.get('weights', '')}"
                    return KnownFile(model.id, hints, group)
    return None
