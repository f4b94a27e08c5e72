"""Load with KerasHub on any of its backends, from a Hugging Face directory or a preset."""

from __future__ import annotations

import os
from typing import Any

from . import artefact, inputs, torch_side, weights
from .devices import split
from .loader import CheckResult, Job
from .loader import Loader as Base

BACKENDS = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}

_OUTPUTS = {"sequence_output": "last_hidden_state", "pooled_output": "pooler_output"}


class Loader(Base):
    """`keras_hub.models.Backbone.from_preset(directory)`: converts the checkpoint's weights."""

    frameworks = ("tensorflow", "pytorch", "jax")
    modules = {  # noqa: RUF012
        "tensorflow": ("tensorflow", "keras", "keras_hub"),
        "pytorch": ("torch", "keras", "keras_hub"),
        "jax": ("jax", "keras", "keras_hub"),
    }

    def import_(self, job: Job) -> None:
        """Import KerasHub; the backend is fixed by the environment before that."""
        backend = BACKENDS[job["framework"]]
        os.environ["KERAS_BACKEND"] = backend
        if backend == "torch":
            import torch  # noqa: F401
        elif backend == "jax":
            import jax  # noqa: F401
        else:
            import tensorflow  # noqa: F401
        import keras

        import keras_hub

        if keras.backend.backend() != backend:
            raise RuntimeError(f"Keras runs on {keras.backend.backend()}, not on {backend}")
        self.keras, self.hub, self.backend = keras, keras_hub, backend
        self.seen: set[str] = set()

    def load(self, job: Job) -> Any:
        """Load the backbone on the job's device; random weights skip the checkpoint's."""
        recipe = job["recipe"]
        options: dict[str, Any] = {}
        if recipe.get("weights") == "random":
            options["load_weights"] = False
            self.reset(None, job)
        if recipe.get("dtype", "auto") != "auto":
            options["dtype"] = recipe["dtype"]
        with self._on(job):
            return self.hub.models.Backbone.from_preset(str(artefact.root(job)), **options)

    def _on(self, job: Job) -> Any:
        """Return the scope in which Keras places variables on the job's device.

        On PyTorch "cpu:0" is not "cpu": Keras would copy each parameter into a plain tensor.
        """
        kind, index = split(job["device"])
        if self.backend == "torch":
            return self.keras.device(job["device"])
        return self.keras.device(f"{'gpu' if kind == 'cuda' else kind}:{index or 0}")

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make token ids; the backbone's own names are given to them in `run`."""
        names = set(loaded.input) if isinstance(loaded.input, dict) else set()
        kind = inputs.kind(job["recipe"], "tokens" if "token_ids" in names else "pixels")
        if kind == "pixels":
            return inputs.pixels(artefact.config(artefact.root(job)), job["recipe"], seed)
        facts = artefact.token_facts(artefact.root(job))
        if facts is None:
            raise ValueError("no config.json says how large the vocabulary is")
        return inputs.tokens(facts, job["recipe"], seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the backbone once without training."""
        import numpy

        if "pixel_values" in inputs:
            given: Any = numpy.transpose(inputs["pixel_values"], (0, 2, 3, 1))
        else:
            ids = inputs["input_ids"].astype("int32")
            every = {
                "token_ids": ids,
                "padding_mask": inputs["attention_mask"].astype("int32"),
                "segment_ids": numpy.zeros_like(ids),
            }
            given = {name: every[name] for name in loaded.input if name in every}
        with self._on(job):
            result = loaded(given, training=False)
        named = result if isinstance(result, dict) else {"sequence_output": result}
        self.seen = {self._place(value) for value in named.values()}
        return {
            _OUTPUTS.get(name, name): self.keras.ops.convert_to_numpy(value)
            for name, value in named.items()
        }

    def _place(self, tensor: Any) -> str:
        """Name a tensor's device as jobs do."""
        if self.backend == "torch":
            return torch_side.label(tensor.device)
        if self.backend == "jax":
            (found,) = tensor.devices()
            kind, index = found.platform, found.id
        else:
            text = str(tensor.device).rpartition("device:")[2].lower()
            kind, _, index = text.partition(":")
        return "cpu" if kind == "cpu" else f"{'cuda' if kind in ('gpu', 'cuda') else kind}:{index}"

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed Python, numpy and the backend."""
        self.keras.utils.set_random_seed(int(job["recipe"]["seed"]))

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Find each trainable variable in the artefact by a digest of its sorted values."""
        home = artefact.root(job)
        stored = weights.stored(home, job["artefact"].get("format"))
        if not stored:
            text = "the artefact holds no model.safetensors to compare with"
            return CheckResult.failed("weights", "weights_unread", text)
        live = {
            f"{index}:{item.path}": weights.digest(self.keras.ops.convert_to_numpy(item.value))
            for index, item in enumerate(loaded.trainable_weights)
        }
        return weights.compare_values(weights.digests(stored), live)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Variables and outputs sit where they were asked to."""
        found = {self._place(item.value) for item in loaded.weights} | self.seen
        kind, index = split(job["device"])
        wanted = kind if kind == "cpu" else f"{kind}:{index or 0}"
        wrong = sorted(found - {wanted})
        if wrong:
            text = f"asked for {job['device']}, found {', '.join(wrong)}"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", f"variables and outputs on {wanted}")

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the backend says."""
        return (
            torch_side.device_facts(job) if self.backend == "torch" else super().device_facts(job)
        )

    def preprocess(self, loaded: Any, job: Job, texts: tuple[str, ...]) -> list[list[int]] | None:
        """Return the ids of KerasHub's tokenizer, which adds no special tokens."""
        home = artefact.root(job)
        if not any((home / name).is_file() for name in ("vocab.txt", "tokenizer.json")):
            return None
        found = self.hub.models.Tokenizer.from_preset(str(home))(list(texts))
        rows = found.to_list() if hasattr(found, "to_list") else found
        return [[int(index) for index in row] for row in rows]

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class, the dtype and the number of parameters."""
        return {
            "class": type(loaded).__name__,
            "dtype": str(loaded.compute_dtype),
            "backend": self.backend,
            "parameters": int(loaded.count_params()),
        }
