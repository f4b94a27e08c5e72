"""What stands beside the hits of a search in its document: how many, facets, unknown words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caniload.catalog.search import Found


def beside(found: Found) -> dict[str, Any]:
    """Return the fields that a document of hits has at its top."""
    return {
        "found": found.total,
        "facets": {
            name: [{"value": value, "count": count} for value, count in values]
            for name, values in found.facets.items()
        },
        "unknown_words": found.unknown_words,
    }
