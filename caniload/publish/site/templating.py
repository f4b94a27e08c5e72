"""The site's templates: whatever a page is given is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from caniload import __version__
from caniload.publish.embed.signs import SIGNS
from caniload.publish.site import paths, words
from caniload.words import FRAMEWORK_NAMES

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> jinja2.Environment:
    """Return the templates with the words and signs that all of them use."""
    import jinja2

    made = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=jinja2.FunctionLoader(_read),
    )
    made.globals |= {
        "paths": paths,
        "words": words,
        "sign": SIGNS,
        "framework_names": FRAMEWORK_NAMES,
        "version": __version__,
    }
    return made


def render(name: str, folder: str, values: Mapping[str, Any]) -> bytes:
    """Return a page that lies in a folder of the site, as `models/bert/`."""
    root = paths.root(folder)
    return environment().get_template(name).render(root=root, **values).encode()


def _read(name: str) -> str:
    folder = resources.files("caniload.publish.site") / "templates"
    return (folder / name).read_text(encoding="utf-8")
