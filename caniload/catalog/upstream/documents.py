"""What the importers of upstream's JSON documents share: to look at a document, and the header."""

from __future__ import annotations

from typing import Any

from caniload.errors import CatalogueError

Fields = dict[str, Any]
Read = str
"""A day, as 2026-11-25."""


def header(catalogue: str, upstream: str, version: str, read: Read) -> Fields:
    """Return the first line of an importer's output."""
    return {
        "kind": "header",
        "catalogue": catalogue,
        "upstream": upstream,
        "version": version,
        "read": read,
    }


def commit(document: Any) -> str:
    """Return the commit that a document says it was read at; raises `CatalogueError`."""
    found = document.get("commit") if isinstance(document, dict) else None
    if not isinstance(found, str) or len(found) < 7:
        raise CatalogueError(
            "the document names no commit", 'write "commit" into it: it is the provenance'
        )
    return found


def entries(document: Any, *fields: str) -> list[Fields]:
    """Return a document's entries, each with these fields; raises `CatalogueError`."""
    found = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise CatalogueError("the document holds no list of entries", "give another file")
    for number, entry in enumerate(found, 1):
        for field in fields:
            if not isinstance(entry, dict) or field not in entry:
                raise CatalogueError(f"entry {number} of the document has no {field!r}")
    return found
