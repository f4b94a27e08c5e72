"""Export a Keras model on TensorFlow as a SavedModel or for LiteRT, by its own `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .loader import Job

FORMATS = {"saved-model": ("tf_saved_model", None), "tflite": ("litert", "model.tflite")}
"""Keras's own name of each format, and the file to write; None for the folder itself."""


def export(model: Any, job: Job) -> None:
    """Write the model into `job["export_to"]`; raises what Keras does where it cannot."""
    named = FORMATS.get(job["export_format"])
    if named is None:
        raise NotImplementedError(f"Keras is not asked here to write {job['export_format']}")
    form, file = named
    target = Path(job["export_to"])
    model.export(str(target if file is None else target / file), format=form, verbose=False)
