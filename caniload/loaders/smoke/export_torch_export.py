"""Write programs of torch.export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .export_torch import Named

FILE = "model.pt2"


def write(named: Named, job: dict[str, Any]) -> None:
    """Export the module with its inputs, shapes as they are; outputs become a dictionary."""
    import torch

    module = named.module if named.outputs == ["output"] else named.as_dict()
    program = torch.export.export(module, tuple(named.inputs.values()))
    torch.export.save(program, str(Path(job["export_to"]) / FILE))
