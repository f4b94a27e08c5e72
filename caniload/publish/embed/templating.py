"""The templates of embeds, with everything in them escaped."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


@cache
def template(name: str) -> jinja2.Template:
    """Return a template of this package; every text that it is given is escaped."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_read),
    ).get_template(name)


def _read(name: str) -> str:
    folder = resources.files("caniload.publish.embed") / "templates"
    return (folder / name).read_text(encoding="utf-8")
