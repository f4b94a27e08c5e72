"""Build torchvision's models, with weights from files that were fetched before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import artefact, pickles, torch_home, torch_inputs, torch_weights
from .loader import CheckResult, Job, counted
from .torch_module import TorchLoader

SIZE = 224
FRAMES = 16
"""Frames of a clip."""
FLOW = (128, 128)
"""Sides of a picture for optical flow: RAFT asks for at least 128."""


class Loader(TorchLoader):
    """`torchvision.models.get_model(builder, weights=...)`."""

    modules = {"pytorch": ("torch", "torchvision")}  # noqa: RUF012
    guesses = False

    def import_(self, job: Job) -> None:
        """Import torchvision."""
        import torchvision

        self.models = torchvision.models
        self.begin(job)

    def load(self, job: Job) -> Any:
        """Build the model; its own download finds the artefact's file."""
        root = artefact.root(job)
        told = artefact.read_json(root / "torchvision.json")
        builder = job.get("architecture") or told.get("builder")
        if not builder:
            raise FileNotFoundError("torchvision.json names no builder")
        self.measured = self._default(builder)
        if job["recipe"].get("weights") == "random":
            model = self.models.get_model(builder, weights=None, **self._bare(builder))
            return self.adopt(model, job)
        self.measured = self.models.get_weight(str(told["weights"]))
        pickles.refuse_unsafe(torch_weights.files_below(root / "checkpoints"), job)
        torch_home.fill(root / "checkpoints")
        return self.adopt(self.models.get_model(builder, weights=self.measured), job)

    def _bare(self, builder: str) -> dict[str, Any]:
        """Return what keeps a builder from downloading the weights of its backbone."""
        import inspect

        takes = inspect.signature(self.models.get_model_builder(builder)).parameters
        return {"weights_backbone": None} if "weights_backbone" in takes else {}

    def adapters(self, loaded: Any, job: Job) -> Iterator[torch_inputs.Adapter]:
        """Yield pictures as large as the weights ask for, or clips, or pairs of pictures."""
        given = self.known(job)
        names = [item.name for item in self.arguments(loaded) if item.required]
        family = type(loaded).__module__.split(".")
        side = self._side()
        shape: tuple[int, ...] = (1, 3, side or SIZE, side or SIZE)
        if "video" in family:
            shape = (1, 3, FRAMES, side or SIZE, side or SIZE)
        elif "optical_flow" in family:
            shape = (1, 3, *FLOW)
        made = {name: {"kind": "image", "shape": list(shape)} for name in names}
        yield {**made, **given}

    def given(self, loaded: Any, inputs: dict[str, Any], job: Job) -> tuple[list, dict[str, Any]]:
        """Detectors take a list of pictures."""
        args, named = super().given(loaded, inputs, job)
        if "detection" in type(loaded).__module__.split("."):
            named = {name: list(value) for name, value in named.items()}
        return args, named

    def _default(self, builder: str) -> Any:
        """Return the weights that torchvision names the best of a builder, None without any."""
        try:
            return self.models.get_model_weights(builder).DEFAULT
        except (AttributeError, ValueError):
            return None

    def _side(self) -> int | None:
        """Return the side of the pictures that the weights were measured on, if they say."""
        size = getattr(self.measured.transforms(), "crop_size", None) if self.measured else None
        return int(size[0] if isinstance(size, (list, tuple)) else size) if size else None

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare with the checkpoint."""
        root = artefact.root(job)
        return torch_weights.compare(torch_weights.files_below(root / "checkpoints"), loaded)

    def architectures(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield every registered builder; parameters are counted by building without storage."""
        import torch

        for name in self.models.list_models():
            if not counted(name, job):
                yield {"name": name}
                continue
            try:
                with torch.device("meta"):
                    model = self.models.get_model(name, weights=None, **self._bare(name))
            except Exception:  # noqa: BLE001 (that it does not build so is not the finding)
                yield {"name": name, "parameters": None}
                continue
            count = sum(value.numel() for value in model.parameters())
            yield {"name": name, "parameters": int(count)}
