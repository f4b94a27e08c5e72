"""transformers on TensorFlow, up to 4: every file but TensorFlow's own is converted at load."""

from __future__ import annotations

from typing import Any

from . import artefact, converted, pickles, tree, weights
from .devices import describe, split
from .failure import Refused
from .loader import CheckResult, Job

MOVING = ("moving_mean", "moving_variance")
"""Statistics that are not trained and yet come from the file."""


class Side:
    """What differs on TensorFlow."""

    tensors = "tf"
    tf32: bool | None = None

    def import_(self, job: Job) -> None:
        """Import TensorFlow; on CUDA, exact float32."""
        import tensorflow

        self.seen: set[str] = set()
        if split(job["device"])[0] == "cuda":
            tensorflow.config.experimental.enable_tensor_float_32_execution(False)
            self.tf32 = False

    def load(self, cls: Any, options: dict[str, Any], job: Job) -> Any:
        """Call `from_pretrained` on the weights of the artefact's format."""
        import tensorflow

        if job["recipe"].get("dtype", "auto") != "auto":
            raise Refused("transformers' TensorFlow classes take no dtype; leave it out")
        form = job["artefact"].get("format")
        options.update(converted.conversion(job))
        if form == "bin" and options.get("from_pt"):
            pickles.refuse_unsafe(artefact.pickle_files(artefact.folder(job), None), job)
        home = converted.alone(artefact.root(job), form, job)
        with tensorflow.device(_device(job)):
            return cls.from_pretrained(str(home), **options)

    def random(self, build: Any, config: Any, job: Job) -> Any:
        """Build with random weights; they are made when the model is first called."""
        import tensorflow

        with tensorflow.device(_device(job)):
            model = build(config)
            model.build_in_name_scope()
        return model

    def call(self, loaded: Any) -> Any:
        """Return what names the model's inputs."""
        return loaded.call

    def run(self, loaded: Any, given: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once without training."""
        import tensorflow

        with tensorflow.device(_device(job)):
            result = loaded(given, training=False, return_dict=True)
        found = tree.results(result, tensorflow.is_tensor)
        self.seen = {str(value.device) for value in found.values()}
        return {name: value.numpy() for name, value in found.items()}

    def seed(self, seed: int) -> None:
        """Seed TensorFlow's generator."""
        import tensorflow

        tensorflow.random.set_seed(seed)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Find each trainable variable, and each moving statistic, among the file's values."""
        form = job["artefact"].get("format")
        stored = converted.digests(artefact.root(job), form)
        if not stored:
            text = "the artefact holds no weight file that can be read to compare"
            return CheckResult.failed("weights", "weights_unread", text)
        trained = {id(item) for item in loaded.trainable_weights}
        live = {
            item.name: weights.digest(item.numpy())
            for item in loaded.weights
            if id(item) in trained or any(mark in item.name for mark in MOVING)
        }
        return weights.compare_values(stored, live)

    def device(self, loaded: Any, job: Job) -> CheckResult:
        """Variables and outputs sit where they were asked to."""
        found = {str(item.device) for item in loaded.weights} | self.seen
        wanted = f"device:{_device(job)[1:]}"
        wrong = sorted(where for where in found if not where.endswith(wanted))
        if wrong:
            text = f"asked for {job['device']}, found {wrong[0]}"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", f"variables and outputs on {job['device']}")

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device."""
        return describe(job["device"])

    def to_numpy(self, value: Any) -> Any:
        """Return a tensor as numpy."""
        return value.numpy()

    def facts(self, loaded: Any) -> dict[str, Any]:
        """State dtype and parameters."""
        first = next(iter(loaded.weights), None)
        return {
            "dtype": "unknown" if first is None else str(first.dtype.name),
            "parameters": int(loaded.count_params()),
        }


def _device(job: Job) -> str:
    """Return TensorFlow's name of the job's device."""
    kind, index = split(job["device"])
    return f"/{'GPU' if kind == 'cuda' else kind.upper()}:{index or 0}"
