"""`caniload docs`: evidence in other people's pages; here, tables inside Markdown files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli import docs_embed
from caniload.cli.app import examples, group
from caniload.cli.light import LightCommand
from caniload.cli.options import Format, Today, day
from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.publish.documents import Document

app = group(
    "Put evidence into pages: tables inside Markdown files, and what the Sphinx extension, the "
    "MkDocs plugin, badges and the web component need. In Markdown a table stands between the "
    "lines <!-- caniload:begin matrix model=NAME --> and <!-- caniload:end -->; framework=, "
    "loader=, device= and from=me|ci|all narrow it, claims=yes adds what nobody measured.",
    "caniload docs update README.md",
    "caniload docs check README.md docs/*.md",
    "caniload docs check README.md --max-age 90",
    "caniload docs export docs/answers.json",
    "caniload docs badge bert --framework pytorch --to bert.svg",
)
app.command("export", cls=LightCommand, epilog=examples(*docs_embed.EXPORT))(docs_embed.export)
app.command("badge", cls=LightCommand, epilog=examples(*docs_embed.BADGE))(docs_embed.badge)
app.command("fragment", cls=LightCommand, epilog=examples(*docs_embed.FRAGMENT))(
    docs_embed.fragment
)
app.command("assets", cls=LightCommand, epilog=examples(*docs_embed.ASSETS))(docs_embed.assets)
DRIFT = 1

Files = Annotated[list[str], typer.Argument(help="Markdown files.")]


@app.command(
    "update", cls=LightCommand, epilog=examples("caniload docs update README.md docs/*.md")
)
def update(files: Files, form: Format = "human") -> int:
    """Rewrite the tables from recorded evidence, with absolute dates and run ids.

    Each file is replaced whole or not at all; a malformed marker in one leaves all as they were.
    """
    from caniload.publish.documents import write

    out = Out(form)
    documents = _read(files, out)
    changed = [document.path for document in documents if write(document)]
    facts = [
        {"file": d.path, "tables": len(d.places), "changed": d.path in changed} for d in documents
    ]
    lines = [
        f"{fact['file']}: {_count(fact['tables'])}, {'written' if fact['changed'] else 'no change'}"
        for fact in facts
    ]
    out.show("docs update", facts, lambda: "\n".join(lines), lambda: [str(p) for p in changed])
    return 0


@app.command(
    "check",
    cls=LightCommand,
    epilog=examples(
        "caniload docs check README.md",
        "caniload docs check README.md --max-age 90",
        "caniload docs check README.md --max-age 90 --today 2027-01-31",
    ),
)
def check(
    files: Files,
    max_age: Annotated[
        int | None,
        typer.Option(
            "--max-age", metavar="DAYS", help="Fail too if a row is older than so many days."
        ),
    ] = None,
    today: Today = None,
    form: Format = "human",
) -> int:
    """Exit 1 if a table is not what the evidence gives, or, with --max-age, is too old."""
    if max_age is not None and max_age < 0:
        raise BadInputError(f"--max-age {max_age} is no number of days", "write --max-age 90")
    out = Out(form)
    now = day(today)
    facts: list[dict[str, Any]] = []
    tables = 0
    for document in _read(files, out):
        tables += len(document.places)
        for place in document.drifted:
            says = "the table is not what the evidence gives; run caniload docs update"
            facts.append(_finding(document, place.begin + 1, "drift", says))
        if max_age is not None:
            for place, row in document.stale(now, max_age):
                says = "nothing in the table was measured"
                if row is not None:
                    days = (now - row.day).days if row.day else 0
                    says = f"{row.loader}, {row.framework} was measured {days} days ago"
                facts.append(_finding(document, place.begin + 1, "stale", says))

    def human() -> str:
        lines = [f"{fact['file']}:{fact['line']}: {fact['says']}" for fact in facts]
        return "\n".join(lines) or f"{_count(tables)} as the evidence gives"

    out.show("docs check", facts, human, lambda: [f"{f['file']}:{f['line']}" for f in facts])
    return DRIFT if facts else 0


def _read(files: list[str], out: Out) -> list[Document]:
    """Read all files before any is written; a file without a table is named."""
    from caniload.catalog.store import open_store
    from caniload.publish.documents import read
    from caniload.publish.evidence import source

    with open_store(Settings.read()) as store:
        documents = [read(Path(file), source(store)) for file in files]
    for document in documents:
        if not document.places and len(documents) > 1:
            out.talk(f"{document.path}: no table")
    if not any(document.places for document in documents):
        names = ", ".join(files)
        raise BadInputError(
            f"no table of caniload's is in {names}",
            "write <!-- caniload:begin matrix model=NAME --> and <!-- caniload:end -->",
        )
    return documents


def _finding(document: Document, line: int, kind: str, says: str) -> dict[str, Any]:
    """One thing that `check` found."""
    return {"file": document.path, "line": line, "kind": kind, "says": says}


def _count(tables: object) -> str:
    """How many tables, in words that read well."""
    return "1 table" if tables == 1 else f"{tables} tables"
