"""A page before it is written: where it lies, what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caniload.publish.site import paths, templating


@dataclass(frozen=True, slots=True)
class Page:
    """Hold one page; `title` names it in the site's map."""

    folder: str
    template: str
    values: Mapping[str, Any]
    title: str

    @property
    def path(self) -> str:
        """Where it lies below the site's root."""
        return self.folder + paths.INDEX

    def write(self) -> bytes:
        """Return its HTML."""
        return templating.render(self.template, self.folder, self.values)
