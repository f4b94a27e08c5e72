"""`caniload show`: one entry with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli.dates import size
from caniload.cli.options import Format, From
from caniload.cli.out import Out, plain, width
from caniload.cli.tables import table
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer, EntryAnswer, ModelAnswer

EXAMPLES = (
    "caniload show minilm",
    "caniload show dataset imdb_reviews",
    "caniload show tool torchserve",
    "caniload show litert --format json",
    "caniload show hf:google-bert/bert-base-uncased --online",
)


def command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] NAME", help="A model, source, dataset or tool; its kind may be said."
        ),
    ],
    whose: From = "all",
    online: Annotated[
        bool, typer.Option("--online", help="Ask the hubs of its sources too, downloading nothing.")
    ] = False,
    form: Format = "human",
) -> int:
    """Show one model with its sources, claims and results; or one dataset or tool."""
    from caniload.catalog import questions
    from caniload.catalog.store import open_store
    from caniload.cli.shelf import as_source, one_name
    from caniload.errors import UnknownNameError
    from caniload.publish import shown

    found: ModelAnswer | EntryAnswer | None
    settings = Settings.read()
    stated: Sequence[Any] = ()
    with open_store(settings) as store:
        name = one_name(store, names)
        try:
            found = questions.show(store, name, whom=whose)
        except UnknownNameError:
            if not online:
                if (code := as_source(store, name, Out(form))) is not None:
                    return code
                raise
            if not _is_handle(name):
                raise
            found = None
        if found is not None:
            stated = shown.stated(store, found)
    if online:
        return _online(name, found, settings, Out(form))
    assert found is not None
    Out(form).show(
        f"show {_kind(found)}",
        shown.whole(found, stated),
        lambda: _human(found, stated),
        lambda: [found.id],
    )
    return 0


def _kind(found: ModelAnswer | EntryAnswer) -> str:
    """What the JSON document calls the entry."""
    from caniload.catalog.answers import ModelAnswer

    return "model" if isinstance(found, ModelAnswer) else found.kind.removesuffix("s")


def _human(found: ModelAnswer | EntryAnswer, stated: Sequence[Any] = ()) -> str:
    from caniload.catalog.answers import ModelAnswer

    return _model(found, stated) if isinstance(found, ModelAnswer) else _entry(found, stated)


def _is_handle(name: str) -> bool:
    from caniload.cli.online import is_handle

    return is_handle(name)


def _online(
    name: str, found: ModelAnswer | EntryAnswer | None, settings: Settings, out: Out
) -> int:
    """Show what is recorded, if anything, and what the hubs say now; 3 if one says no."""
    from caniload.catalog.answers import ModelAnswer
    from caniload.cli import online

    if online.is_handle(name):
        handles = [name]
    elif isinstance(found, ModelAnswer):
        handles = [source.handle for source in found.sources]
    else:
        handles = []
    told = online.ask(handles, settings)
    kind = "source" if found is None else _kind(found)
    data = {} if found is None else plain(found)
    parts = [] if found is None else [_human(found)]
    out.show(
        f"show {kind}",
        {**data, "online": told},
        lambda: "\n\n".join([*parts, online.human(told)]),
        lambda: [each.handle for each in told],
    )
    return 3 if any(each.refusal is not None for each in told) else 0


def _model(model: ModelAnswer, stated: Sequence[Any] = ()) -> str:
    """A model: facts, sources by hub, results, and what is only claimed."""
    from caniload.cli import shelf

    entry: dict[str, Any] = dict(model.entry)
    paper = entry.get("paper") or {}
    facts = [
        ("id", model.id),
        ("also called", ", ".join(model.aliases)),
        ("family", model.family),
        ("tasks", ", ".join(model.tasks)),
        ("licence", model.licence),
        ("paper", " ".join(str(paper[key]) for key in ("title", "url") if paper.get(key))),
        ("runs on", ", ".join(model.uses)),
    ]
    parts = [f"{model.name}\n  {model.about}", _facts(facts)]
    if model.sources:
        rows = [
            (s.handle, "resolved" if s.resolved else "unresolved", s.formats, s.licence)
            for s in model.sources
        ]
        parts.append(
            f"sources\n{table(('handle', 'revision', 'formats', 'licence'), rows, width())}"
        )
    parts.append(shelf.under(stated, {source.source for source in model.sources}))
    parts.append(_results(model))
    parts.append(_notes(entry))
    return "\n\n".join(part for part in parts if part)


def _results(model: ModelAnswer) -> str:
    """What was measured, and apart from it what metadata claims."""
    from caniload.cli import shelf
    from caniload.publish import wording
    from caniload.words import Verdict

    measured = [cell for cell in model.cells if cell.verdict is not Verdict.CLAIMED]
    claimed = [cell for cell in model.cells if cell.verdict is Verdict.CLAIMED]
    parts = []
    if measured:
        rows = [
            (
                wording.loader(cell),
                wording.framework(cell),
                cell.device,
                wording.result(cell),
                cell.age,
                cell.observation_id,
            )
            for cell in measured
        ]
        head = ("loader", "framework", "device", "result", "measured", "observation")
        parts.append(f"results\n{table(head, rows, width())}")
    else:
        parts.append(f"results\n  nothing was measured; caniload run {model.id} would")
    if claimed:
        groups: dict[tuple[str, str], list[CellAnswer]] = {}
        for cell in claimed:
            groups.setdefault((cell.loader, cell.framework), []).append(cell)
        lines = ["claimed by metadata, measured by nobody"]
        for cells in groups.values():
            of = f" ({len(cells)} sources)" if len(cells) > 1 else ""
            first = cells[0]
            line = f"  {first.loader}, {wording.framework(first)}{of}: {wording.reason(first)}"
            lines.append(shelf.cut(line))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _entry(found: EntryAnswer, stated: Sequence[Any] = ()) -> str:
    """A dataset or a tool: every field of its file that says something."""
    from caniload.cli import shelf

    entry: dict[str, Any] = dict(found.entry)
    if entry.get("size_bytes") is not None:
        entry["size"] = size(entry["size_bytes"])
    if entry.get("splits"):
        entry["splits"] = ", ".join(f"{name} {rows}" for name, rows in entry["splits"].items())
    names = (
        *("id", "aliases", "purpose", "frameworks", "languages", "vendor"),
        *("tasks", "modality", "licence", "size", "splits"),
    )
    facts = [(name.replace("_", " "), _words(entry.get(name))) for name in names]
    parts = [f"{found.name}\n  {found.about}", shelf.alive(entry), _facts(facts), _moves(entry)]
    parts.append(shelf.ways(entry.get("access") or (), stated))
    sums: Sequence[Mapping[str, Any]] = entry.get("checksums") or ()
    if sums:
        lines = [f"  {each['url']}\n    {each['algorithm']}:{each['value']}" for each in sums]
        parts.append("\n".join(["checksums", *lines]))
    parts.append(_notes(entry))
    return "\n\n".join(part for part in parts if part)


def _moves(entry: Mapping[str, Any]) -> str:
    """What a tool's users say they move to, and where they say it."""
    lines = [
        f"  {each['to']:<24} {each['says']} ({each['page']}, read {each['read']})"
        for each in entry.get("moved_to") or ()
    ]
    return "\n".join(["people move to", *lines]) if lines else ""


def _notes(entry: Mapping[str, Any]) -> str:
    """Known exceptions, and where the facts were read."""
    lines = []
    for each in entry.get("exceptions") or ():
        lines.append(
            f"  exception: {each['reason']} ({each['issue']}, look again {each['review']})"
        )
    for each in (*(entry.get("cites") or ()), *(entry.get("code") or ())):
        where = each.get("page") or "no page"
        day = f", read {each['read']}" if each.get("read") else ""
        lines.append(f"  {each['says']} ({where}{day})")
    return "\n".join(["read in", *lines]) if lines else ""


def _facts(rows: Sequence[tuple[str, object]]) -> str:
    """Names and values, the empty ones left out."""
    return "\n".join(f"  {name:<14} {value}" for name, value in rows if value)


def _words(value: object) -> str:
    """A value on one line."""
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)
