"""Load with Hugging Face transformers: its PyTorch classes, and TensorFlow's while they last."""

from __future__ import annotations

import inspect
from typing import Any

from . import artefact, inputs, pickles, torch_side, tree, weights
from .devices import split
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

PREFIX = {"pytorch": "", "tensorflow": "TF"}


class Loader(Base):
    """`<Class>.from_pretrained(directory)`, the class being the configuration's architecture."""

    frameworks = ("pytorch", "tensorflow")
    modules = {"pytorch": ("torch", "transformers"), "tensorflow": ("tensorflow", "transformers")}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import the framework and the class, which transformers imports lazily."""
        self.seen: set[str] = set()
        self.config = artefact.config(artefact.root(job))
        self.torch = job["framework"] == "pytorch"
        if self.torch:
            import torch  # noqa: F401

            self.tf32 = torch_side.exact() if split(job["device"])[0] == "cuda" else None
        else:
            import tensorflow  # noqa: F401
        self.cls = self._class(job)

    def _class(self, job: Job) -> Any:
        """Import the class that the checkpoint names, else AutoModel."""
        named = (job.get("hints") or {}).get("class")
        architectures = self.config.get("architectures") or []
        name = str(named or (architectures[0] if architectures else "AutoModel"))
        if not name.isidentifier():
            raise ValueError(f"config.json names no class: {name!r}")
        prefix = PREFIX[job["framework"]]
        name = name if name.startswith(prefix) else prefix + name
        if self.config.get("auto_map"):
            import transformers

            if not hasattr(transformers, name):
                if not job["recipe"].get("allow_code"):
                    raise Refused(f"{name} is code of the repository; it needs --allow-code")
                name = prefix + "AutoModel"
        scope: dict[str, Any] = {}
        exec(f"from transformers import {name}", scope)  # the very statement a user writes
        return scope[name]

    def load(self, job: Job) -> Any:
        """Load the checkpoint in evaluation mode on the job's device."""
        recipe = job["recipe"]
        home = artefact.root(job)
        code = bool(recipe.get("allow_code"))
        if recipe.get("weights") == "random":
            return self._random(job, code)
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": code}
        if not self.torch:
            import tensorflow

            with tensorflow.device(self._tf_device(job)):
                return self.cls.from_pretrained(str(home), **options)
        shape = job["artefact"].get("format")
        if shape:
            options["use_safetensors"] = shape == "safetensors"
        variant = (job.get("hints") or {}).get("variant")
        if variant:
            options["variant"] = variant
        unsafe = shape == "bin" and pickles.refuse_unsafe(
            artefact.pickle_files(artefact.folder(job), variant), job
        )
        options["weights_only"] = not unsafe
        if recipe.get("dtype", "auto") != "auto":
            options["dtype"] = self._dtype(recipe["dtype"])
        return self.cls.from_pretrained(str(home), **options).to(job["device"]).eval()

    def _random(self, job: Job, code: bool) -> Any:
        """Build the architecture from the configuration alone."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            str(artefact.root(job)), local_files_only=True, trust_remote_code=code
        )
        self.reset(None, job)
        if not self.torch:
            return self.cls(config)
        if self.cls.__name__.startswith("AutoModel"):
            model = self.cls.from_config(config, trust_remote_code=code)
        else:
            model = self.cls(config)
        if job["recipe"].get("dtype", "auto") != "auto":
            model = model.to(self._dtype(job["recipe"]["dtype"]))
        return model.to(job["device"]).eval()

    def _dtype(self, name: str) -> Any:
        """Return PyTorch's dtype of a name."""
        import torch

        return getattr(torch, name)

    def _tf_device(self, job: Job) -> str:
        """Return TensorFlow's name of the job's device."""
        kind, index = split(job["device"])
        return f"/{'GPU' if kind == 'cuda' else kind.upper()}:{index or 0}"

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make token ids or pixels, as the model's main input says."""
        main = getattr(loaded, "main_input_name", "input_ids")
        kind = inputs.kind(job["recipe"], "pixels" if main == "pixel_values" else "tokens")
        if kind == "pixels":
            return inputs.pixels(self.config, job["recipe"], seed)
        facts = artefact.token_facts(artefact.root(job))
        if kind != "tokens" or facts is None:
            raise ValueError(f"no inputs of kind {kind!r} can be made for {main!r}")
        made = inputs.tokens(facts, job["recipe"], seed)
        if self.config.get("is_encoder_decoder"):
            made["decoder_input_ids"] = made["input_ids"]
        return made

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once; the base model's last hidden state is kept beside a head's."""
        call = loaded.forward if self.torch else loaded.call
        accepts = inspect.signature(call).parameters
        given = {name: value for name, value in inputs.items() if name in accepts}
        return self._torch(loaded, given, job) if self.torch else self._tensorflow(loaded, given)

    def _torch(self, loaded: Any, given: dict[str, Any], job: Job) -> dict[str, Any]:
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
        found = {
            name: value for name, value in tree.leaves(result, torch.is_tensor) if _plain(name)
        }
        if "last_hidden_state" in kept:
            found.setdefault("last_hidden_state", kept["last_hidden_state"])
        self.seen = {torch_side.label(value.device) for value in found.values()}
        return {name: torch_side.to_numpy(value) for name, value in found.items()}

    def _tensorflow(self, loaded: Any, given: dict[str, Any]) -> dict[str, Any]:
        import tensorflow

        result = loaded(given, training=False, return_dict=True)
        found = {
            name: value for name, value in tree.leaves(result, tensorflow.is_tensor) if _plain(name)
        }
        self.seen = {str(value.device) for value in found.values()}
        return {name: value.numpy() for name, value in found.items()}

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed the framework; the models keep no state between calls."""
        if self.torch:
            torch_side.seed_all(int(job["recipe"]["seed"]))
        else:
            import tensorflow

            tensorflow.random.set_seed(int(job["recipe"]["seed"]))

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare by name and bytes on PyTorch, by sorted values on TensorFlow."""
        variant = (job.get("hints") or {}).get("variant")
        form = job["artefact"].get("format")
        stored = weights.stored(artefact.root(job), form, variant)
        if not stored:
            text = "the artefact holds no weight file that can be read to compare"
            return CheckResult.failed("weights", "weights_unread", text)
        if self.torch:
            prefix = getattr(loaded, "base_model_prefix", "")
            return weights.compare_named(stored, torch_side.live_tensors(loaded), prefix)
        held = {item.name: weights.digest(item.numpy()) for item in loaded.trainable_weights}
        return weights.compare_values(weights.digests(stored), held)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Parameters and outputs sit where they were asked to."""
        if self.torch:
            return torch_side.placed(loaded, self.seen, job)
        found = {str(item.device) for item in loaded.weights} | self.seen
        wanted = f"device:{self._tf_device(job)[1:]}"
        wrong = sorted(where for where in found if not where.endswith(wanted))
        if wrong:
            text = f"asked for {job['device']}, found {wrong[0]}"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", f"variables and outputs on {job['device']}")

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the framework says."""
        return torch_side.device_facts(job) if self.torch else super().device_facts(job)

    def preprocess(self, loaded: Any, job: Job, texts: tuple[str, ...]) -> list[list[int]] | None:
        """Return AutoTokenizer's ids, where the artefact has a tokenizer."""
        home = artefact.root(job)
        names = ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "spiece.model")
        if not any((home / name).is_file() for name in names):
            return None
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            str(home),
            local_files_only=True,
            trust_remote_code=bool(job["recipe"].get("allow_code")),
        )
        found = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[int(index) for index in row] for row in found]

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class, the dtype and the number of parameters."""
        if not self.torch:
            return {"class": type(loaded).__name__, "parameters": int(loaded.count_params())}
        return {
            "class": type(loaded).__name__,
            "dtype": str(next(loaded.parameters()).dtype).rpartition(".")[2],
            "parameters": sum(value.numel() for value in loaded.parameters()),
        }

    def export(self, loaded: Any, job: Job) -> None:
        """Export the PyTorch model to ONNX."""
        if not self.torch or job["export_format"] != "onnx":
            super().export(loaded, job)
        from . import export_onnx

        seed = int(job["recipe"]["seed"])
        export_onnx.export(loaded, self.inputs(loaded, job, seed), job)


def _plain(name: str) -> bool:
    """Leave out caches: they are state, not results."""
    return not name.startswith("past_key_values")
