"""Know files by their hashes: which entry describes them, and what it says of their inputs.

An entry lists such files under a source's ``hints.files``: name to ``{sha256, inputs, outputs,
weights}``. So a copy that lies anywhere, under any name, is tried with the adapter that its
model needs. Files of one source hold the same weights, unless `weights` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caniload.catalog.entries import ModelEntry


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """Name the entry and the source that files belong to, and what it says of each, by hash."""

    model: str
    source: str
    files: Mapping[str, Mapping[str, Any]]

    def same_weights(self, sha256: str) -> str:
        """Name the group of files that hold the same weights as one of them."""
        return f"{self.source}|{self.files[sha256].get('weights', '')}"


def find(hashes: Iterable[str], models: Iterable[ModelEntry]) -> KnownFiles | None:
    """Return what the first source says that knows files of an artefact with these hashes."""
    wanted = set(hashes)
    for model in models:
        for source in model.sources:
            found = by_hash(source.hints, wanted)
            if found:
                return KnownFiles(model.id, source.handle, found)
    return None


def by_hash(hints: Mapping[str, Any], hashes: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return what a source's hints say of the files with these hashes, by hash."""
    wanted = set(hashes)
    files: Mapping[str, Mapping[str, Any]] = hints.get("files") or {}
    return {
        str(facts["sha256"]): facts for facts in files.values() if facts.get("sha256") in wanted
    }
