"""Load a torch.hub repository's entry point, from a folder that was fetched before."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import urllib.error
from pathlib import Path
from typing import Any

from . import artefact, torch_home, torch_weights
from .failure import LoadsOnly, NeedsNetwork, Refused
from .loader import CheckResult, Job
from .torch_module import TorchLoader


class Loader(TorchLoader):
    """`torch.hub.load(folder, entry, source="local")`, its downloads served from the artefact.

    An entry point that takes `pretrained` or `weights` and leaves weights out by default is
    asked for them.
    """

    def load(self, job: Job) -> Any:
        """Call the entry point; raises `LoadsOnly` where it returns no module."""
        import torch

        root = artefact.root(job)
        self.told = artefact.read_json(root / "torchhub.json")
        if not self.told.get("entry"):
            raise FileNotFoundError("torchhub.json names no entry point")
        torch_home.fill(root / "checkpoints")
        repo, entry = root / "repo", str(self.told["entry"])
        self._installed()
        self.options = self._options(repo, entry, job)
        try:
            found = torch.hub.load(str(repo), entry, source="local", **self.options)
        except (urllib.error.URLError, OSError) as error:
            if isinstance(error, urllib.error.URLError) or not getattr(error, "filename", None):
                raise NeedsNetwork(self._need()) from error
            raise
        module = first_module(found)
        if module is None:
            kind = type(found).__name__
            raise LoadsOnly(f"the entry point {entry} returns a {kind}: no module to run")
        return self.adopt(module, job)

    def _installed(self) -> None:
        """Raise `ModuleNotFoundError` for packages that the repository says it needs."""
        names = [str(name) for name in self.told.get("dependencies") or ()]
        lacking = [name for name in names if importlib.util.find_spec(name) is None]
        if lacking:
            text = f"hubconf.py says that it needs {', '.join(names)}; {', '.join(lacking)} "
            text += f"{'is' if len(lacking) == 1 else 'are'} not installed"
            raise ModuleNotFoundError(text, name=lacking[0])

    def _options(self, repo: Path, entry: str, job: Job) -> dict[str, Any]:
        """Return the keywords to call the entry point with: the recipe's, and for its weights."""
        random = job["recipe"].get("weights") == "random"
        options = {
            key: value
            for key, value in (job["recipe"].get("options") or {}).items()
            if key not in ("infinite_outputs", "static_shapes", "ascent")
        }
        takes = self._takes(repo, entry)
        named = next((name for name in ("pretrained", "weights") if _chooses(takes, name)), None)
        if named is None and random:
            raise Refused(f"the entry point {entry} takes no option to leave its weights out")
        if named is not None and named not in options and (random or not takes[named].default):
            wanted = {"pretrained": not random, "weights": None if random else "DEFAULT"}
            options[named] = wanted[named]
        return options

    def _takes(self, repo: Path, entry: str) -> dict[str, inspect.Parameter]:
        """Return an entry point's parameters: hubconf.py is run, as torch.hub does it too."""
        spec = importlib.util.spec_from_file_location("hubconf", repo / "hubconf.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError("the repository has no hubconf.py")
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(repo))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(repo))
        found = getattr(module, entry, None)
        if not callable(found):
            return {}  # torch.hub says it in its own words
        try:
            return dict(inspect.signature(found).parameters)
        except (TypeError, ValueError):
            return {}

    def _need(self) -> str:
        """Say what the entry point wanted to download."""
        urls = [str(url) for url in self.told.get("unfetched") or ()]
        what = ", ".join(urls[:3]) if urls else "what could not be read from its code"
        return f"the entry point downloads {what}; there is no network where models run"

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Compare with the checkpoints, else with the weight files of the repository itself."""
        root = artefact.root(job)
        files = torch_weights.files_below(root / "checkpoints")
        return torch_weights.compare([*files, *torch_weights.files_below(root / "repo")], loaded)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the call beside what is said of any module."""
        words = [repr(str(self.told["entry"]))]
        words += [f"{name}={value!r}" for name, value in self.options.items()]
        return {**super().facts(loaded, job), "call": ", ".join(words)}


def _chooses(takes: dict[str, inspect.Parameter], name: str) -> bool:
    """Tell whether an option says with which weights a model is made.

    `weights` counts where it is torchvision's, by its annotation: elsewhere it may be a path.
    """
    item = takes.get(name)
    return item is not None and (name == "pretrained" or "Weights" in str(item.annotation))


def first_module(found: Any) -> Any:
    """Return the module that an entry point returned, also among several things."""
    import torch

    if isinstance(found, torch.nn.Module):
        return found
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return next((item for item in found if isinstance(item, torch.nn.Module)), None)
    return None
