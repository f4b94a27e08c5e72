"""Exports on demand: names as people write them, readers that fit, permission for what is ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caniload.handles import parse
from caniload.loaders.specs import load_specs
from caniload.records import Cell, Environment, FetchedArtefact, Recipe, utcnow
from caniload.runs import plan
from caniload.runs.environments import specs
from caniload.runs.job import Job
from caniload.runs.plan import Wish
from caniload.settings import Settings
from caniload.words import ArtefactClass

HANDLE = parse("file:model@sha256-" + "a" * 64 + "#safetensors")


@pytest.mark.parametrize(
    ("named", "form", "reader"),
    [
        ("torch-export", "pt2", "torch-export"),
        ("pt2", "pt2", "torch-export"),
        ("torchscript", "torchscript", "torchscript"),
    ],
)
def test_an_export_is_read_by_the_formats_own_loader_alone(
    named: str, form: str, reader: str, settings: Settings
) -> None:
    environments = list(specs(settings).values())
    trials = plan.of_artefact(
        HANDLE,
        ["safetensors"],
        load_specs(),
        environments,
        Wish(framework="pytorch", loader="timm"),
        loaders=["timm"],
    )
    found = plan.with_exports(trials, load_specs(), environments, Wish(exports=(named,)))
    parent, made = [trial for trial in found if trial not in trials]
    assert (parent.loader, parent.export_format) == ("timm", form)
    assert (made.loader, made.handle.format, made.parent) == (reader, form, parent)


def test_what_our_export_wrote_is_a_program_at_most() -> None:
    """A .pt2 from outside is code; one that an export of ours made needs a sandbox alone."""
    cell = Cell(
        model=None,
        handle=str(HANDLE),
        loader="torch-export",
        framework="pytorch",
        environment="pytorch",
        environment_key="k",
        device="cpu",
        recipe=Recipe(),
    )
    artefact = FetchedArtefact(
        handle=str(HANDLE), format="pt2", files=(), resolved_by="a test", resolved_at=utcnow()
    )
    record = Environment(
        name="pytorch", python="", python_minor="", platform="", decisive={}, lock={}
    )
    job = Job(cell, Path("python"), record, artefact, load_specs()["torch-export"])
    assert job.artefact_class is ArtefactClass.CODE
    assert replace(job, derived_from="parent").artefact_class is ArtefactClass.PROGRAM
