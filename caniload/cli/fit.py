"""`caniload fit`: whether a model fits into memory, and by which evidence."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out, paint, width
from caniload.cli.tables import table
from caniload.settings import Settings
from caniload.words import FRAMEWORK_NAMES

if TYPE_CHECKING:
    from caniload.catalog.fitting import Fit, SourceFit

EXAMPLES = (
    "caniload fit minilm --memory 512MB",
    "caniload fit bert --memory 16GB --dtype float16",
    "caniload fit bert --memory 8GiB --device cuda --format json",
)
CODES = {"fits": 0, "weights fit": 3, "unknown": 3, "too large": 1}
_COLOURS = {"fits": "green", "weights fit": "yellow", "unknown": "yellow", "too large": "red"}
_SHOWN = 12
_NOTES = {
    "cpu": "A measured peak is the most that the whole process held, its framework and page cache "
    "included, for the small inputs of the recipe.",
    "cuda": "A measured peak is the most that PyTorch held on the device, for the small inputs of "
    "the recipe.",
}


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model by name, or a handle.")],
    memory: Annotated[str, typer.Option("--memory", help="What there is, as 16GB or 512MiB.")],
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", help="float32, bfloat16, float16, float8, int8 or int4."),
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", help="cpu, cuda or mps.")] = "cpu",
    form: Format = "human",
) -> int:
    """Say whether a model fits into memory, by measured peaks, else by its parameters.

    Exits 0 if it was measured to fit, 1 if the weights alone take more, 3 if only the weights
    are known to fit or nothing is known. It is about loading and running, not about training.
    """
    from caniload import units
    from caniload.catalog.fitting import fit
    from caniload.catalog.store import open_store

    size = units.size_bytes(memory)
    with open_store(Settings.read()) as store:
        found = fit(store, model, size, dtype=dtype, device=device)
    Out(form).show("fit", found, lambda: human(found), lambda: [found.answer])
    return CODES[found.answer]


def human(found: Fit) -> str:
    """Return the answer first, then what it rests on, then every source."""
    from caniload.cli.dates import size

    word = paint(found.answer, _COLOURS[found.answer])
    where = f"{found.name} in {size(found.memory_bytes)} on {found.device}"
    if found.best is None:
        return f"{word}: {where}: no source of it is known"
    parts = [f"{word}: {where}\n{_basis(found, found.best)}"]
    if len(found.sources) > 1:
        parts.append(_sources(found))
    note = _NOTES.get(found.device.partition(":")[0], "")
    note += f" Weights are parameters times the width of {found.dtype}, and the least that loading "
    note += "takes. Neither speaks of larger inputs or of training."
    parts.append(textwrap.fill(note.strip(), min(width() or 80, 100)))
    return "\n\n".join(parts)


def _basis(found: Fit, one: SourceFit) -> str:
    """Say what the answer rests on, with its evidence."""
    from caniload.cli.dates import day, size

    lines = [
        textwrap.fill(
            f"  by        {one.basis or 'nothing'}: {one.says}",
            min(width() or 80, 100),
            subsequent_indent=" " * 12,
        ),
        f"  source    {one.source}",
    ]
    if one.count is not None and one.weights_bytes is not None:
        at = one.count.evidence
        what = f"{one.count.parameters:,} parameters, {size(one.weights_bytes)} as {found.dtype}"
        told = f"counted in {at.id}" if at.kind == "observation" else f"{at.page}, read {at.day}"
        lines += [f"  weights   {what}", f"            {told}"]
    if one.peak is not None:
        held = one.peak
        name = FRAMEWORK_NAMES.get(held.framework, held.framework)
        how = f"{held.loader} in {name}, {held.device}"
        how += f", {held.dtype}" if held.dtype else ""
        how += ", random weights" if held.weights == "random" else ""
        lines.append(f"  peak      {size(held.bytes)}, {how}")
        lines.append(f"            {held.observation_id}, measured {day(held.measured_at)}")
    return "\n".join(lines)


def _sources(found: Fit) -> str:
    """Return a row for each source of which something is known, and how many others there are."""
    from caniload.cli.dates import size

    known = [one for one in found.sources if one.count is not None or one.peak is not None]
    rows = [
        (
            one.answer,
            f"{one.count.parameters:,}" if one.count else "-",
            size(one.weights_bytes),
            size(one.peak.bytes) if one.peak else "-",
            one.source,
        )
        for one in known[:_SHOWN]
    ]
    head = ("answer", "parameters", found.dtype, "peak", "source")
    columns = width()
    if columns is not None:
        beside = table(head, [(*row[:4], "") for row in rows]).splitlines()[0]
        room = max(columns - beside.index("SOURCE"), 20)
        rows = [(*row[:4], _tail(row[4], room)) for row in rows]
    lines = [table(head, rows)] if rows else []
    if len(known) > _SHOWN:
        lines.append(f"and {len(known) - _SHOWN} more; --format json has them")
    if unknown := len(found.sources) - len(known):
        more = "1 more source" if unknown == 1 else f"{unknown} more sources"
        lines.append(f"of {more} neither parameters nor peaks are known")
    return "\n".join(lines)


def _tail(text: str, room: int) -> str:
    """Cut a handle at its beginning: its end is what tells it from others."""
    return text if len(text) <= room else f"…{text[1 - room :]}"
