"""`caniload cache`: the files that were fetched and are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from caniload.cli.app import examples, group
from caniload.cli.dates import day, size
from caniload.cli.options import Format
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.errors import BadInputError
from caniload.settings import Settings

app = group(
    "List and remove fetched files. Evidence does not lie here and is never removed with them.",
    "caniload cache list",
    "caniload cache rm --unused-days 30",
)


@app.command("list", epilog=examples("caniload cache list", "caniload cache list --format json"))
def list_(form: Format = "human") -> int:
    """List fetched artefacts, the longest unused first."""
    from caniload.loaders.fetch.cache import list_artefacts

    stored = list_artefacts(Settings.read())
    data = [
        {
            "handle": str(entry.handle),
            "format": entry.format,
            "size_bytes": entry.size_bytes,
            "files": len(entry.files),
            "used_at": entry.used_at,
        }
        for entry in stored
    ]

    def human() -> str:
        if not stored:
            return "the cache is empty"
        rows = [(e.handle, size(e.size_bytes), len(e.files), day(e.used_at)) for e in stored]
        total = sum(entry.size_bytes for entry in stored)
        count = f"{len(stored)} artefact{'s' if len(stored) != 1 else ''}"
        head = ("artefact", "size", "files", "last_used")
        return f"{table(head, rows, width())}\n{count}, {size(total)}"

    Out(form).show("cache list", data, human, lambda: [str(e.handle) for e in stored])
    return 0


@app.command(
    "rm",
    epilog=examples(
        "caniload cache rm hf:sentence-transformers/all-MiniLM-L6-v2",
        "caniload cache rm --unused-days 30",
        "caniload cache rm --all",
    ),
)
def remove(
    handles: Annotated[
        list[str] | None, typer.Argument(help="Sources, revisions or artefacts to remove.")
    ] = None,
    unused_days: Annotated[
        int | None, typer.Option(min=0, help="Remove what was not used for so many days.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Remove all, unfinished fetches too.")
    ] = False,
    form: Format = "human",
) -> int:
    """Remove fetched files; they are fetched again when a run needs them."""
    from caniload.handles import parse
    from caniload.loaders.fetch.cache import remove as remove_artefacts

    if bool(handles) + (unused_days is not None) + everything != 1:
        raise BadInputError(
            "say what to remove in one way",
            "name handles as `caniload cache list` shows them, or give --unused-days or --all",
        )
    settings = Settings.read()
    wanted = [parse(text) for text in handles or ()]
    age = None if unused_days is None else timedelta(days=unused_days)
    if wanted:
        gone = [entry for handle in wanted for entry in remove_artefacts(settings, handle)]
    else:
        gone = list(remove_artefacts(settings, unused_for=age))
    data = [{"handle": str(e.handle), "freed_bytes": e.size_bytes} for e in gone]
    lines = [f"removed {e.handle}, {size(e.size_bytes)} freed" for e in gone]
    text = "\n".join(lines) or "nothing to remove"
    Out(form).show("cache rm", data, lambda: text, lambda: [str(e.handle) for e in gone])
    return 0
