"""Model Garden: every experiment that tf-models-official registers, with what it is made of.

Importing `tensorflow_models` registers only some, so each module that says that it registers an
experiment is imported. A module that cannot be (the package leaves some of its requirements
out) still has its experiments listed, by the names that it writes out.
"""

from __future__ import annotations

import ast
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .lines import emit, source

MARK = "register_config_factory"

TASKS = {
    "CenterNetTask": "object-detection",
    "DetrTask": "object-detection",
    "ImageClassificationTask": "image-classification",
    "MaskedLMConfig": "fill-mask",
    "MaskRCNNTask": "object-detection",
    "PanopticDeeplabTask": "image-segmentation",
    "QuantizedModelQAConfig": "question-answering",
    "QuestionAnsweringConfig": "question-answering",
    "RetinaNetTask": "object-detection",
    "SemanticSegmentationTask": "image-segmentation",
    "SemanticSegmentation3DTask": "image-segmentation",
    "SentencePredictionConfig": "text-classification",
    "TaggingConfig": "token-classification",
    "TranslationConfig": "translation",
    "VideoClassificationTask": "video-classification",
    "YoloTask": "object-detection",
    "YoloV7Task": "object-detection",
}
"""The class of an experiment's task configuration, in the words of pipeline tags."""


def main() -> None:
    """Emit one line an experiment."""
    emit("garden", "tf-models-official", _experiments())


def _experiments() -> Iterator[dict[str, Any]]:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from official.core import exp_factory

    written = _written()
    failed = set()
    for module in sorted(set(written.values())):
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001
            failed.add(module)
    for name, module in sorted(written.items()):
        experiment = None if module in failed else exp_factory.get_exp_config(name)
        task = experiment and type(experiment.task).__name__
        yield source(
            f"garden:{name}",
            name,
            architecture=_model(experiment) if experiment else None,
            tasks=[TASKS[task]] if task in TASKS else [],
            frameworks=["tensorflow"],
            loaders=["model-garden"],
            formats=["garden"],
            facts={"module": module, "task": task},
        )


def _model(experiment: Any) -> str | None:
    """Name the backbone, or the encoder, that an experiment's model is configured with."""
    model = getattr(experiment.task, "model", None)
    for part in ("backbone", "encoder"):
        kind = getattr(getattr(model, part, None), "type", None)
        if isinstance(kind, str):
            return kind
    return None


def _written() -> dict[str, str]:
    """Return the names that the package's modules register, each with its module."""
    import official

    root = Path(official.__path__[0])
    found = {}
    for path in sorted(root.rglob("*.py")):
        if path.name.endswith("_test.py") or "testing" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if MARK not in text:
            continue
        module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        for name in _registered(ast.parse(text)):
            found[name] = module
    return found


def _registered(tree: ast.Module) -> Iterator[str]:
    """Yield the names of a module's registrations; all of the package's are written out."""
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(MARK):
                yield ast.literal_eval(mark.args[0])
