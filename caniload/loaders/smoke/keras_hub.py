"""Load with KerasHub on any of its backends: a preset, a Hugging Face directory, a class alone."""

from __future__ import annotations

import json
import os
from typing import Any

from . import artefact, inputs, keras_preset, signature, torch_side, tree, weights
from .devices import split
from .failure import NeedsInputs, Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

BACKENDS = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}

_OUTPUTS = {"sequence_output": "last_hidden_state", "pooled_output": "pooler_output"}


class Loader(Base):
    """`keras_hub.models.Backbone.from_preset(directory)`: converts a checkpoint's weights.

    With the options `class` and `config` it is that class, with random weights: evidence for
    the class, of which no preset is part.
    """

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
        named = (recipe.get("options") or {}).get("class")
        with self._on(job):
            if named:
                return self._class(str(named), recipe)
            return self.hub.models.Backbone.from_preset(str(artefact.root(job)), **options)

    def _class(self, name: str, recipe: dict[str, Any]) -> Any:
        """Build a class of `keras_hub.models` from the recipe's own configuration."""
        if recipe.get("weights") != "random":
            raise Refused(f"{name} alone has no weights; it is tried with random ones")
        if not name.isidentifier() or not hasattr(self.hub.models, name):
            raise ValueError(f"keras_hub.models has no class {name!r}")
        config = recipe["options"].get("config") or {}
        config = json.loads(config) if isinstance(config, str) else dict(config)
        if recipe.get("dtype", "auto") != "auto":
            config["dtype"] = recipe["dtype"]
        return getattr(self.hub.models, name)(**config)

    def _on(self, job: Job) -> Any:
        """Return the scope in which Keras places variables on the job's device.

        On PyTorch "cpu:0" is not "cpu": Keras would copy each parameter into a plain tensor.
        """
        kind, index = split(job["device"])
        if self.backend == "torch":
            return self.keras.device(job["device"])
        return self.keras.device(f"{'gpu' if kind == 'cuda' else kind}:{index or 0}")

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make token ids, pictures or what else the backbone declares."""
        declared = keras_preset.declared(loaded)
        rest = [item for item in declared if _role(item.name) is None]
        recipe, root = job["recipe"], artefact.folder(job)
        adapted = (job.get("hints") or {}).get("inputs")
        config = artefact.config(root)
        hugging = "model_type" in config
        if len(rest) == 1 and len(declared) == 1 and hugging and not adapted:
            return inputs.pixels(config, recipe, seed)
        made: dict[str, Any] = {}
        if len(rest) < len(declared) and not adapted:
            facts = artefact.token_facts(root) if hugging else None
            facts = facts or keras_preset.token_facts(loaded, root)
            if facts is None:
                raise NeedsInputs("nothing says how large the vocabulary is; give --inputs")
            made.update(inputs.tokens(facts, recipe, seed))
            declared = rest
        self.channels_first = signature.channels_first(declared, job)
        return {**made, **signature.make(declared, job, seed)}

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the backbone once without training."""
        import numpy

        declared = keras_preset.declared(loaded)
        given: Any = {}
        for item in declared:
            if item.name in inputs:
                given[item.name] = inputs[item.name]
            elif "pixel_values" in inputs:
                given[item.name] = numpy.transpose(inputs["pixel_values"], (0, 2, 3, 1))
            else:
                value = inputs[_role(item.name) or "input_ids"].astype("int32")
                given[item.name] = numpy.zeros_like(value) if "segment" in item.name else value
        if not isinstance(loaded.input, dict):
            values = list(given.values())
            given = values[0] if len(values) == 1 else values
        with self._on(job):
            result = loaded(given, training=False)
        named = result if isinstance(result, dict) else {"sequence_output": result}
        flat = dict(tree.leaves(named, self.keras.ops.is_tensor))
        self.seen = {self._place(value) for value in flat.values()}
        return {
            _OUTPUTS.get(name, name): self.keras.ops.convert_to_numpy(value)
            for name, value in flat.items()
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
        stored = keras_preset.digests(artefact.root(job), job["artefact"].get("format"))
        if not stored:
            text = "the artefact holds no weight file that can be read to compare"
            return CheckResult.failed("weights", "weights_unread", text)
        trained = {id(item) for item in loaded.trainable_weights}
        live = {
            f"{index}:{item.path}": weights.digest(self.keras.ops.convert_to_numpy(item.value))
            for index, item in enumerate(loaded.weights)
            if id(item) in trained or "moving_" in item.path
        }
        return weights.compare_values(stored, live)

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


def _role(name: str) -> str | None:
    """Return which token input stands for a backbone's input; None for what is no tokens."""
    if name.endswith("padding_mask"):
        return "attention_mask"
    return "input_ids" if name.endswith(("token_ids", "segment_ids")) else None
