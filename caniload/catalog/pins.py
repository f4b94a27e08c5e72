"""Write a hub's answer into an authored file: the revision, and the record of who gave it.

The file is edited where it changes and nowhere else, so that comments and layout stay; what
was written is read back and compared before it counts.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from caniload.catalog.authored import read_entry
from caniload.catalog.entries import ModelEntry, Pin, SourceEntry
from caniload.errors import CatalogueError, PermissionDeniedError, UnknownNameError
from caniload.handles import Handle

WRITER = "caniload catalog pin"
"""What `pin.by` says of a pin that this module wrote."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Hold what a hub answered: the handle with its revision, who answered, the file's sha256."""

    handle: Handle
    answered_by: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Pinned:
    """Say what was written: the handle before and after."""

    before: str
    after: str
    pin: Pin


def pin(
    path: Path,
    handle: str,
    resolve: Callable[[Handle], Resolution],
    *,
    now: datetime | None = None,
) -> Pinned:
    """Ask `resolve` for the revision of a source of an authored model file, and write it there.

    `handle` names the source as the file does, or without its revision. Raises
    `UnknownNameError` when the file has no such source, `CatalogueError` when the answer holds
    no revision or the file cannot be edited, `PermissionDeniedError` when it cannot be written;
    errors of `resolve` pass through. A file that could not be edited is left as it was.
    """
    entry = read_entry(path)
    if not isinstance(entry, ModelEntry):
        raise CatalogueError(f"{path.name} describes no model", "only a model's sources have pins")
    index, source = _source(entry, handle)
    asked = source.parsed
    answer = resolve(asked)
    if answer.handle.revision is None:
        raise CatalogueError(f"{answer.answered_by} gave no revision of {handle}")
    after = asked.at(answer.handle.revision)
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    record = Pin(by=WRITER, at=moment, sha256=answer.sha256, answered_by=answer.answered_by)
    wanted = source.model_copy(update={"handle": str(after), "pin": record})
    _write(path, _edit(path.read_text(encoding="utf-8"), index, str(after), record, path), wanted)
    return Pinned(source.handle, str(after), record)


def _source(entry: ModelEntry, handle: str) -> tuple[int, SourceEntry]:
    """Find the source that a handle names, by all of it or by its stable part."""
    for exact in (True, False):
        for index, source in enumerate(entry.sources):
            if handle == (source.handle if exact else source.parsed.source):
                return index, source
    known = tuple(source.parsed.source for source in entry.sources)
    raise UnknownNameError("source", handle, known[:3])


def _edit(text: str, index: int, handle: str, record: Pin, path: Path) -> str:
    """Replace the handle and the pin of one source in the text of its file."""
    node = _node(text, index)
    if node.flow_style:
        raise CatalogueError(
            f"{path.name}: the source {handle} is written in braces", "write one field a line"
        )
    fields = {key.value: (key, value) for key, value in node.value}
    indent = "\n" + " " * node.start_mark.column
    lines = [f"by: {record.by}", f"at: {record.at:%Y-%m-%dT%H:%M:%SZ}"]
    lines += [f"sha256: {record.sha256}"] if record.sha256 else []
    lines += [f"answered_by: {_scalar(record.answered_by)}"]
    block = "".join(f"{indent}  {line}" for line in lines)
    old = fields["handle"][1]
    edits = [(old.start_mark.index, old.end_mark.index, _scalar(handle))]
    if "pin" in fields:
        key, value = fields["pin"]
        start, end = key.start_mark.index, _end(value)
        head_end = _line_end(text, start)
        if head_end < value.start_mark.index:
            head = text[start:head_end].rstrip()
        else:
            tail_end = _line_end(text, end)
            head, end = "pin:" + text[end:tail_end].rstrip(), tail_end
        edits.append((start, end, head + block))
    else:
        line_end = _line_end(text, old.end_mark.index)
        edits.append((line_end, line_end, f"{indent}pin:{block}"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _line_end(text: str, index: int) -> int:
    """Return where the line that holds a place ends."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _end(node: yaml.Node) -> int:
    """Return where a node's own text ends; a block's end mark lies after comments that follow."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    return int(node.end_mark.index)


def _node(text: str, index: int) -> yaml.MappingNode:
    """Return the YAML node of the index-th source, with its place in the text."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode), "the file was read as an entry before"
    sources = next(value for key, value in root.value if key.value == "sources")
    node: yaml.MappingNode = sources.value[index]
    return node


def _scalar(text: str) -> str:
    """Write a text so that YAML reads it back: plain where that is safe, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z][\w:@/.+-]*( [\w:@/.+-]+)*", text) and ": " not in text
    return text if plain and yaml.safe_load(text) == text else json.dumps(text)


def _write(path: Path, text: str, wanted: SourceEntry) -> None:
    """Put the text in place of the file, if it reads back as what was wanted."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent.parent, prefix=".pin-") as room:
            draft = Path(room) / path.parent.name / path.name
            draft.parent.mkdir()
            draft.write_text(text, encoding="utf-8")
            entry = read_entry(draft)
            if not isinstance(entry, ModelEntry) or wanted not in entry.sources:
                raise CatalogueError(
                    f"{path.name} cannot be edited by itself",
                    f"write this pin yourself: {wanted.handle}",
                )
            draft.replace(path)
    except OSError as error:
        raise PermissionDeniedError(
            f"cannot write {path}: {error.strerror or error}",
            "point CANILOAD_DATA at a catalogue of your own",
        ) from error


def unpinned(entry: ModelEntry) -> tuple[str, ...]:
    """Name the sources of an entry that no hub has answered for."""
    return tuple(source.handle for source in entry.sources if not source.resolved)
