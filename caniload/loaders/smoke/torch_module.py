"""What loaders share whose result is a PyTorch module: inputs, one run, state, device, exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import artefact, deepdream, export_torch, signature, torch_inputs, torch_side, tree
from .devices import split
from .failure import NeedsInputs, one_line
from .loader import CheckResult, Job
from .loader import Loader as Base
from .torch_state import State


class TorchLoader(Base):
    """A loader in PyTorch; a subclass gives `load` and `weights`, and may give `adapter`."""

    frameworks = ("pytorch",)
    modules = {"pytorch": ("torch",)}  # noqa: RUF012
    state: State | None = None
    guesses = True
    """Whether `adapters` are guesses to be tried; else the first is what the model takes."""

    def import_(self, job: Job) -> None:
        """Import PyTorch."""
        import torch  # noqa: F401

        self.begin(job)

    def begin(self, job: Job) -> None:
        """Fix what must be fixed before anything is loaded."""
        self.used: torch_inputs.Adapter | None = None
        self.seen: set[str] = set()
        self.tf32 = torch_side.exact() if split(job["device"])[0] == "cuda" else None
        torch_side.seed_all(int(job["recipe"]["seed"]))

    def adopt(self, module: Any, job: Job) -> Any:
        """Put a module on the job's device, ready to run, and keep its state."""
        module = module.to(job["device"])
        if hasattr(module, "training"):
            module = module.eval()
        dtype = job["recipe"].get("dtype", "auto")
        if dtype != "auto":
            import torch

            module = module.to(getattr(torch, dtype))
        return self.keep(module)

    def keep(self, module: Any) -> Any:
        """Keep the state that a module has just after loading."""
        self.state = State(module)
        return module

    def arguments(self, loaded: Any) -> list[torch_inputs.Argument]:
        """Return what the model takes, in order."""
        return torch_inputs.arguments(loaded)

    def known(self, job: Job) -> torch_inputs.Adapter:
        """Return what is said of the inputs: by the job, or beside an export of ours."""
        said = (job.get("hints") or {}).get("inputs")
        return said or artefact.read_json(artefact.folder(job) / export_torch.BESIDE)

    def adapters(self, loaded: Any, job: Job) -> Iterator[torch_inputs.Adapter]:
        """Yield adapters for the model, in the order in which they are tried."""
        return torch_inputs.adapters(loaded, self.known(job))

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make inputs; the first time, the first adapter with which the model runs is kept."""
        if self.used is None:
            self.used = self._fitting(loaded, job, seed)
        return self._made(loaded, self.used, job, seed)

    def _made(
        self, loaded: Any, adapter: torch_inputs.Adapter, job: Job, seed: int
    ) -> dict[str, Any]:
        """Make the inputs of one adapter."""
        declared = [item.declared for item in self.wanted(loaded, adapter)]
        asked = {**job, "hints": {**(job.get("hints") or {}), "inputs": adapter}}
        self.channels_first = signature.channels_first(declared, asked)
        return signature.make(declared, asked, seed)

    def wanted(self, loaded: Any, adapter: torch_inputs.Adapter) -> list[torch_inputs.Argument]:
        """Return the arguments that are given: the required, and those that the adapter names."""
        takes = self.arguments(loaded)
        return [item for item in takes if item.required or item.name in adapter]

    def _fitting(self, loaded: Any, job: Job, seed: int) -> torch_inputs.Adapter:
        """Return the first adapter with which the model runs.

        One that is no guess is not tried here: what it leads to is the finding. Where guesses
        fail, an error that no input would change is raised as it is, else `NeedsInputs`.
        """
        import torch

        given = self.known(job)
        first: BaseException | None = None
        tried = 0
        for adapter in self.adapters(loaded, job):
            if not self.guesses or set(adapter) == set(given):
                return adapter
            tried += 1
            try:
                self.reset(loaded, job)
                self.run(loaded, self._made(loaded, adapter, job, seed), job)
            except NeedsInputs:
                raise
            except (Exception, torch.jit.Error) as error:
                if torch_inputs.own_fault(error):
                    raise
                first = first or error
                continue
            return adapter
        names = ", ".join(item.name for item in self.arguments(loaded)) or "nothing"
        text = f"the model takes {names}; nothing says what shape; give --inputs"
        if first is not None:
            text = f"the model takes {names}; none of {tried} guesses fits, the first: "
            text += f"{one_line(first)}; give --inputs"
        raise NeedsInputs(text) from first

    def ran(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the adapter that was used, in the form in which --inputs takes it."""
        if self.used is None:
            return {}
        kind = str(precision(loaded)).rpartition(".")[2]
        told = {}
        for item in self.wanted(loaded, self.used):
            spec = dict(self.used.get(item.name, {}))
            if kind != "float32" and spec.get("kind") in ("noise", "image", "audio"):
                spec.setdefault("dtype", kind)
            told[item.name] = spec
        return {"inputs": json.dumps(told)}

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the module once; every tensor that it returns counts."""
        import torch

        if deepdream.steps(job):
            picture = next(iter(inputs.values()))
            return deepdream.in_torch(loaded, picture, job, self._note)
        args, named = self.given(loaded, inputs, job)
        with torch.no_grad():
            result = loaded(*args, **named)
        return self.taken(result)

    def _note(self, tensor: Any) -> None:
        """Keep where a tensor sat."""
        self.seen.add(torch_side.label(tensor.device))

    def given(self, loaded: Any, inputs: dict[str, Any], job: Job) -> tuple[list, dict[str, Any]]:
        """Turn arrays into what `forward` is called with, by position and by name."""
        kinds = {item.name: item for item in self.arguments(loaded)}
        args: list[Any] = []
        named: dict[str, Any] = {}
        for name, value in inputs.items():
            item = kinds.get(name)
            if item is not None and item.type in ("int", "float", "bool"):
                value = value.item() if hasattr(value, "item") else value
            else:
                value = self.tensor(loaded, value, name, job)
            if item is not None and item.variadic:
                args.append(value)
            else:
                named[name] = value
        return args, named

    def tensor(self, loaded: Any, value: Any, name: str, job: Job) -> Any:
        """Put an array on the device; floats take the model's precision unless one was asked."""
        import torch

        if isinstance(value, (str, bytes)):
            return value
        made = torch.from_numpy(value) if hasattr(value, "dtype") else torch.tensor(value)
        asked = (self.used or {}).get(name, {}).get("dtype")
        if made.is_floating_point():
            made = made.to(precision(loaded) if asked is None else getattr(torch, asked))
        return made.to(job["device"])

    def taken(self, result: Any) -> dict[str, Any]:
        """Return the tensors of a result as arrays by name, and keep where they sat."""
        import torch

        found = dict(tree.leaves(result, torch.is_tensor))
        self.seen = {torch_side.label(value.device) for value in found.values()}
        return {name: torch_side.to_numpy(value) for name, value in found.items()}

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed, and bring back the state after loading."""
        torch_side.seed_all(int(job["recipe"]["seed"]))
        if self.state is not None:
            self.state.restore(loaded)

    def verify(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult | None:
        """Gradient ascent must raise the activation at every step."""
        return deepdream.verify(outputs) if deepdream.steps(job) else None

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Parameters, buffers and outputs sit where they were asked to."""
        return torch_side.placed(loaded, self.seen, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what PyTorch says."""
        return torch_side.device_facts(job)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class, the dtype and the number of parameters."""
        return {
            "class": str(getattr(loaded, "original_name", type(loaded).__name__)),
            "dtype": str(precision(loaded)).rpartition(".")[2],
            "parameters": sum(value.numel() for value in loaded.parameters()),
        }

    def export(self, loaded: Any, job: Job) -> None:
        """Write ONNX, TorchScript or an exported program."""
        made = self.inputs(loaded, job, int(job["recipe"]["seed"]))
        self.reset(loaded, job)
        args, named = self.given(loaded, made, job)
        plain = dict(zip(made, args)) if args else named
        export_torch.export(export_torch.Call(loaded, plain, bool(args)), job)
        export_torch.lay_inputs(self.used or {}, job)


def precision(module: Any) -> Any:
    """Return the dtype of a module's first floating-point weight, float32 where it has none."""
    import torch

    for value in (*module.parameters(), *module.buffers()):
        if value.is_floating_point():
            return value.dtype
    return torch.float32
