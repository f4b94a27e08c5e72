"""Write tiny files with TensorFlow and both Keras, real ones of every kind, and spoilt ones."""

from __future__ import annotations

import bz2
import gzip
import shutil
import subprocess
from pathlib import Path

KERAS = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

out = Path(sys.argv[1])
name = sys.argv[2]
if name == "keras2":
    import tf_keras as keras
else:
    import keras
layers = keras.layers
home = out / name
home.mkdir(parents=True)
keras.utils.set_random_seed(7)
end = ".h5"


def picture():
    given = keras.Input((8, 8, 3), name="picture")
    x = layers.Conv2D(4, 3, activation="relu")(given)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(3, name="scores")(x))


works = picture()
rng = np.random.default_rng(7)
works.set_weights([rng.uniform(-1.0 if w.ndim > 1 else 0.2, 1.0, w.shape)
                   for w in works.get_weights()])
variants = {"works": lambda w: w, "nan": lambda w: w * np.nan, "zero": lambda w: w * 0,
            "permuted": lambda w: w.ravel()[::-1].reshape(w.shape)}
for case, change in variants.items():
    model = picture()
    model.set_weights([change(w) for w in works.get_weights()])
    model.save(home / f"{case}.h5")
    model.save(home / f"{case}.keras")
    if name == "keras2":
        model.save(home / f"{case}-saved")
        made = tf.lite.TFLiteConverter.from_keras_model(model)
        (home / f"{case}.tflite").write_bytes(made.convert())
works.save_weights(home / ("weights.h5" if name == "keras2" else "alone.weights.h5"))
deep = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(2)])
deep.save(home / "depthwise.h5")
trained = picture()
trained.set_weights(works.get_weights())
old = keras.optimizers.legacy.Adam() if name == "keras2" else "adam"
trained.compile(old, "mse", metrics=["mae"])
if name == "keras2":  # so that the optimizer has slots, as in what Keras before 2.11 wrote
    trained.train_on_batch(np.ones((2, 8, 8, 3)), np.zeros((2, 3)))
trained.save(home / "compiled.h5")
if name == "keras2":
    trained.save(home / "compiled-saved")

stated = keras.Sequential([layers.Input(batch_shape=(1, 4, 2)) if name == "keras3" else
                           layers.Input(batch_input_shape=(1, 4, 2)),
                           layers.GRU(3, stateful=True)])
stated.save(home / f"stateful{end}")
words = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(5, 4), layers.GRU(3)])
words.save(home / f"embedding{end}")
open_ended = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, strides=8),
                               layers.GlobalMaxPooling2D()])
open_ended.save(home / f"open{end}")
a, b = keras.Input((4,), name="left"), keras.Input((2,), name="right")
both = keras.Model({"left": a, "right": b},
                   [layers.Dense(2)(layers.concatenate([a, b])), layers.Dense(1)(b)])
both.save(home / f"several{end}")
doubled = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2), layers.Dense(2)])
for suffix in (".h5", ".keras"):
    doubled.save(home / f"lambda{suffix}")
vector = layers.TextVectorization(output_mode="count")
vector.adapt(["can i load this model", "tokenizers disagree about e mail addresses here 20260101"])
texts = keras.Sequential([keras.Input((1,), dtype="string"), vector, layers.Dense(3)])
if name == "keras2":
    texts.save(home / "texts-saved")
texts.save(home / "texts.keras")

