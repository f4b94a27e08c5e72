"""What is known of a registry's releases without asking it: the lists that bisections recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from caniload.catalog.nearness import canonical
from caniload.settings import Settings

FOLDER = "bisections"


@dataclass(slots=True)
class Releases:
    """Hold unbroken stretches of each package's releases, in order, as a registry listed them."""

    stretches: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    def add(self, package: str, listed: Sequence[str]) -> None:
        """Take in one stretch."""
        self.stretches.setdefault(canonical(package), []).append(tuple(listed))

    def between(self, package: str, first: str, last: str) -> tuple[str, ...] | None:
        """Return the releases between two, none of them included; None where no list has both.

        Of several lists the longest counts: a registry gains releases and seldom loses one.
        """
        found = [
            listed[listed.index(first) + 1 : listed.index(last)]
            for listed in self.stretches.get(canonical(package), ())
            if first in listed and last in listed
        ]
        return max(found, key=len, default=None)


def known_releases(settings: Settings) -> Releases:
    """Read the records of bisections, those that come with caniload and those made here."""
    known = Releases()
    for folder in (settings.data / FOLDER, settings.home / FOLDER):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            try:
                record = json.loads(path.read_bytes())
                known.add(record["package"], record["listed"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a foreign or torn file says nothing
    return known
