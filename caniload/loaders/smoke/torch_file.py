"""Load files of `torch.save`: most hold weights without a model, and nothing can be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, pickles, torch_files, torch_weights, whole_file
from .failure import LoadsOnly, Refused
from .loader import CheckResult, Job
from .torch_module import TorchLoader


class Loader(TorchLoader):
    """`torch.load(file)`, as it stands; a whole module, which is code, is run."""

    def load(self, job: Job) -> Any:
        """Load what is saved; raises `LoadsOnly` for weights without a model.

        The recipe's option `map_location` is handed on, as for weights saved on another device.
        """
        import torch

        if job["recipe"].get("weights") == "random":
            raise Refused("a file of weights says no architecture to build with random ones")
        place = (job["recipe"].get("options") or {}).get("map_location")
        held = pickles.load(self._file(job), job, place)
        if isinstance(held, torch.nn.Module):
            return self.adopt(held, job)
        raise LoadsOnly(said(held))

    def _file(self, job: Job) -> Path:
        named = (job.get("hints") or {}).get("file")
        return torch_files.find(artefact.root(job), "pt", named)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Module and weights are one file: its hash is what was fetched."""
        return whole_file.as_fetched([self._file(job)], job)


def said(held: Any) -> str:
    """Say how many tensors and parameters an object holds, and in which parts of it."""
    found = dict(torch_weights.tensors(held))
    if not found:
        return f"it loads a {type(held).__name__} without a tensor: nothing can be run"
    count = sum(value.numel() for value in found.values())
    what = "a state dict" if _flat(held, found) else "a checkpoint"
    text = f"{what} of {len(found)} tensors, {count:,} parameters"
    parts: dict[str, int] = {}
    if what == "a checkpoint" and isinstance(held, dict):
        for name, value in held.items():
            inside = sum(1 for _ in torch_weights.tensors(value))
            if inside:
                parts[str(name)] = inside
        text += f" ({', '.join(f'{name} {inside}' for name, inside in list(parts.items())[:6])})"
    return f"{text}; it holds no architecture, so nothing can be run"


def _flat(held: Any, found: dict[str, Any]) -> bool:
    """Tell whether an object is names and tensors alone."""
    return isinstance(held, dict) and len(held) == len(found) and set(map(str, held)) == set(found)
