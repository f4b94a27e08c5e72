"""Load modules with TensorFlow Hub's library: `hub.load`, or `hub.KerasLayer` in a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import tensorflow_side, tf_functions, tree
from .loader import Job
from .saved_model import Loader as SavedModel


class Loader(SavedModel):
    """`hub.load(folder)`; with {"api": "KerasLayer", "keras": 2 or 3}, a layer in a Sequential."""

    modules = {"tensorflow": ("tensorflow", "tensorflow_hub")}  # noqa: RUF012
    call_first = True

    def import_(self, job: Job) -> None:
        """Import TensorFlow Hub's library."""
        super().import_(job)
        import tensorflow_hub

        self.hub = tensorflow_hub

    def open(self, home: Path, job: Job) -> Any:
        """Call the library; its resolver takes a local folder as it is."""
        return self.hub.load(str(home))

    def load(self, job: Job) -> tf_functions.Entry:
        """Load the module, as a layer of a Keras model if the recipe says so."""
        found = super().load(job)
        options = job["recipe"]["options"]
        if options.get("api") not in (None, "load", "KerasLayer"):
            raise ValueError(f"no call of TensorFlow Hub's is named {options['api']!r}")
        if options.get("api") != "KerasLayer":
            return found
        keras = self._keras(int(options.get("keras", 2)))
        given: dict[str, Any] = {}
        if found.name != "__call__":
            given = {"signature": found.name, "signature_outputs_as_dict": True}
        with self.tf.device(tensorflow_side.device_name(job)):
            layer = self.hub.KerasLayer(str(self.home), **given)
            model = self._model(keras, layer, found)
        return tf_functions.Entry(
            f"KerasLayer in Keras {keras.__version__}",
            found.declared,
            lambda values: self._ask(model, found, values),
            list(layer.variables) or found.variables,
        )

    def _keras(self, major: int) -> Any:
        """Import Keras 2 (`tf_keras`) or Keras 3 (`keras`), whichever the recipe names."""
        if major == 2:
            import tf_keras as keras
        else:
            os.environ["KERAS_BACKEND"] = "tensorflow"
            import keras
        found = int(keras.__version__.partition(".")[0])
        if found != major:
            raise RuntimeError(f"asked for Keras {major}, found {keras.__version__}")
        return keras

    def _model(self, keras: Any, layer: Any, found: tf_functions.Entry) -> Any:
        """Build a model of the layer: Sequential, or in Keras 2 functional for several tensors."""
        many = len(found.declared) > 1 or found.results > 1
        if not many or int(keras.__version__.partition(".")[0]) > 2:
            return keras.Sequential([layer])
        given = {
            item.name: keras.Input(
                name=item.name.partition(":")[0],
                batch_shape=item.shape,
                dtype=item.dtype,
            )
            for item in found.declared
        }
        packed = given if len(given) > 1 else next(iter(given.values()))
        return keras.Model(packed, layer(packed))

    def _ask(self, model: Any, found: tf_functions.Entry, values: dict[str, Any]) -> Any:
        """Call the model on one tensor, or on a dictionary of them."""
        given = {key: tensorflow_side.tensor(value) for key, value in values.items()}
        if len(given) == 1:
            (given,) = given.values()
        result = model(given)
        return dict(tree.leaves(result, self.tf.is_tensor))
