"""Plain aligned tables, the same on a terminal, in a pipe and in a log."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    width: int | None = None,
    *,
    as_given: bool = False,
) -> str:
    """Return rows under their heads, columns aligned; empty cells read "-".

    Heads are written in capitals, or as given where they are somebody's column names.

    With a `width`, the widest column is cut, by an ellipsis, until a line fits; nothing is cut
    below eight characters. Without rows the heads stand alone.
    """
    heads = list(head) if as_given else [each.upper().replace("_", " ") for each in head]
    cells = [[_cell(value) for value in row] for row in rows]
    sizes = [max([len(title), *(len(row[at]) for row in cells)]) for at, title in enumerate(heads)]
    if width is not None:
        sizes = _fit(sizes, width)
    lines = [_line(heads, sizes)]
    lines += [_line(row, sizes) for row in cells]
    return "\n".join(lines)


def _cell(value: object) -> str:
    """Write one value on one line."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return " ".join(str(value).split())


def _fit(sizes: list[int], width: int) -> list[int]:
    """Shrink the widest columns until the line fits."""
    sizes = list(sizes)
    room = width - len(GAP) * (len(sizes) - 1)
    while sum(sizes) > room and max(sizes) > 8:
        sizes[sizes.index(max(sizes))] -= 1
    return sizes


def _line(row: Sequence[str], sizes: Sequence[int]) -> str:
    """Write one row, each cell cut to its column."""
    cut = [c if len(c) <= s else c[: s - 1] + "…" for c, s in zip(row, sizes, strict=True)]
    return GAP.join(c.ljust(s) for c, s in zip(cut, sizes, strict=True)).rstrip()
