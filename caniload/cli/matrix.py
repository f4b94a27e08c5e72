"""The cells of a run, or of a model, as a table; and below it why what failed did."""

from __future__ import annotations

from collections.abc import Sequence

from caniload.catalog.answers import CellAnswer
from caniload.cli.dates import seconds
from caniload.cli.out import paint, width
from caniload.cli.tables import table
from caniload.publish import wording
from caniload.words import Verdict

COLOURS = {
    Verdict.WORKS: "green",
    Verdict.DIFFERS: "yellow",
    Verdict.FLAKY: "yellow",
    Verdict.FAILS: "red",
    Verdict.BLOCKED: "magenta",
}
HEAD = ("loader", "framework", "environment", "device", "result", "number", "time", "run")


def matrix(cells: Sequence[CellAnswer]) -> str:
    """Return one row a cell: who loaded it, where, the verdict, its number, how long, which run.

    Where cells are of several artefacts, what was loaded stands first.
    """
    several = len({wording.artefact(cell) for cell in cells}) > 1
    head = ("what", *HEAD) if several else HEAD
    rows = [
        (
            *((wording.artefact(cell),) if several else ()),
            wording.loader(cell),
            wording.framework(cell),
            cell.environment,
            cell.device,
            verdict(cell),
            _number(cell),
            seconds(cell.wall_seconds),
            cell.run_id,
        )
        for cell in cells
    ]
    text = table(head, rows, width())
    lines = text.splitlines()
    for at, cell in enumerate(cells, 1):
        word = str(cell.verdict)
        lines[at] = lines[at].replace(f"  {word}", f"  {coloured(cell.verdict)}", 1)
    return "\n".join(lines)


def verdict(cell: CellAnswer) -> str:
    """The verdict in a word, with the kind of a block; of an export, that it was made."""
    if cell.verdict is Verdict.WORKS and cell.kind == "export":
        return "exported"
    if cell.verdict is Verdict.BLOCKED and cell.fault:
        return f"{cell.verdict} ({cell.fault})"
    return str(cell.verdict)


def coloured(word: Verdict) -> str:
    """A verdict in its colour, on a terminal."""
    return paint(str(word), COLOURS[word]) if word in COLOURS else str(word)


def reasons(cells: Sequence[CellAnswer]) -> str:
    """Return a block for each cell that is not a plain yes: why, whose fault, what to do."""
    blocks = []
    for cell in cells:
        if cell.verdict is Verdict.WORKS:
            continue
        lines = [f"{cell.loader}, {wording.framework(cell, version=False)}: {wording.result(cell)}"]
        if cell.diagnosis is not None:
            lines += [f"  cause  {cell.diagnosis.cause}", f"  fix    {cell.diagnosis.fix}"]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _number(cell: CellAnswer) -> str:
    """The distance from the reference, or what stands for it."""
    if cell.relative_rms is not None and not cell.is_reference:
        return wording.number(cell.relative_rms)
    return wording.distance(cell)
