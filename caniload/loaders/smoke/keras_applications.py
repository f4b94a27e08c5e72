"""Build models of keras.applications, with Keras's own weights or random ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import artefact, deepdream, export_keras, keras_side, signature
from .loader import CheckResult, Job, counted
from .loader import Loader as Base


class Loader(Base):
    """`keras.applications.<Name>(weights="imagenet")`, served from Keras's own cache layout.

    The artefact holds `application.json` and, in `models/`, the files as Keras names them.
    """

    frameworks = ("tensorflow", "pytorch", "jax")
    modules = keras_side.MODULES

    def import_(self, job: Job) -> None:
        """Import Keras on the framework asked for."""
        self.keras = keras_side.Keras.imported(job)

    def load(self, job: Job) -> Any:
        """Build the model; Keras finds its weights where it would have downloaded them."""
        self.tf32 = self.keras.prepare(job)
        self.root = artefact.root(job)
        told = artefact.read_json(self.root / "application.json") if self.root.is_dir() else {}
        hints = job.get("hints") or {}
        named = job.get("architecture") or hints.get("application") or told.get("application")
        name = str(named or "")
        build = (
            getattr(self.keras.library.applications, name, None) if name.isidentifier() else None
        )
        if not callable(build):
            raise ValueError(f"keras.applications has no {name or 'application named'}")
        given: dict[str, Any] = {"weights": None}
        if told.get("include_top") is False:
            given["include_top"] = False
        if job["recipe"].get("weights") == "random":
            self.keras.reset(None, job)
        else:
            given["weights"] = "imagenet"
            self._lay(self.root / "models")
        with self.keras.on(job):
            model = build(**given)
        self.declared = keras_side.declared(model, job)
        self.channels_first = signature.channels_first(self.declared, job)
        return model

    def _lay(self, models: Path) -> None:
        """Link the artefact's files into the folder where Keras looks before it downloads."""
        cache = self._home() / "models"
        cache.mkdir(parents=True, exist_ok=True)
        for file in sorted(models.iterdir()):
            target = cache / file.name
            if target.is_symlink() or target.exists():
                target.unlink()
            target.symlink_to(file.resolve())

    def _home(self) -> Path:
        """Return Keras's home as Keras decided it when it was imported."""
        if not self.keras.legacy:
            from keras.src.backend import config

            return Path(config.keras_home())
        return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make a picture of the size that the application declares."""
        return keras_side.make(loaded, self.declared, job, seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once without training, or climb its gradient as the recipe asks."""
        if deepdream.steps(job):
            climbs = {"tensorflow": deepdream.in_tensorflow, "torch": deepdream.in_keras_torch}
            if self.keras.backend not in climbs:
                raise NotImplementedError(f"no gradient ascent in Keras on {self.keras.backend}")
            picture = next(iter(inputs.values()))
            return climbs[self.keras.backend](loaded, picture, job, self._note)
        names = [item.name for item in self.declared]
        return self.keras.call(loaded, inputs, names, job)

    def _note(self, tensor: Any) -> None:
        """Keep where a tensor sat."""
        self.keras.seen.add(self.keras.place(tensor))

    def verify(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult | None:
        """Gradient ascent must raise the activation at every step."""
        return deepdream.verify(outputs) if deepdream.steps(job) else None

    def architectures(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield every application; Keras counts parameters by building alone."""
        found = self.keras.library.applications
        for name in sorted(vars(found)):
            build = getattr(found, name)
            if not callable(build) or not name[0].isupper():
                continue
            if not counted(name, job):
                yield {"name": name}
                continue
            model = build(weights=None)
            yield {"name": name, "parameters": int(model.count_params())}
            del model
            self.keras.library.backend.clear_session()

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed every generator."""
        self.keras.reset(loaded, job)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Every weight of the live model is in the file that was laid."""
        files = sorted((self.root / "models").iterdir())
        if len(files) != 1:
            text = f"{len(files)} files of weights were laid, one was expected"
            return CheckResult.failed("weights", "weights_unread", text)
        named = self.keras.live(loaded)
        return keras_side.compare(named, files[0])

    def export(self, loaded: Any, job: Job) -> None:
        """Write a SavedModel or a LiteRT file."""
        export_keras.export(loaded, job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Variables and outputs sit where they were asked to."""
        return self.keras.placed(loaded, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the backend says."""
        return self.keras.device_facts(job)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the application, the backend and the number of parameters."""
        return {
            "class": str(loaded.name),
            "library": self.keras.library.__name__.partition(".")[0],
            "dtype": str(loaded.compute_dtype),
            "backend": self.keras.backend,
            "parameters": int(loaded.count_params()),
        }
