"""Failures of TensorFlow, Keras 3, LiteRT inside TensorFlow, and transformers without torch."""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
WORK = pathlib.Path(os.environ["PROVOKE_IN"])

import h5py  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from provoking import main, provokes  # noqa: E402


def small(*layers):
    """Build a small model."""
    return keras.Sequential([keras.Input((4,)), *(layers or (keras.layers.Dense(2),))])


@provokes("keras.compile-string-metric")
def _():
    model = small()
    model.compile(loss="mse", metrics=["mse"])
    model.save(WORK / "compiled.h5")
    keras.models.load_model(WORK / "compiled.h5")


@provokes("keras.h5-two-inputs")
def _():
    keras.layers.Dense(2)([keras.Input((4,)), keras.Input((4,))])


@provokes("keras.h5-v2-to-v3")
def _():
    image = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.DepthwiseConv2D(3)])
    image.save(WORK / "older.h5")
    with h5py.File(WORK / "older.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["groups"] = 1
        file.attrs["model_config"] = json.dumps(config).encode()
    keras.models.load_model(WORK / "older.h5")


@provokes("keras.h5-v2-to-v3")
def _():
    keras.optimizers.Adam.from_config({"lr": 0.1})


@provokes("keras.lambda-safe-mode")
def _():
    small(keras.layers.Lambda(lambda x: x * 2)).save(WORK / "lambda.keras")
    keras.models.load_model(WORK / "lambda.keras")


@provokes("keras.layer-count")
def _():
    small().save_weights(WORK / "one.weights.h5")
    small(keras.layers.Dense(2), keras.layers.Dense(3)).load_weights(WORK / "one.weights.h5")


@provokes("hub.kaggle-consent")
def _():
    import http.server
    import threading

    class Kaggle(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"code": 403, "message": "User has not consented"}'
            self.send_response(403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kaggle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    import requests
    from kagglehub.exceptions import handle_call

    def ask():
        requests.get(f"http://127.0.0.1:{server.server_port}/models", timeout=10).raise_for_status()

    handle_call(ask)


class Own(keras.layers.Layer):
    """A layer that nothing registers."""

    def call(self, x):
        """Pass through."""
        return x


@provokes("keras.unknown-layer")
def _():
    small(Own()).save(WORK / "unknown.h5")
    keras.models.load_model(WORK / "unknown.h5")


@provokes("keras.unknown-layer")
def _():
    small(Own()).save(WORK / "unknown.keras")
    path = WORK / "unknown2.keras"
    import zipfile

    with zipfile.ZipFile(WORK / "unknown.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.replace(b"Own", b"Gone") if name == "config.json" else text)
    keras.models.load_model(path)


@provokes("keras3.savedmodel-unsupported")
def _():
    small().export(WORK / "exported", verbose=False)
    keras.models.load_model(WORK / "exported")


@provokes("keras.file-corrupt")
def _():
    (WORK / "page.h5").write_text("<!DOCTYPE html>")
    keras.models.load_model(WORK / "page.h5")


@provokes("keras.file-corrupt")
def _():
    (WORK / "page.keras").write_text("<!DOCTYPE html>")
    keras.models.load_model(WORK / "page.keras")


@provokes("litert.bad-model")
def _():
    tf.lite.Interpreter(model_content=b"<!DOCTYPE html> and more text than a header")


class Words(tf.Module):
    """A program with an operator that LiteRT lacks."""

    @tf.function(input_signature=[tf.TensorSpec([2], tf.string)])
    def __call__(self, x):
        """Replace by a regular expression."""
        return tf.strings.regex_replace(x, "a", "b")


def converter():
    """Make a converter for the program above."""
    words = Words()
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [words.__call__.get_concrete_function()], words
    )


@provokes("litert.convert")
def _():
    converter().convert()


@provokes("litert.flex")
def _():
    made = converter()
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    tf.lite.Interpreter(model_content=made.convert()).allocate_tensors()


@provokes("tf.savedmodel-missing")
def _():
    (WORK / "nothing").mkdir()
    tf.saved_model.load(str(WORK / "nothing"))


@provokes("tf.savedmodel-missing")
def _():
    tf.saved_model.save(Words(), str(WORK / "cut_off"))
    for file in (WORK / "cut_off" / "variables").iterdir():
        file.unlink()
    tf.saved_model.load(str(WORK / "cut_off"))


@provokes("tf.op-not-registered")
def _():
    tf.saved_model.save(Words(), str(WORK / "foreign"))
    from tensorflow.core.protobuf import saved_model_pb2

    path = WORK / "foreign" / "saved_model.pb"
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(path.read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if "RegexReplace" in node.op:
                node.op = "NobodysOp"
    path.write_bytes(saved.SerializeToString())
    tf.saved_model.load(str(WORK / "foreign"))


@provokes("tf.add-slot")
def _():
    tf.saved_model.load(str(WORK / "keras_two"))


@provokes("litert.edgetpu")
def _():
    made = converter()
    made.allow_custom_ops = True
    old, new = b"StaticRegexReplace", b"edgetpu-custom-op"
    flat = made.convert()
    assert old in flat
    length = (len(old).to_bytes(4, "little"), len(new).to_bytes(4, "little"))
    tf.lite.Interpreter(
        model_content=flat.replace(length[0] + old, length[1] + new + b"\0")
    ).allocate_tensors()


@provokes("tfhub.tf1-module")
def _():
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(WORK / "two_graphs"))
    with v1.Graph().as_default(), v1.Session() as session:
        v1.get_variable("v", [1])
        session.run(v1.global_variables_initializer())
        builder.add_meta_graph_and_variables(session, [])
        builder.add_meta_graph(["train"])
    builder.save()
    tf.saved_model.load(str(WORK / "two_graphs"))


@provokes("pt.oom")
def _():
    import numpy

    numpy.ones(10**15)


@provokes("hf.torch-lib-missing")
def _():
    import transformers

    transformers.BertModel(transformers.BertConfig())


@provokes("hf.tf-class-removed")
def _():
    from transformers import TFAutoModel  # noqa: F401


@provokes("hf.optional-dep-missing")
def _():
    from transformers.utils import requires_backends

    requires_backends(type("Seer", (), {}), ["timm"])


main()
