"""Load with sentence-transformers on PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, inputs, torch_side, weights
from .devices import split
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

_OUTPUTS = {"token_embeddings": "last_hidden_state", "sentence_embedding": "sentence_embedding"}


class Loader(Base):
    """`SentenceTransformer(directory)`, run on token ids so that it compares with others."""

    frameworks = ("pytorch",)
    modules = {"pytorch": ("torch", "sentence_transformers", "transformers")}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import PyTorch and the class."""
        import torch  # noqa: F401

        from sentence_transformers import SentenceTransformer

        self.tf32 = torch_side.exact() if split(job["device"])[0] == "cuda" else None
        self.cls = SentenceTransformer
        self.seen: set[str] = set()

    def load(self, job: Job) -> Any:
        """Load every module of the pipeline on the job's device."""
        recipe = job["recipe"]
        if recipe.get("weights") == "random":
            raise Refused("sentence-transformers has no way to build with random weights")
        options: dict[str, Any] = {}
        if job["artefact"].get("format"):
            options["use_safetensors"] = job["artefact"]["format"] == "safetensors"
        if recipe.get("dtype", "auto") != "auto":
            import torch

            options["torch_dtype"] = getattr(torch, recipe["dtype"])
        model = self.cls(
            str(artefact.root(job)),
            device=job["device"],
            local_files_only=True,
            trust_remote_code=bool(recipe.get("allow_code")),
            model_kwargs=options,
        )
        return model.eval()

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make the token ids that every loader gets."""
        facts = artefact.token_facts(artefact.root(job))
        if facts is None or inputs.kind(job["recipe"], "tokens") != "tokens":
            raise ValueError("sentence-transformers is tried with token inputs")
        return inputs.tokens(facts, job["recipe"], seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Run the pipeline's modules on token ids."""
        import torch

        features = {name: torch.from_numpy(value) for name, value in inputs.items()}
        features = {name: value.to(job["device"]) for name, value in features.items()}
        with torch.no_grad():
            result = loaded(features)
        found = {ours: result[theirs] for theirs, ours in _OUTPUTS.items() if theirs in result}
        self.seen = {torch_side.label(value.device) for value in found.values()}
        return {name: torch_side.to_numpy(value) for name, value in found.items()}

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed PyTorch; the pipeline keeps no state."""
        torch_side.seed_all(int(job["recipe"]["seed"]))

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare each module's tensors with the files of its own directory."""
        home = artefact.root(job)
        results: list[CheckResult] = []
        for (_, module), path in zip(loaded.named_children(), self._paths(home)):
            model = getattr(module, "auto_model", module)
            tensors = list(torch_side.live_tensors(model))
            if not tensors:
                continue
            stored = weights.stored(path, job["artefact"].get("format"))
            if not stored:
                text = f"{type(module).__name__} has tensors and {path.name} no weight file"
                return CheckResult.failed("weights", "weights_unread", text)
            prefix = getattr(model, "base_model_prefix", "")
            result = weights.compare_named(stored, tensors, prefix)
            if result.status == "failed":
                return result
            results.append(result)
        if not results:
            return CheckResult.failed("weights", "weights_missing", "no module holds a tensor")
        numbers = {
            name: sum(result.numbers[name] for result in results) for name in results[0].numbers
        }
        return CheckResult("weights", "passed", "; ".join(r.detail for r in results), numbers)

    def _paths(self, home: Path) -> list[Path]:
        """Return the directory of each module, in the pipeline's order."""
        listed = artefact.read_json(home / "modules.json")
        if not listed:
            return [home] * 3
        return [home / str(module.get("path", "")) for module in listed]

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Parameters and outputs sit where they were asked to."""
        return torch_side.placed(loaded, self.seen, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what PyTorch says."""
        return torch_side.device_facts(job)

    def preprocess(self, loaded: Any, job: Job, texts: tuple[str, ...]) -> list[list[int]] | None:
        """Return the ids of the pipeline's own tokenizer."""
        found = loaded.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[int(index) for index in row] for row in found]

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class, the inner class, the dtype and the number of parameters."""
        first = next(iter(loaded.children()))
        return {
            "class": type(loaded).__name__,
            "inner_class": type(getattr(first, "auto_model", first)).__name__,
            "dtype": str(next(loaded.parameters()).dtype).rpartition(".")[2],
            "parameters": sum(value.numel() for value in loaded.parameters()),
        }
