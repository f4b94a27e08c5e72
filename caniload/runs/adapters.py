"""Choose, of what is known about an artefact's files, what holds for the format that is read.

One artefact may hold a model as TorchScript and as ONNX, each with inputs of its own: a
torch.hub repository's entry point loads the first and never the second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from caniload.loaders.recognise import format_of
from caniload.records import FetchedArtefact

_INSIDE = {
    "saved-model": ("tf1-saved-model",),
    "torch-hub": ("torchscript", "pt", "safetensors", "pt2"),
    "torchvision": ("pt", "safetensors"),
    "keras-applications": ("h5-weights", "h5"),
    "keras-preset": ("h5-weights",),
    "bin": ("pt",),
    "tf-h5": ("h5-weights", "h5"),
}
"""What the files of a layout are by content, the likelier first."""


def choose(known: Collection[str], artefact: FetchedArtefact, form: str | None) -> str | None:
    """Return the hash of the known file that a format is read from; None if it is none of them.

    `known` are the hashes of files that something is said of.
    """
    root = Path(artefact.root)
    if root.is_file():
        return next((fact.sha256 for fact in artefact.files if fact.sha256 in known), None)
    kinds: dict[str, str] = {}
    for fact in artefact.files:
        if fact.sha256 in known:
            kind = format_of(root / fact.path)
            if kind is not None:
                kinds.setdefault(kind, fact.sha256)
    if form is None:
        return next(iter(kinds.values()), None)
    return next((kinds[kind] for kind in (form, *_INSIDE.get(form, ())) if kind in kinds), None)


def adapter(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs and outputs that are said of a file."""
    return {key: facts[key] for key in ("inputs", "outputs") if key in facts}
