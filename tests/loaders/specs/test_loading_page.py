"""docs/loading.md names every loader with its formats, and every kind of input."""

from __future__ import annotations

from pathlib import Path

from caniload.cli.recipe import KINDS
from caniload.loaders.specs import load_specs

PAGE = (Path(__file__).parents[3] / "docs" / "loading.md").read_text(encoding="utf-8")

WHEN_NAMED = {"torch-file": {"torchscript"}, "keras-file": {"saved-model"}}
"""What a loader is tried with only when it is named, since another is its home."""


def test_each_loader_stands_with_its_formats() -> None:
    rows = {
        cells[1].strip(): cells[3]
        for cells in (line.split("|") for line in PAGE.splitlines() if line.startswith("| "))
        if len(cells) == 6
    }
    for name, spec in load_specs().items():
        listed = {form.strip() for form in rows[name].partition(";")[0].split(",")}
        assert listed == set(spec.formats) - WHEN_NAMED.get(name, set()), name


def test_each_kind_of_input_stands() -> None:
    for kind in KINDS:
        assert f"`{kind}`" in PAGE, kind
