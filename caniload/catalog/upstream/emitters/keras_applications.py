"""keras.applications: every builder, with the files, hashes and parameters of both its halves.

Each application is built as its default call builds it, in a scope where no variable is given a
value; the call that would download the weights is recorded instead. `url` and `hash` are those
of the whole model, the facts hold those of the model without its classifier (``notop``).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import Any

from .lines import emit, source


def main() -> None:
    """Emit one line a builder."""
    emit("keras-applications", "keras", _builders())


def _builders() -> Iterator[dict[str, Any]]:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras.src.utils import file_utils

    asked: list[tuple[str, str]] = []

    def get_file(
        fname: str, origin: str, cache_subdir: str = "datasets", file_hash: str = ""
    ) -> str:
        asked.append((origin, file_hash or ""))
        return fname

    file_utils.get_file = get_file
    keras.Model.load_weights = lambda self, path: None
    for name, build in inspect.getmembers(keras.applications, inspect.isfunction):
        halves = {}
        for top in (True, False):
            with keras.StatelessScope(initialize_variables=False):
                model = build(include_top=top, weights="imagenet")
            ((url, stated),) = asked
            asked.clear()
            halves[top] = (url, _hash(stated), model.count_params(), model.input_shape)
            keras.utils.clear_session()
        (url, stated, parameters, shape), bare = halves[True], halves[False]
        yield source(
            f"keras:{name}",
            name,
            architecture=build.__module__.rpartition(".")[2],
            tasks=["image-classification", "image-feature-extraction"],
            frameworks=["jax", "pytorch", "tensorflow"],
            loaders=["keras-applications"],
            formats=["keras-applications"],
            parameters=parameters,
            hash=stated,
            url=url,
            facts={
                "input_size": "x".join(str(side) for side in shape[1:]),
                "notop_url": bare[0],
                "notop_hash": bare[1],
                "notop_parameters": bare[2],
            },
        )


def _hash(stated: str) -> Any:
    """Name the algorithm of a hash by its length; Keras does the same."""
    if not stated:
        return None
    return f"{'sha256' if len(stated) == 64 else 'md5'}:{stated}"
