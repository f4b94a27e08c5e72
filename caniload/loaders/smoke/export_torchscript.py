"""Write TorchScript by tracing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .export_torch import Named

FILE = "model.pt"


def write(named: Named, job: dict[str, Any]) -> None:
    """Trace the module with its inputs and save it; several outputs become a dictionary."""
    import torch

    module = named.module if named.outputs == ["output"] else named.as_dict()
    with torch.no_grad():
        traced = torch.jit.trace(module, tuple(named.inputs.values()), strict=False)
    traced.save(str(Path(job["export_to"]) / FILE))
