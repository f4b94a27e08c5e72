"""Build timm's models, with weights from a folder in the form of timm's Hugging Face ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import artefact, torch_inputs, torch_weights
from .loader import CheckResult, Job, counted
from .torch_module import TorchLoader


class Loader(TorchLoader):
    """`timm.create_model("local-dir:<folder>", pretrained=True)`."""

    modules = {"pytorch": ("torch", "timm")}  # noqa: RUF012
    guesses = False

    def import_(self, job: Job) -> None:
        """Import timm."""
        import timm

        self.timm = timm
        self.begin(job)

    def load(self, job: Job) -> Any:
        """Build the model that config.json names, or an architecture by its name."""
        random = job["recipe"].get("weights") == "random"
        name = job.get("architecture")
        if random and name:
            return self.adopt(self.timm.create_model(name, pretrained=False), job)
        model = self.timm.create_model(f"local-dir:{self._folder(job)}", pretrained=not random)
        return self.adopt(model, job)

    def _folder(self, job: Job) -> Path:
        """Return the artefact's folder, or one of links to what its format names.

        timm takes safetensors before all else that lies in a folder.
        """
        home = artefact.folder(job)
        files = self._files(job)
        others = {path.name for path in home.iterdir() if path.suffix in torch_weights.SUFFIXES}
        if not files or others <= {path.name for path in files}:
            return home
        folder = Path(tempfile.mkdtemp(prefix="timm-"))
        for path in (home / "config.json", *files):
            (folder / path.name).symlink_to(path.resolve())
        return folder

    def _files(self, job: Job) -> list[Path]:
        """Return the weight files of the artefact's format."""
        home, form = artefact.folder(job), job["artefact"].get("format")
        found = artefact.safetensors_files(home)
        if found and form in (None, "safetensors"):
            return found
        found = artefact.pickle_files(home)
        if found and form in (None, "bin"):
            return found
        files = [path for path in torch_weights.files_below(home) if path.parent == home]
        return [path for path in files if path.suffix != ".safetensors"]

    def adapters(self, loaded: Any, job: Job) -> Iterator[torch_inputs.Adapter]:
        """Yield pictures of the size that the model's configuration says."""
        given = self.known(job)
        config = getattr(loaded, "pretrained_cfg", None) or {}
        size = config.get("input_size") or (3, 224, 224)
        names = [item.name for item in self.arguments(loaded) if item.required]
        made = {name: {"kind": "image", "shape": [1, *map(int, size)]} for name in names}
        yield {**made, **given}

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare with the folder's weight files."""
        return torch_weights.compare(self._files(job), loaded)

    def architectures(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield every architecture; parameters are counted by building without storage."""
        import torch

        for name in self.timm.list_models():
            if not counted(name, job):
                yield {"name": name}
                continue
            try:
                with torch.device("meta"):
                    model = self.timm.create_model(name, pretrained=False)
            except Exception:  # noqa: BLE001 (that it does not build so is not the finding)
                yield {"name": name, "parameters": None}
                continue
            yield {"name": name, "parameters": sum(value.numel() for value in model.parameters())}
