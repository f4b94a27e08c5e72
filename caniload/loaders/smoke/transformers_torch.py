"""transformers on PyTorch: name-preserving but for weights of another framework."""

from __future__ import annotations

from typing import Any

from . import artefact, converted, pickles, torch_side, tree, weights
from .devices import split
from .loader import CheckResult, Job

DTYPE_SINCE = (4, 56)
"""From here on `from_pretrained` takes `dtype`; before, `torch_dtype`."""


class Side:
    """What differs on PyTorch."""

    tensors = "pt"
    tf32: bool | None = None

    def import_(self, job: Job) -> None:
        """Import PyTorch; on CUDA, exact float32."""
        import torch  # noqa: F401

        self.seen: set[str] = set()
        self.tf32 = torch_side.exact() if split(job["device"])[0] == "cuda" else None

    def load(self, cls: Any, options: dict[str, Any], job: Job) -> Any:
        """Call `from_pretrained` on the weights of the artefact's format."""
        import transformers

        home, shape = artefact.root(job), job["artefact"].get("format")
        if shape in ("tf-h5", "flax"):
            home = converted.alone(home, shape, job)
            options.update(converted.conversion(job))
        elif shape:
            options["use_safetensors"] = shape == "safetensors"
        variant = (job.get("hints") or {}).get("variant")
        if variant:
            options["variant"] = variant
        unsafe = shape == "bin" and pickles.refuse_unsafe(
            artefact.pickle_files(artefact.folder(job), variant), job
        )
        if shape in (None, "bin"):
            options["weights_only"] = not unsafe
        if job["recipe"].get("dtype", "auto") != "auto":
            version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
            name = "dtype" if version >= DTYPE_SINCE else "torch_dtype"
            options[name] = _dtype(job)
        return cls.from_pretrained(str(home), **options).to(job["device"]).eval()

    def random(self, build: Any, config: Any, job: Job) -> Any:
        """Build with random weights."""
        model = build(config)
        if job["recipe"].get("dtype", "auto") != "auto":
            model = model.to(_dtype(job))
        return model.to(job["device"]).eval()

    def call(self, loaded: Any) -> Any:
        """Return what names the model's inputs."""
        return loaded.forward

    def run(self, loaded: Any, given: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once; the base model's last hidden state is kept beside a head's."""
        import torch

        kept: dict[str, Any] = {}
        base = getattr(loaded, "base_model", loaded)

        def keep(module: Any, args: Any, result: Any) -> None:
            kept.update(tree.leaves(result, torch.is_tensor))

        hook = base.register_forward_hook(keep) if base is not loaded else None
        dtype = next(loaded.parameters()).dtype
        tensors = {name: torch.from_numpy(value) for name, value in given.items()}
        tensors = {
            name: value.to(job["device"], dtype if value.is_floating_point() else value.dtype)
            for name, value in tensors.items()
        }
        try:
            with torch.no_grad():
                result = loaded(**tensors, return_dict=True)
        finally:
            if hook is not None:
                hook.remove()
        found = tree.results(result, torch.is_tensor)
        if "last_hidden_state" in kept:
            found.setdefault("last_hidden_state", kept["last_hidden_state"])
        self.seen = {torch_side.label(value.device) for value in found.values()}
        return {name: torch_side.to_numpy(value) for name, value in found.items()}

    def seed(self, seed: int) -> None:
        """Seed PyTorch's generators."""
        torch_side.seed_all(seed)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare by name, shape and bytes; by sorted values what TensorFlow or Flax wrote."""
        variant = (job.get("hints") or {}).get("variant")
        home, form = artefact.root(job), job["artefact"].get("format")
        if form in ("tf-h5", "flax"):
            live = {
                name: weights.digest(torch_side.to_numpy(value))
                for name, value in loaded.named_parameters()
            }
            return weights.compare_values(converted.digests(home, form, variant), live)
        stored = weights.stored(home, form, variant)
        if not stored:
            text = "the artefact holds no weight file that can be read to compare"
            return CheckResult.failed("weights", "weights_unread", text)
        prefix = getattr(loaded, "base_model_prefix", "")
        return weights.compare_named(stored, torch_side.live_tensors(loaded), prefix)

    def device(self, loaded: Any, job: Job) -> CheckResult:
        """Parameters, buffers and outputs sit where they were asked to."""
        return torch_side.placed(loaded, self.seen, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what PyTorch says."""
        return torch_side.device_facts(job)

    def to_numpy(self, value: Any) -> Any:
        """Return a tensor as numpy."""
        return torch_side.to_numpy(value)

    def facts(self, loaded: Any) -> dict[str, Any]:
        """State dtype and parameters."""
        return {
            "dtype": str(next(loaded.parameters()).dtype).rpartition(".")[2],
            "parameters": sum(value.numel() for value in loaded.parameters()),
        }


def _dtype(job: Job) -> Any:
    """Return PyTorch's dtype of the recipe's name."""
    import torch

    return getattr(torch, job["recipe"]["dtype"])
