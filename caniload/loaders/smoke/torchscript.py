"""Run TorchScript programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, script_ops, torch_files, whole_file
from .failure import Refused
from .loader import CheckResult, Job
from .torch_module import TorchLoader


class Loader(TorchLoader):
    """`torch.jit.load(file)`; inputs by `forward`'s schema and the weights that they meet."""

    def load(self, job: Job) -> Any:
        """Load the program onto the job's device."""
        import torch

        if job["recipe"].get("weights") == "random":
            raise Refused("a TorchScript file holds its weights; random ones cannot be asked for")
        path = self._file(job)
        script_ops.refuse_unsafe(path, job)
        return self.adopt(torch.jit.load(str(path), map_location=job["device"]), job)

    def _file(self, job: Job) -> Path:
        """Return the program's file: the artefact itself, or the only one in it."""
        named = (job.get("hints") or {}).get("file")
        return torch_files.find(artefact.root(job), "torchscript", named)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Program and weights are one file: its hash is what was fetched."""
        return whole_file.as_fetched([self._file(job)], job)
