"""What catalogues state, on the screen: of a model, of a dataset, of one source; and of a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caniload.cli.dates import size
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.errors import BadInputError

if TYPE_CHECKING:
    from caniload.catalog.shelves import Imported, Reached
    from caniload.catalog.store import Store

_KINDS = ("model", "source", "dataset", "tool")
_EACH = 6
"""How many sources of one hub are shown; `--format json` has all."""


def one_name(store: Store, said: Sequence[str]) -> str:
    """Return the name that was meant; a kind before it narrows where it is looked for.

    Raises `UnknownNameError`, `BadInputError` for more than a kind and a name.
    """
    from caniload.catalog.names import resolve_name

    if len(said) == 1:
        return said[0]
    kind, *names = said
    if kind not in _KINDS or len(names) != 1:
        raise BadInputError(
            f"{' '.join(said)!r} is more than one name", "write `caniload show [KIND] NAME`"
        )
    if kind == "source" or ":" in names[0]:
        return names[0]
    return resolve_name(store, names[0], kind)


def as_source(store: Store, name: str, out: Out) -> int | None:
    """Show an imported source or dataset by its handle; None if there is none of that name."""
    from caniload.catalog import shelves

    sources = shelves.of_source(store, name) if ":" in name else ()
    reached = shelves.of_dataset(store, name) if ":" in name and not sources else ()
    if reached:
        out.show(
            "show dataset",
            {"kind": "datasets", "id": name, "name": reached[0].name, "imported": reached},
            lambda: f"{name}\n  It has no entry in the catalogue.\n\n{ways((), reached)}",
            lambda: [name],
        )
        return 0
    if not sources:
        return None
    out.show(
        "show source",
        {"id": name, "imported": sources},
        lambda: "\n\n".join(map(_source, sources)),
        lambda: [each.handle for each in sources],
    )
    return 0


def under(stated: Sequence[Imported], own: set[str]) -> str:
    """The imported sources of a model by hub, those left out that its entry lists already."""
    hubs: dict[str, dict[str, list[Imported]]] = {}
    for each in stated:
        source = each.handle.partition("@")[0].partition("#")[0]
        if source not in own:
            hubs.setdefault(each.hub, {}).setdefault(source, []).append(each)
    parts = []
    for hub, mine in hubs.items():
        rows = [
            (
                source,
                len(states),
                f"{each.parameters / 1e6:.3g}M" if each.parameters is not None else None,
                size(each.size_bytes) if each.size_bytes is not None else None,
                each.frameworks,
                each.licence,
            )
            for source, states in list(mine.items())[:_EACH]
            for each in states[-1:]
        ]
        head = ("source", "rows", "params", "size", "claimed for", "licence")
        more = len(mine) - len(rows)
        told = _read_in(next(iter(mine.values()))[0])
        lines = [f"{hub}: {len(mine)} more, as {told} has them"]
        lines.append(table(head, rows, width()))
        if more:
            lines.append(f"… and {more} more (--format json has all)")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def ways(access: Sequence[Mapping[str, Any]], stated: Sequence[Reached]) -> str:
    """How each framework reaches a dataset, with the code to write."""
    lines = []
    for each in access:
        version = f" {each['version']}" if each.get("version") else ""
        lines += [f"  {each['framework']}: {each['library']}{version}", f"    {each['call']}"]
    known = {str(each["call"]) for each in access}
    for row in stated:
        if row.call is None or row.call in known:
            continue
        names = ", ".join(row.frameworks) or "any"
        told = [f"{row.configs} configurations" if row.configs > 1 else ""]
        told += [size(row.size_bytes) if row.size_bytes else ""]
        more = ", ".join(text for text in told if text)
        lines.append(f"  {names}: {row.library or row.catalogue} {row.version or ''}".rstrip())
        lines.append(f"    {row.call}" + (f"  ({more})" if more else ""))
    return "\n".join(["how to reach it", *lines]) if lines else ""


def alive(entry: Mapping[str, Any]) -> str:
    """In one line whether a tool is alive, since when it is not, and what people move to."""
    state = entry.get("status")
    if state is None:
        return ""
    since = f" since {entry['status_since']}" if entry.get("status_since") else ""
    read = f", as read on {entry['status_read']}" if entry.get("status_read") else ""
    line = f"  {state}{since}{read}"
    if entry.get("evidence"):
        line += f"\n    {entry['evidence']}"
    if entry.get("successor"):
        line += f"\n    its owner names {', '.join(map(str, entry['successor']))} in its place"
    elif state in ("archived", "superseded"):
        line += "\n    its owner names none in its place"
    return line


def _read_in(each: Imported) -> str:
    """Name the catalogue with its version and the day it was read."""
    version = (each.version or "")[:12]
    read = f", read {each.read}" if each.read else ""
    return f"{each.catalogue} {version}{read}".replace(" ,", ",")


def _source(each: Imported) -> str:
    """Everything that one catalogue states of one source."""
    numbers = [f"{name} {value}" for name, value in (*each.metrics.items(), *each.facts.items())]
    facts = (
        ("name", each.name),
        ("model", f"{each.model} (by {each.rule})" if each.model else "none"),
        ("architecture", each.architecture),
        ("made of", each.parent),
        ("tasks", ", ".join(each.tasks)),
        ("claimed for", ", ".join(each.frameworks)),
        ("loaders", ", ".join(each.loaders)),
        ("formats", ", ".join(each.formats)),
        ("languages", ", ".join(each.languages)),
        ("parameters", f"{each.parameters:,}" if each.parameters is not None else None),
        ("size", size(each.size_bytes) if each.size_bytes is not None else None),
        ("sha256", each.sha256),
        ("hash", each.hash),
        ("licence", each.licence),
        ("published", each.published),
        ("address", each.url),
        ("also", ", ".join(numbers)),
        ("read in", _read_in(each)),
    )
    lines = [f"  {name:<14} {value}" for name, value in facts if value]
    return "\n".join([each.handle, *lines, "  nobody measured it here: what is stated is claimed"])


def cut(line: str) -> str:
    """Cut a line to the terminal; nothing is cut where nobody looks."""
    room = width()
    return line if room is None or len(line) <= room else line[: room - 1] + "…"
