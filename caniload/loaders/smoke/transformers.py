"""Load with Hugging Face transformers: PyTorch's classes, TensorFlow's and Flax's up to 4."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from . import artefact, converted, hf_inputs, processors
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

PREFIX = {"pytorch": "", "tensorflow": "TF", "jax": "Flax"}
"""What the name of a framework's classes begins with."""

SIDES = {
    "pytorch": "transformers_torch",
    "tensorflow": "transformers_tf",
    "jax": "transformers_flax",
}
"""Module of this package that does what each framework does its own way."""


class Loader(Base):
    """`<Class>.from_pretrained(directory)`, the class being the configuration's architecture."""

    frameworks = ("pytorch", "tensorflow", "jax")
    modules = {  # noqa: RUF012
        "pytorch": ("torch", "transformers"),
        "tensorflow": ("tensorflow", "transformers"),
        "jax": ("jax", "flax", "transformers"),
    }

    def import_(self, job: Job) -> None:
        """Import the framework and the class, which transformers imports lazily."""
        self.config = artefact.config(artefact.root(job))
        self.side = import_module(f".{SIDES[job['framework']]}", __package__).Side()
        self.side.import_(job)
        self.tf32 = self.side.tf32
        self.cls = self._class(job)

    def _class(self, job: Job) -> Any:
        """Import the class that the checkpoint names, else AutoModel."""
        named = (job.get("hints") or {}).get("class")
        architectures = self.config.get("architectures") or []
        name = str(named or (architectures[0] if architectures else "AutoModel"))
        if not name.isidentifier():
            raise ValueError(f"config.json names no class: {name!r}")
        prefix = PREFIX[job["framework"]]
        for other in PREFIX.values():
            if other and name.startswith(other):
                name = name[len(other) :]
        name = prefix + name
        if self.config.get("auto_map"):
            import transformers

            if not hasattr(transformers, name):
                if not job["recipe"].get("allow_code"):
                    raise Refused(f"{name} is code of the repository; it needs --allow-code")
                name = f"{prefix}AutoModel"
        scope: dict[str, Any] = {}
        exec(f"from transformers import {name}", scope)  # the very statement a user writes
        return scope[name]

    def load(self, job: Job) -> Any:
        """Load the checkpoint in evaluation mode on the job's device."""
        code = bool(job["recipe"].get("allow_code"))
        if job["recipe"].get("weights") == "random":
            return self._random(job, code)
        options = {"local_files_only": True, "trust_remote_code": code}
        return self.side.load(self.cls, options, job)

    def _random(self, job: Job, code: bool) -> Any:
        """Build the architecture from the configuration alone."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            str(artefact.root(job)), local_files_only=True, trust_remote_code=code
        )
        self.reset(None, job)
        build = self.cls
        if "AutoModel" in self.cls.__name__:

            def build(config: Any) -> Any:
                return self.cls.from_config(config, **({"trust_remote_code": True} if code else {}))

        return self.side.random(build, config, job)

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make what the model's main input says: token ids, pixels, sound or its features."""
        main = str(getattr(loaded, "main_input_name", "input_ids"))
        pair = bool(getattr(loaded.config, "is_encoder_decoder", False))
        made = hf_inputs.make(main, job, seed, pair)
        self.channels_first = "pixel_values" in made
        return made

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once with what its signature takes."""
        accepts = inspect.signature(self.side.call(loaded)).parameters
        given = {name: value for name, value in inputs.items() if name in accepts}
        return self.side.run(loaded, given, job)

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed the framework; the models keep no state between calls."""
        self.side.seed(int(job["recipe"]["seed"]))

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare by name and bytes on PyTorch, by sorted values where the library converts."""
        return self.side.weights(loaded, job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Parameters and outputs sit where they were asked to."""
        return self.side.device(loaded, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the framework says."""
        found: dict[str, Any] = self.side.device_facts(job)
        return found

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

    def process(self, loaded: Any, job: Job, sample: Any) -> dict[str, Any] | None:
        """Return what the library's processor makes of a picture or sound, in the framework."""
        settings = artefact.read_json(artefact.root(job) / "preprocessor_config.json")
        name = "AutoImageProcessor" if processors.is_image(settings) else "AutoFeatureExtractor"
        scope: dict[str, Any] = {}
        exec(f"from transformers import {name}", scope)
        processor = scope[name].from_pretrained(
            str(artefact.root(job)),
            local_files_only=True,
            trust_remote_code=bool(job["recipe"].get("allow_code")),
        )
        options = {}
        if not processors.is_image(settings):
            options["sampling_rate"] = int(settings.get("sampling_rate") or processors.RATE)
        made = processor(sample, return_tensors=self.side.tensors, **options)
        return {
            key: self.side.to_numpy(value) for key, value in made.items() if hasattr(value, "shape")
        }

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State class, dtype, parameters, and the call where it is not the default one."""
        options = converted.conversion(job)
        said = ", ".join(f"{name}={value}" for name, value in options.items())
        return {
            "class": type(loaded).__name__,
            **self.side.facts(loaded),
            **({"call": f"from_pretrained({said})"} if said else {}),
        }

    def export(self, loaded: Any, job: Job) -> None:
        """Export the PyTorch model; its configuration and tokenizer go along."""
        if job["framework"] != "pytorch":
            super().export(loaded, job)
        from . import export_torch

        made = self.inputs(loaded, job, int(job["recipe"]["seed"]))
        export_torch.export(export_torch.of_transformer(loaded, made, job), job)
        export_torch.lay_configuration(job)
