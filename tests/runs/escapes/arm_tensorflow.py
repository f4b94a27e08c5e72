"""Write graphs that reach out, graphs that are as they should be, a Lambda layer; say the ops.

Writes one line of JSON: TensorFlow's whole registry, and whether a PyFunc ran here, the only
process in which its callback is registered.
"""

import json
import sys
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session

SPEC = [tf.TensorSpec([1], tf.float32, name="x")]


def save(folder, body, **assets):
    """Save a module with one signature."""
    module = tf.Module()
    module.v = tf.Variable([1.0])
    for name, asset in assets.items():
        setattr(module, name, asset)
    module.call = tf.function(lambda x: {"y": body(module, x)}, input_signature=SPEC)
    tf.saved_model.save(module, str(folder), signatures=module.call)


def write_file(path):
    def body(module, x):
        tf.io.write_file(str(path), "was here")
        return x * module.v

    return body


def py_func(path):
    def python(x):
        Path(path).write_text("was here")
        return x

    return lambda module, x: tf.ensure_shape(tf.numpy_function(python, [x], tf.float32), [1])


def with_vocabulary(folder):
    vocabulary = folder.parent / "vocabulary.txt"
    vocabulary.write_text("a\nb\n")
    init = tf.lookup.TextFileInitializer(
        str(vocabulary), tf.string, 0, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    table = tf.lookup.StaticHashTable(init, -1)

    def body(module, x):
        tf.print("x is", x)
        return x * module.v + tf.cast(module.table.lookup(tf.constant(["b"])), tf.float32)

    save(folder, body, table=table)


def of_version_1(folder):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [1], name="x")
        v = tf.compat.v1.get_variable("v", [1])
        y = tf.identity(x * v, name="y")
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.saved_model.simple_save(session, str(folder), {"x": x}, {"y": y})


def edited(source, folder, change):
    """Write a copy of a SavedModel's graph in which one thing is changed."""
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((source / "saved_model.pb").read_bytes())
    change(model.meta_graphs[0])
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())


def saving_on_restore(meta):
    """Make the restoring of a version 1 model save somewhere first."""
    save_op = next(node for node in meta.graph_def.node if node.op == "SaveV2")
    evil = meta.graph_def.node.add()
    evil.CopyFrom(save_op)
    evil.name = "evil"
    restore = next(n for n in meta.graph_def.node if n.name == meta.saver_def.restore_op_name)
    restore.input.append("^evil")


def saving_in_the_signature(meta):
    """Let the signature's output wait for the saver."""
    output = meta.signature_def["serving_default"].outputs["y"].name.partition(":")[0]
    node = next(node for node in meta.graph_def.node if node.name == output)
    node.input.append("^" + meta.saver_def.save_tensor_name.partition(":")[0])


def printing_to_a_file(meta):
    for function in meta.graph_def.library.function:
        for node in function.node_def:
            if node.op == "PrintV2":
                node.attr["output_stream"].s = b"file:///tmp/printed"


def main(out, home):
    save(out / "write-file", write_file(home / "write-file"))
    with_vocabulary(out / "vocabulary")
    of_version_1(out / "version-1")
    edited(out / "version-1", out / "saving-on-restore", saving_on_restore)
    edited(out / "version-1", out / "saving-in-signature", saving_in_the_signature)
    edited(out / "vocabulary", out / "printing", printing_to_a_file)
    save(out / "save-in-function", lambda module, x: saved(home, x))
    dataset = lambda module, x: next(iter(tf.data.TextLineDataset([str(home / "a")]).take(1)))  # noqa: E731
    save(
        out / "dataset",
        lambda module, x: x + tf.cast(tf.strings.length(dataset(module, x)), tf.float32),
    )
    frozen = tf.function(
        lambda x: x + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)
    )
    graph = frozen.get_concrete_function(SPEC[0]).graph.as_graph_def()
    (out / "frozen.pb").write_bytes(graph.SerializeToString())

    (out / "lambda").mkdir()
    path = str(home / "lambda")
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Lambda(
                lambda x: (open(path, "w").write("was here"), x)[1],  # noqa: SIM115, PTH123
                output_shape=(2,),
            ),
        ]
    )
    (home / "lambda").unlink(missing_ok=True)
    model.save(out / "lambda" / "model.keras")
    (home / "lambda").unlink(missing_ok=True)

    save(out / "py-func", py_func(home / "py-func"))
    loaded = tf.saved_model.load(str(out / "py-func"))
    loaded.signatures["serving_default"](x=tf.constant([1.0]))
    ran = (home / "py-func").exists()
    (home / "py-func").unlink(missing_ok=True)
    registry = op_def_pb2.OpList.FromString(
        pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    )
    ops = {
        op.name: [arg.name for arg in op.input_arg] + [attr.name for attr in op.attr]
        for op in registry.op
    }
    sys.stdout.write(json.dumps({"py_func_ran": ran, "ops": ops}) + "\n")


def saved(home, x):
    tf.raw_ops.SaveV2(
        prefix=str(home / "checkpoint"), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
    )
    return x


main(Path(sys.argv[1]), Path(sys.argv[2]))
