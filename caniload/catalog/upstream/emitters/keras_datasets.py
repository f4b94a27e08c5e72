"""keras.datasets: every `load_data`, with the files whose hash it writes out."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Iterator
from typing import Any

from .lines import dataset, emit
from .written import checksums


def main() -> None:
    """Emit one line a dataset."""
    emit("keras-datasets", "keras", _modules())


def _modules() -> Iterator[dict[str, Any]]:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    for name, module in sorted(inspect.getmembers(keras.datasets, inspect.ismodule)):
        if not hasattr(module, "load_data"):
            continue
        tree = ast.parse(inspect.getsource(inspect.getmodule(module.load_data)))
        functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
        yield dataset(
            name,
            frameworks=["jax", "pytorch", "tensorflow"],
            library="keras",
            call=f"keras.datasets.{name}.load_data()",
            checksums=[one for each in functions for one in checksums([each])],
        )
