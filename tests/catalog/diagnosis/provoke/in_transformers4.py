"""Failures of transformers 4, which still has TensorFlow classes, and of what surrounds them."""

import importlib
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_OFFLINE"] = "1"
WORK = pathlib.Path(os.environ["PROVOKE_IN"])

import numpy  # noqa: E402
import transformers  # noqa: E402
from provoking import main, provokes  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

TINY = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 32,
}


def directory(name, **files):
    """Make a model directory with a tiny configuration."""
    path = WORK / ("four_" + name)
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(TINY))
    for file, text in files.items():
        (path / file.replace("__", ".")).write_text(text)
    return path


@provokes("hf.safetensors-format-metadata")
def _():
    path = directory("nameless")
    save_file({"x": numpy.ones(1, "float32")}, str(path / "model.safetensors"), {"format": "np"})
    transformers.AutoModel.from_pretrained(path)


@provokes("hf.tf-safetensors-handle")
def _():
    path = directory("torch")
    save_file({"x": numpy.ones(1, "float32")}, str(path / "model.safetensors"), {"format": "pt"})
    transformers.TFBertModel.from_pretrained(path)


@provokes("hf.torch-weights-only-in-other-framework")
def _():
    transformers.AutoModel.from_pretrained(directory("other", tf_model__h5="weights"))


@provokes("hf.tokenizer-class-missing")
def _():
    chosen = json.dumps({"tokenizer_class": "NobodysTokenizer"})
    transformers.AutoTokenizer.from_pretrained(directory("words", tokenizer_config__json=chosen))


@provokes("hf.tf-lib-missing")
def _():
    inside = transformers.utils.import_utils
    kept, inside._tf_available = inside._tf_available, False
    try:
        transformers.utils.requires_backends(type("TFReader", (), {}), ["tf"])
    finally:
        inside._tf_available = kept


@provokes("hf.keras3-unsupported")
def _():
    names = ("tf_keras", "transformers.activations_tf")  # what another class imported already
    kept = {name: sys.modules.pop(name, None) for name in names}
    sys.modules["tf_keras"] = None
    try:
        importlib.import_module("transformers.activations_tf")
    finally:
        for name, module in kept.items():
            sys.modules.pop(name, None)
            if module:
                sys.modules[name] = module


@provokes("jax.flax-removed")
def _():
    from flax import optim  # noqa: F401


@provokes("jax.params-mismatch")
def _():
    from flax import linen

    linen.Dense(2).apply({"params": {"kernel": numpy.ones((3, 2))}}, numpy.ones((1, 4)))


@provokes("jax.params-mismatch")
def _():
    from flax import linen

    linen.Dense(2).apply({"params": {"bias": numpy.ones(2)}}, numpy.ones((1, 4)))


@provokes("keras.h5-v3-to-v2")
def _():
    import keras
    import tf_keras

    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(WORK / "three.h5")
    tf_keras.models.load_model(WORK / "three.h5")


def with_optimizer():
    """Leave a SavedModel that Keras 2 wrote with its optimizer, for a process without Keras 2."""
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(4,))])
    model.compile(tf_keras.optimizers.legacy.Adam(), "mse")
    model.fit(numpy.ones((2, 4)), numpy.ones((2, 2)), verbose=0)
    model.save(WORK / "keras_two")


with_optimizer()
main()