if name == "keras3":
    from keras.src.legacy.saving import legacy_h5_format
    import h5py
    net = keras.applications.MobileNet(weights=None)
    scaled = []
    for held, w in zip(net.weights, net.get_weights()):
        deep_wise = "conv_dw" in held.path
        fan = np.prod(w.shape[:2]) if deep_wise else np.prod(w.shape[:-1])
        scaled.append(rng.normal(0, (2 / fan) ** 0.5, w.shape) if w.ndim > 1 else w)
    net.set_weights(scaled)
    (home / "application" / "models").mkdir(parents=True)
    with h5py.File(home / "application" / "models" / "mobilenet_1_0_224_tf.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, net)
    (home / "application" / "application.json").write_text(
        '{"version": "%s", "application": "MobileNet", "include_top": true}' % keras.__version__)

import h5py
shutil = __import__("shutil")
shutil.copy(home / "works.h5", home / "wrong.h5")
with h5py.File(home / "several.h5") as theirs, h5py.File(home / "wrong.h5", "a") as mine:
    mine.attrs["model_config"] = theirs.attrs["model_config"]
"""

GRAPHS = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf
v1 = tf.compat.v1

out = Path(sys.argv[1]) / "graphs"
out.mkdir(parents=True)
rng = np.random.default_rng(7)
kernel = rng.uniform(0.2, 1.0, (3, 3, 3, 2)).astype("float32")


def frozen(name, build):
    with tf.Graph().as_default() as graph:
        build()
    (out / f"{name}.pb").write_bytes(graph.as_graph_def().SerializeToString())


def network(values):
    def build():
        x = v1.placeholder(tf.float32, [None, 8, 8, 3], name="picture")
        y = tf.nn.conv2d(x, tf.constant(values), 1, "SAME")
        tf.no_op(name="unused")
        tf.identity(tf.reduce_mean(y, [1, 2]), name="means")
        tf.identity(tf.reduce_max(y, [1, 2]), name="tops")
    return build


frozen("works", network(kernel))
frozen("nan", network(kernel * np.nan))
frozen("zero", network(kernel * 0))
frozen("permuted", network(kernel.ravel()[::-1].reshape(kernel.shape)))


def sound():
    data = v1.placeholder(tf.string, [], name="wav_data")
    audio, rate = tf.audio.decode_wav(data, desired_channels=1, desired_samples=16000)
    tf.reduce_mean(tf.abs(tf.reshape(audio, [1, 16, 1000])), -1, name="loudness")


def photo():
    data = v1.placeholder(tf.string, [], name="file")
    pixels = tf.cast(tf.image.decode_jpeg(tf.identity(data), channels=3), tf.float32)
    tf.reduce_mean(pixels, [0, 1], name="colour")


frozen("sound", sound)
frozen("photo", photo)
frozen("writes", lambda: tf.io.write_file(v1.placeholder(tf.string, [], name="x"), "there"))

with tf.Graph().as_default(), v1.Session() as session:
    x = v1.placeholder(tf.float32, [None, 4], name="x")
    w = v1.get_variable("w", initializer=tf.constant(rng.uniform(size=(4, 2)).astype("float32")))
    y = tf.matmul(x, w)
    session.run(v1.global_variables_initializer())
    v1.saved_model.simple_save(session, str(out / "tf1-saved"), {"x": x}, {"y": y})


class Plain(tf.Module):
    def __init__(self):
        self.v = tf.Variable([1.0, 2.0])

    @tf.function
    def __call__(self, x, training=False):
        return {"answer": x * self.v if not training else x * 0}


class One(tf.Module):
    @tf.function
    def score(self, x):
        return tf.reduce_sum(x * x, -1)


class Two(One):
    @tf.function
    def length(self, t):
        return tf.cast(tf.strings.length(t), tf.float32)


class Counts(tf.Module):
    def __init__(self):
        self.calls = tf.Variable(0.0, trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name="x")])
    def __call__(self, x):
        self.calls.assign_add(1.0)
        return x + self.calls


class Untraced(tf.Module):
    @tf.function
    def score(self, x):
        return x


plain = Plain()
for training in (True, False):
    plain(tf.zeros([1, 2]), training=training)
tf.saved_model.save(plain, out / "plain")
for kind in (One, Two, Counts, Untraced):
    made = kind()
    if kind is not Counts and kind is not Untraced:
        made.score(tf.zeros([1, 3]))
    if kind is Two:
        made.length(tf.constant(["traced"]))
        text = tf.TensorSpec([None], tf.string, name="t")
        served = made.length.get_concrete_function(text)
        tf.saved_model.save(made, out / "strings", signatures=served)
    tf.saved_model.save(made, out / kind.__name__.lower())


@tf.function(input_signature=[tf.TensorSpec([], tf.string, name="path")])
def writes(path):
    tf.io.write_file(path, "there")
    return {"done": tf.constant([1.0])}


evil = tf.Module()
evil.f = writes
tf.saved_model.save(evil, out / "evil", signatures=writes)


@tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, name="picture")])
def small(x):
    y = tf.nn.relu(tf.nn.conv2d(x, tf.constant(kernel[:, :, :, :]), 1, "SAME"))
    return tf.tanh(tf.reduce_mean(y, [1, 2]) - 0.5)


def convert(function, **settings):
    holder = tf.Module()
    made = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], holder)
    for key, value in settings.items():
        setattr(made, key, value)
    return made.convert()


(out / "small.tflite").write_bytes(convert(small))
samples = lambda: ([rng.uniform(-1, 1, (1, 8, 8, 3)).astype("float32")] for _ in range(64))
for low, high in ((-1, 1), (0, 255)):
    made = convert(
        small if high == 1 else tf.function(lambda x: small(x / 127.5 - 1.0), input_signature=[
            tf.TensorSpec([1, 8, 8, 3], tf.float32, name="picture")]),
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([rng.uniform(low, high, (1, 8, 8, 3)).astype("float32")]
                                        for _ in range(64)),
        inference_input_type=tf.int8, inference_output_type=tf.int8,
        target_spec=None or tf.lite.TargetSpec(
            supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]))
    (out / f"int8-{high}.tflite").write_bytes(made)


@tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
def flex(x):
    return tf.math.tan(x)


(out / "flex.tflite").write_bytes(convert(flex, target_spec=tf.lite.TargetSpec(
    supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS])))
"""

ENVIRONMENTS = {"keras2": "tf-keras", "keras3": "tensorflow", "graphs": "tf-keras"}


def write(pythons: dict[str, Path], out: Path) -> None:
    """Let the libraries of both environments write their files, and spoil copies by bytes."""
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(out), "TF_CPP_MIN_LOG_LEVEL": "3"}
    running = []
    for name, environment in ENVIRONMENTS.items():
        code = GRAPHS if name == "graphs" else KERAS
        own = {} if name == "keras3" else {"TF_USE_LEGACY_KERAS": "1"}
        command = [str(pythons[environment]), "-c", code, str(out), name]
        log = (out / f"{name}.log").open("w+")
        running.append(
            (subprocess.Popen(command, env={**variables, **own}, stdout=log, stderr=log), log)
        )
    for process, log in running:
        process.wait()
        log.seek(0)
        text = log.read()
        log.close()
        assert process.returncode == 0, text[-3000:]
    for path in ("keras2/works.h5", "keras3/works.keras", "keras2/works.tflite", "graphs/works.pb"):
        whole = out / path
        cut = whole.with_name(f"truncated{whole.suffix}")
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    shutil.copytree(out / "keras2" / "works-saved", out / "keras2" / "truncated-saved")
    graph = out / "keras2" / "truncated-saved" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    alone = (out / "keras2" / "weights.h5").read_bytes()
    (out / "packed.h5.bz2").write_bytes(bz2.compress(alone))
    (out / "packed.h5.gz").write_bytes(gzip.compress(alone))
    whole_gz = gzip.compress((out / "keras2" / "works.h5").read_bytes())
    (out / "whole.h5.gz").write_bytes(whole_gz)
    shutil.copy(out / "keras2" / "works.h5", out / "misnamed.bin")
