"""torchvision: every dataset class, the call that reaches it, the files whose hash it states."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

from .lines import dataset, emit
from .written import checksums


def main() -> None:
    """Emit one line a dataset class."""
    emit("torchvision-datasets", "torchvision", _classes())


def _classes() -> Iterator[dict[str, Any]]:
    import sys

    from torchvision import datasets

    for name in sorted(datasets.__all__):
        class_ = getattr(datasets, name)
        if not inspect.isclass(class_) or name in (
            "VisionDataset",
            "wrap_dataset_for_transforms_v2",
        ):
            continue
        tree = ast.parse(inspect.getsource(sys.modules[class_.__module__]))
        bodies = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
        inner = [bodies[each.__name__] for each in class_.__mro__[1:] if _inner(each, bodies)]
        downloads = _takes_download(class_) and not _refuses(bodies[name])
        yield dataset(
            name,
            frameworks=["pytorch"],
            library="torchvision",
            call=_call(name, class_, downloads),
            checksums=checksums([tree, *inner, bodies[name]]),
            facts={"download": 1 if downloads else 0},
        )


def _inner(class_: type, bodies: dict[str, ast.ClassDef]) -> bool:
    """Tell whether a class is a base that its module keeps to itself, whose files are theirs."""
    return class_.__name__.startswith("_") and class_.__name__ in bodies


def _call(name: str, class_: type, downloads: bool) -> str:
    """Write the call with what has to be given."""
    needed = [
        each.name
        for each in inspect.signature(class_).parameters.values()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    given = [*needed, *(["download=True"] if downloads else [])]
    return f"torchvision.datasets.{name}({', '.join(given)})"


def _takes_download(class_: type) -> bool:
    """Tell whether a class, or one that it hands its keywords on to, takes `download`."""
    asked = inspect.signature(class_).parameters
    handed_on = any(each.kind is each.VAR_KEYWORD for each in asked.values())
    return "download" in asked or (handed_on and _takes_download(class_.__mro__[1]))


def _refuses(body: Any) -> bool:
    """Tell whether the class's own download does nothing but raise."""
    for method in body.body:
        if getattr(method, "name", None) == "download":
            steps = [each for each in method.body if not isinstance(each, ast.Expr)]
            return len(steps) == 1 and isinstance(steps[0], ast.Raise)
    return False
