"""`caniload search`: find an entry by words."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.settings import Settings

EXAMPLES = (
    "caniload search bert",
    "caniload search mobile deployment --kind tool",
    "caniload search sentence-similarity --format json",
)
NOTHING = 1


def command(
    words: Annotated[list[str], typer.Argument(help="Words that must all match.")],
    kind: Annotated[
        Literal["model", "dataset", "tool"] | None,
        typer.Option("--kind", "-k", help="Look for one kind of entry only."),
    ] = None,
    form: Format = "human",
) -> int:
    """Find models, datasets and tools by name, alias, handle, family, task or description.

    Exits 1 if nothing matches.
    """
    from caniload.catalog import search
    from caniload.catalog.store import open_store

    kinds = search.KINDS if kind is None else (kind,)
    with open_store(Settings.read()) as store:
        hits = search.search(store, " ".join(words), kinds)

    def human() -> str:
        if not hits:
            return f"nothing matches {' '.join(words)!r}"
        head = ("kind", "id", "name", "matched", "about")
        rows = [(hit.kind, hit.id, hit.name, hit.matched, hit.about) for hit in hits]
        return table(head, rows, width())

    Out(form).show("search", hits, human, lambda: [hit.id for hit in hits])
    return 0 if hits else NOTHING
