"""A known exception is looked at again by its day, and names where it is discussed."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find exceptions whose day has passed, or without an address."""
    for file, entry in view.entries():
        for index, note in enumerate(entry.exceptions):
            if note.review < view.today:
                yield Problem(
                    file, f"exceptions[{index}].review", f"was due on {note.review}",
                    "look whether it still holds; take it out or set the next day",
                )  # fmt: skip
            if not note.issue.startswith("https://"):
                yield Problem(
                    file, f"exceptions[{index}].issue", f"{note.issue!r} is no address",
                    "write the https address where it is discussed",
                )  # fmt: skip
