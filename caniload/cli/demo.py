"""`caniload demo`: one real model in every framework that is said to support it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer

EXAMPLES = ("caniload demo",)

MODEL = "all-minilm-l6-v2"

ENVIRONMENTS = ("pytorch", "tensorflow", "keras-torch", "keras-jax", "onnxruntime")
"""What the demo runs in: each framework as it is installed today; `run` has the older ones."""


@dataclass(frozen=True, slots=True)
class Expected:
    """State what was measured of a cell before, so that the demo can say if it was seen again.

    `between` bounds the relative RMS from the reference; `diagnosis` is a failure's code.
    """

    loader: str
    framework: str
    verdict: str
    between: tuple[float, float] | None = None
    diagnosis: str | None = None

    def seen(self, cell: CellAnswer) -> bool:
        """Tell whether a cell of this run shows it."""
        if cell.verdict != self.verdict:
            return False
        if self.between is not None:
            low, high = self.between
            if cell.relative_rms is None or not low <= cell.relative_rms <= high:
                return False
        code = cell.diagnosis.code if cell.diagnosis else None
        return self.diagnosis is None or self.diagnosis == code


KERAS_HUB = (5e-4, 5e-3)
"""KerasHub fixes the approximate gelu where the checkpoint's configuration says gelu."""

EXPECTED = (
    Expected("transformers", "pytorch", "works"),
    Expected("sentence-transformers", "pytorch", "works"),
    Expected("keras-hub", "tensorflow", "differs", KERAS_HUB),
    Expected("keras-hub", "pytorch", "differs", KERAS_HUB),
    Expected("keras-hub", "jax", "differs", KERAS_HUB),
    Expected("transformers", "tensorflow", "fails", diagnosis="hf.tf-class-removed"),
    Expected("onnx", "onnxruntime", "works"),
)


def command(form: Format = "human") -> int:
    """Fetch, load and run all-MiniLM-L6-v2 in every framework, and compare what came out.

    Exits 0 when each row came out as it was measured before, else 1.
    """
    from caniload.cli import run
    from caniload.runs.plan import Wish
    from caniload.runs.workflow import Request

    out = Out(form)
    began = time.monotonic()
    request = Request(targets=(MODEL,), wish=Wish(among=ENVIRONMENTS), command="demo")
    cells = run.run(request, Settings.read(), out)
    run.show(out, cells)
    missed = [row for row in EXPECTED if not any(_is(row, cell) for cell in cells)]
    if out.format == "human":
        out.write("\n" + sentence(cells))
    out.talk(f"\n{len(cells)} cells in {time.monotonic() - began:.0f} s, all attempted anew")
    for row in missed:
        found = [cell for cell in cells if _same(row, cell)]
        had = f"{found[0].verdict}{_number(found[0])}" if found else "no such cell"
        out.warn(f"expected {row.loader} in {row.framework} to be {row.verdict}, saw {had}")
    return 1 if missed else 0


def sentence(cells: Sequence[CellAnswer]) -> str:
    """Answer "can I load it?" in one sentence, from the cells of this run alone."""
    words = {
        "works": "yes with",
        "differs": "with other numbers in",
        "flaky": "not every time with",
        "fails": "not with",
        "blocked": "blocked, not measured, with",
        "unknown": "unknown with",
    }
    by: dict[str, list[str]] = {}
    for cell in cells:
        if cell.kind == "attempt":
            by.setdefault(cell.verdict, []).append(_who(cell))
    if not by:
        return f"Can I load {MODEL}? Nothing was attempted."
    parts = [f"{text} {_listed(by[verdict])}" for verdict, text in words.items() if verdict in by]
    return f"Can I load {MODEL}? {_begun('; '.join(parts))}."


def _who(cell: CellAnswer) -> str:
    """Name a cell's loader and framework, with its number or its diagnosis."""
    from caniload.publish import wording

    name = f"{cell.loader} on {wording.framework(cell, version=False)}"
    if cell.verdict == "differs" and cell.relative_rms is not None:
        return f"{name} (relative RMS {wording.number(cell.relative_rms)})"
    if cell.outcome != "passed":
        return f"{name} ({cell.diagnosis.title if cell.diagnosis else 'undiagnosed'})"
    return name


def _listed(names: Sequence[str]) -> str:
    """Join names as a sentence does."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _begun(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def _same(row: Expected, cell: CellAnswer) -> bool:
    return (cell.kind, cell.loader, cell.framework) == ("attempt", row.loader, row.framework)


def _is(row: Expected, cell: CellAnswer) -> bool:
    return _same(row, cell) and row.seen(cell)


def _number(cell: CellAnswer) -> str:
    """The distance from the reference, where one was measured."""
    return "" if cell.relative_rms is None else f" (relative RMS {cell.relative_rms:.1e})"
