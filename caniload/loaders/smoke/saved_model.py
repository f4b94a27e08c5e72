"""Load SavedModels with TensorFlow 2: `tf.saved_model.load`, then a signature or a function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import graph_ops, signature, tensorflow_side, tf_functions, whole_file
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base


class Loader(Base):
    """`tf.saved_model.load(folder)`; the options `signature` and `function` say what to call."""

    frameworks = ("tensorflow",)
    modules = {"tensorflow": ("tensorflow",)}  # noqa: RUF012
    call_first = False

    def import_(self, job: Job) -> None:
        """Import TensorFlow."""
        import tensorflow

        self.tf = tensorflow
        self.seen: set[str] = set()

    def load(self, job: Job) -> tf_functions.Entry:
        """Load the folder on the job's device and find what to call."""
        if job["recipe"].get("weights") == "random":
            raise Refused("a SavedModel holds its weights; random ones cannot be asked for")
        self.tf32 = tensorflow_side.exact()
        self.home = tensorflow_side.saved_model_dir(job)
        graph_ops.refuse_unsafe(self.home, job)
        tensorflow_side.require(job)
        with self.tf.device(tensorflow_side.device_name(job)):
            self.model = self.open(self.home, job)
            found = tf_functions.entry(self.model, job["recipe"]["options"], self.call_first)
        self.channels_first = signature.channels_first(found.declared, job)
        self.kept = tensorflow_side.snapshot(found.variables)
        return found

    def open(self, home: Path, job: Job) -> Any:
        """Call the library."""
        return self.tf.saved_model.load(str(home))

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make what the signature or the function declares."""
        return signature.make(loaded.declared, job, seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call once; every numeric tensor of the result counts."""
        with self.tf.device(tensorflow_side.device_name(job)):
            result = loaded.call(inputs)
        found = list(tensorflow_side.arrays(result))
        self.seen = {where for _, _, where in found}
        return {name: value for name, value, _ in found}

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed, and give variables that calls may change the values of the file."""
        tensorflow_side.restore(self.kept)
        tensorflow_side.seed_all(int(job["recipe"]["seed"]))

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Graph and weights are one folder: its files are as fetched, names do not apply."""
        return whole_file.as_fetched(whole_file.below(self.home), job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """The variables that were called upon and the outputs sat on the job's device."""
        held = {tensorflow_side.label(item.device) for item in loaded.variables if item.device}
        return tensorflow_side.placed(held | self.seen, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what TensorFlow says of it."""
        return tensorflow_side.device_facts(job)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State what is called and what it takes, who wrote it, and the number of parameters."""
        return {
            "class": "SavedModel",
            "called": loaded.name,
            "written_by": str(getattr(self.model, "tensorflow_version", "unknown")),
            "parameters": tensorflow_side.parameters(loaded.variables),
        }
