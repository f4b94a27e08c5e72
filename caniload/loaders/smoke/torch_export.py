"""Run programs of `torch.export.save`. They unpickle what they hold: code, by policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import artefact, torch_files, torch_inputs, whole_file
from .devices import split
from .failure import Refused
from .loader import CheckResult, Job
from .torch_module import TorchLoader


class Loader(TorchLoader):
    """`torch.export.load(file).module()`; inputs are shaped as the program's own examples."""

    guesses = False

    def load(self, job: Job) -> Any:
        """Load the program and move it to the job's device."""
        import torch

        if job["recipe"].get("weights") == "random":
            raise Refused("a .pt2 file holds its weights; random ones cannot be asked for")
        self.program = torch.export.load(str(self._file(job)))
        if split(job["device"])[0] != "cpu":
            from torch.export.passes import move_to_device_pass

            self.program = move_to_device_pass(self.program, job["device"])
        return self.keep(self.program.module())  # it is as it was exported, and has no modes

    def _file(self, job: Job) -> Path:
        named = (job.get("hints") or {}).get("file")
        return torch_files.find(artefact.root(job), "pt2", named)

    def _examples(self) -> list[tuple[str, Any]]:
        """Return the program's inputs in order, an example of each; constants have no name."""
        import torch
        from torch.utils import _pytree

        names = self.program.graph_signature.user_inputs
        if self.program.example_inputs is not None:
            leaves = _pytree.tree_leaves(self.program.example_inputs)
        else:
            held = {node.name: node.meta.get("val") for node in self.program.graph.nodes}
            leaves = [held.get(name, name) for name in names]
        return [
            (str(name) if torch.is_tensor(leaf) else "", leaf) for name, leaf in zip(names, leaves)
        ]

    def arguments(self, loaded: Any) -> list[torch_inputs.Argument]:
        """Return the tensors among the program's inputs."""
        return [torch_inputs.Argument(name, "tensor") for name, _ in self._examples() if name]

    def adapters(self, loaded: Any, job: Job) -> Iterator[torch_inputs.Adapter]:
        """Yield what the program was exported with; the job's own adapter goes before it."""
        examples = {name: like(leaf) for name, leaf in self._examples() if name}
        yield {**examples, **self.known(job)}

    def given(self, loaded: Any, inputs: dict[str, Any], job: Job) -> tuple[list, dict[str, Any]]:
        """Put tensors where the program's call has them."""
        from torch.utils import _pytree

        leaves = [
            self.tensor(loaded, inputs[name], name, job) if name else leaf
            for name, leaf in self._examples()
        ]
        args, named = _pytree.tree_unflatten(leaves, self.program.call_spec.in_spec)
        return list(args), dict(named)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Program and weights are one file: its hash is what was fetched."""
        return whole_file.as_fetched([self._file(job)], job)


def like(tensor: Any) -> dict[str, Any]:
    """Return the adapter for an input like an example: its shape, dtype and range of integers."""
    import torch

    shape = [int(extent) for extent in tensor.shape]
    dtype = str(tensor.dtype).rpartition(".")[2]
    if tensor.is_floating_point():
        noise = {"kind": "image" if len(shape) in (4, 5) else "noise", "shape": shape}
        return noise if tensor.dtype == torch.float32 else {**noise, "dtype": dtype}
    if tensor.dtype == torch.bool:
        return {"kind": "ones", "shape": shape, "dtype": dtype}
    low, high = (int(tensor.min()), int(tensor.max())) if tensor.numel() else (0, 1)
    reach = {"low": low, "high": max(high, low + 1) + 1}
    return {"kind": "tokens", "shape": shape, **reach, "dtype": dtype}
