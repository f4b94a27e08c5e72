"""Take in an importer's JSON lines: validate each, compare, and write the catalogue's snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caniload.catalog.upstream import snapshots
from caniload.catalog.upstream.facts import KEYS, KINDS, Header
from caniload.catalog.upstream.snapshots import Changes, Head, Row, Snapshot
from caniload.errors import CatalogueError

SHOWN = 3
"""How many wrong lines an error names."""


@dataclass(frozen=True, slots=True)
class Report:
    """Say what an import found beside the snapshot that was there.

    `differs` is true where the snapshot is new, or its rows or version are not the former's; then
    it was written, unless only a check was asked for.
    """

    catalogue: str
    file: Path
    upstream: str
    version: str
    read: str
    rows: int
    former_version: str | None
    changes: Changes
    differs: bool
    written: bool


def take(
    lines: Iterable[str],
    catalogue: str,
    folder: Path,
    *,
    tag: str | None = None,
    check: bool = False,
) -> Report:
    """Validate an importer's lines and write them as the snapshot of a catalogue.

    Rows and version that the snapshot has already leave it untouched, its day included. `tag`
    stands in the file's name where a catalogue has several snapshots; `check` writes nothing.
    Raises `CatalogueError` for lines that are wrong.
    """
    snapshot = read_lines(lines, catalogue)
    path = folder / file_name(snapshot.head, tag)
    former = snapshots.read(path) if path.exists() else None
    changes = snapshots.compare(
        former.rows if former else (), snapshot.rows, KEYS[snapshot.head.kind]
    )
    same_head = former is not None and former.head == replace(snapshot.head, read=former.head.read)
    differs = bool(changes) or not same_head
    if differs and not check:
        snapshots.write(path, snapshot)
        snapshots.write_provenance(folder)
    head = snapshot.head if differs or former is None else former.head
    return Report(
        head.catalogue,
        path,
        head.upstream,
        head.version,
        head.read,
        len(snapshot.rows),
        former.head.version if former else None,
        changes,
        differs,
        differs and not check,
    )


def read_lines(lines: Iterable[str], catalogue: str) -> Snapshot:
    """Validate an importer's output; raise `CatalogueError` naming line and field."""
    problems: list[str] = []
    header: Header | None = None
    rows: list[Row] = []
    kinds: dict[str, int] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fact = _fact(line)
            if isinstance(fact, Header):
                if header is not None or rows:
                    raise _WrongError("kind: the header stands once, in the first line")
                header = fact
                if fact.catalogue != catalogue:
                    raise _WrongError(f"catalogue: {fact.catalogue!r} is not {catalogue!r}")
                continue
            if header is None:
                raise _WrongError("kind: the first line is no header")
            rows.append(_row(fact, header, kinds, seen, number))
        except _WrongError as error:
            problems.append(f"line {number}: {error}")
            if header is None:
                break
    if problems:
        more = len(problems) - SHOWN
        also = f"; {more} more lines are wrong" if more > 0 else ""
        raise CatalogueError(
            f"the facts of {catalogue} are not taken in: {'; '.join(problems[:SHOWN])}{also}",
            "`caniload catalog schema import` says what a line holds",
        )
    if header is None or not rows:
        what = "nothing" if header is None else "a header and no facts"
        raise CatalogueError(
            f"the importer of {catalogue} gave {what}",
            "nothing was written; run the importer by hand and see what it prints",
        )
    kind = next(iter(kinds))
    head = Head(kind, header.catalogue, header.upstream, header.version, header.read.isoformat())
    return Snapshot(head, snapshots.ordered(rows, KEYS[kind]))


def file_name(head: Head, tag: str | None = None) -> str:
    """Return the name of a catalogue's file; transformers has one for each major version."""
    if tag is None and head.catalogue == "transformers":
        tag = head.version.partition(".")[0]
    return f"{head.catalogue}{f'-{tag}' if tag else ''}.parquet"


class _WrongError(Exception):
    """Raised when one line cannot be taken in."""


def _row(
    fact: Any, header: Header, kinds: dict[str, int], seen: dict[tuple[Any, ...], int], number: int
) -> Row:
    """Return a fact as a row, having compared it with the lines before it."""
    kinds.setdefault(fact.kind, number)
    if len(kinds) > 1:
        first = next(iter(kinds))
        kinds.pop(fact.kind)
        raise _WrongError(f"kind: {fact.kind!r} stands among {first!r} lines")
    if fact.catalogue != header.catalogue:
        raise _WrongError(f"catalogue: {fact.catalogue!r} is not the header's")
    row: Row = fact.model_dump(mode="json", by_alias=True, exclude={"kind"})
    key = tuple(row[name] for name in KEYS[fact.kind])
    if key in seen:
        called = snapshots.name_of(row, KEYS[fact.kind])
        raise _WrongError(f"{KEYS[fact.kind][0]}: {called!r} stands in line {seen[key]} already")
    seen[key] = number
    return row


def _fact(line: str) -> Any:
    """Read one line into its record."""
    try:
        content = json.loads(line)
    except ValueError as error:
        raise _WrongError(f"no JSON, but {line.strip()[:60]!r}") from error
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind not in KINDS:
        raise _WrongError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    try:
        return KINDS[kind].model_validate(content)
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:2])
        raise _WrongError(", ".join(said)) from error
