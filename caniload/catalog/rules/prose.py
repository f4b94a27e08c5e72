"""Prose is short and our own: one sentence about an entry, one about a page."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.entries import Cite, parts
from caniload.catalog.rules import Problem, View

ABOUT_LIMIT = 160
SAYS_LIMIT = 240


def check(view: View) -> Iterator[Problem]:
    """Find sentences that are too long, or several where one is wanted."""
    for file, entry in view.entries():
        about = entry.about
        if len(about) > ABOUT_LIMIT or not about.endswith(".") or ". " in about:
            yield Problem(
                file, "about", f"{len(about)} characters, or not one sentence",
                f"say it in one sentence of at most {ABOUT_LIMIT} characters, ending in a stop",
            )  # fmt: skip
        for path, part in parts(entry):
            if isinstance(part, Cite) and len(part.says) > SAYS_LIMIT:
                yield Problem(
                    file, f"{path}.says", f"{len(part.says)} characters",
                    f"say what was read in at most {SAYS_LIMIT} characters of your own",
                )  # fmt: skip
