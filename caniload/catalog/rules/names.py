"""A name means one entry: ids, names and aliases do not collide, whatever their case."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.authored import collisions
from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find names that two entries share, and aliases that repeat an entry's own name."""
    for name, files in collisions(view.authored):
        for file in files[1:]:
            yield Problem(
                file, "aliases", f"{name!r} is what {files[0]} is called",
                "give the name to the entry that people mean by it",
            )  # fmt: skip
    for file, entry in view.entries():
        own = [name.casefold() for name in (entry.id, entry.name)]
        for index, alias in enumerate(entry.aliases):
            known = own + [other.casefold() for other in entry.aliases[:index]]
            if alias.casefold() in known:
                yield Problem(
                    file, f"aliases[{index}]", f"{alias!r} is said already", "take it out"
                )
