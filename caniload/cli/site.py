"""`caniload site`: a static site of everything that is known, for any host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caniload.cli.app import examples, group
from caniload.cli.light import LightCommand
from caniload.cli.options import Format, From
from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings

app = group(
    "Build a static site of everything that is known: a page for every model, source, dataset, "
    "tool, environment and run, with search, downloads and the files that embeds read.",
    "caniload site build public",
    "caniload site build public --address https://example.org/models/",
)
BUILD = (
    "caniload site build public",
    "caniload site build public --from ci",
    "caniload serve --site public",
)


@app.command("build", cls=LightCommand, epilog=examples(*BUILD))
def build(
    folder: Annotated[
        Path, typer.Argument(help="Where to write: a new folder, or one of an earlier build.")
    ],
    whose: From = "all",
    address: Annotated[
        str,
        typer.Option("--address", metavar="URL", help="Where it will lie; adds a sitemap.xml."),
    ] = "",
    form: Format = "human",
) -> int:
    """Write the site; what an earlier build wrote and is gone is removed, nothing else is.

    The same evidence gives the same bytes, so that only what changed is written again. Links are
    relative: any host serves it, below any path.
    """
    from dataclasses import asdict
    from functools import partial

    from caniload.catalog.store import open_store
    from caniload.cli.ways import way
    from caniload.publish.site.build import build as write

    if address and not address.startswith(("http://", "https://")):
        raise BadInputError(f"{address} is no address", "write https://…")
    out = Out(form)
    with open_store(Settings.read()) as store:
        made = write(store, partial(way, local=False), folder, whose, address, out.talk)
    text = (
        f"{folder}: {made.pages:,} pages, {made.files:,} files, {made.size_bytes / 1e6:.1f} MB; "
        f"{made.written:,} written, {made.removed:,} removed"
    )
    index = str(folder / "index.html")
    out.show("site build", {"folder": str(folder)} | asdict(made), lambda: text, lambda: [index])
    return 0
