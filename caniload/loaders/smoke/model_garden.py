"""Build models of TensorFlow's Model Garden from the experiments that it registers."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from . import artefact, keras_side, signature
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base


class Loader(Base):
    """`task_factory.get_task(exp_factory.get_exp_config(name).task).build_model()`.

    The artefact is `experiment.json`; no weights come with an experiment, so that only random
    ones can be asked for.
    """

    frameworks = ("tensorflow",)
    modules = {"tensorflow": ("tensorflow", "tf_keras", "official")}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import Keras 2 and the package's factories."""
        self.keras = keras_side.Keras.imported(job, legacy=True)
        from official.core import exp_factory, task_factory

        self.experiments, self.tasks = exp_factory, task_factory

    def load(self, job: Job) -> Any:
        """Build the experiment's model with random weights."""
        if job["recipe"].get("weights") != "random":
            raise Refused("an experiment is a configuration without weights; ask for random ones")
        self.tf32 = self.keras.prepare(job)
        root = artefact.root(job)
        told = artefact.read_json(root / "experiment.json" if root.is_dir() else root)
        name, module = str(told.get("experiment", "")), str(told.get("module", ""))
        if not module.startswith("official."):
            raise ValueError("experiment.json names no module of the package")
        self._register(module)
        self.keras.reset(None, job)
        with self.keras.on(job):
            config = self.experiments.get_exp_config(name)
            model = self.tasks.get_task(config.task).build_model()
        self.declared = keras_side.declared(model, job)
        self.channels_first = signature.channels_first(self.declared, job)
        return model

    def _register(self, module: str) -> None:
        """Import what registers the experiment, and the tasks beside it that build its model."""
        importlib.import_module(module)
        home = module.rpartition(".configs")[0] or module.rpartition(".")[0]
        try:
            tasks = importlib.import_module(f"{home}.tasks")
        except ModuleNotFoundError:
            return
        for found in pkgutil.iter_modules(getattr(tasks, "__path__", ())):
            if not found.name.endswith("_test"):
                importlib.import_module(f"{tasks.__name__}.{found.name}")

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make what the model's inputs declare."""
        return keras_side.make(loaded, self.declared, job, seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once without training."""
        return self.keras.call(loaded, inputs, [item.name for item in self.declared], job)

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed every generator."""
        self.keras.reset(loaded, job)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """There is no file to compare with."""
        return CheckResult.not_applicable("weights", "an experiment comes without weights")

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Variables and outputs sit where they were asked to."""
        return self.keras.placed(loaded, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what TensorFlow says of it."""
        return self.keras.device_facts(job)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class and the number of parameters."""
        return {
            "class": type(loaded).__name__,
            "library": "tf_keras",
            "parameters": int(loaded.count_params()) if loaded.built else 0,
        }
