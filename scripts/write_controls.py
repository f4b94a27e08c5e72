"""Write the artefacts of `caniload/data/controls/`, each with the library whose control it is.

    python scripts/write_controls.py ENVIRONMENTS

ENVIRONMENTS is a folder of built environments by name. Weights are seeded, so that a second run
writes the same numbers; archives carry times, so that their bytes may differ. What is known to
fail is made from what is known to pass, by taking one thing away.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parents[1] / "caniload" / "data" / "controls"

BERT = """
size = dict(vocab_size=64, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=8, max_position_embeddings=32, type_vocab_size=1,
            initializer_range=0.3)
"""

PYTORCH = (
    BERT
    + """
import torch
from torch import nn
from transformers import BertConfig, BertModel

torch.manual_seed(7)
BertModel(BertConfig(**size)).save_pretrained(out / "bert")


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 2, 3), nn.Linear(2, 3)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


torch.jit.script(Small().eval()).save(str(out / "small.torchscript"))

import onnx
from onnx import TensorProto, helper, numpy_helper

weight = numpy_helper.from_array(torch.randn(2, 3, 3, 3).numpy(), "weight")
value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
for name, last in (("small", "Relu"), ("unknown-operator", "NoSuchOperator")):
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pixels", "weight"], ["seen"]),
         helper.make_node(last, ["seen"], ["features"])],
        name, [value("pixels", 1, 3, 8, 8)], [value("features", 1, 2, 6, 6)], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(out / f"{name}.onnx"))
"""
)

TRANSFORMERS_4 = (
    BERT
    + """
import numpy as np
import transformers

config = transformers.BertConfig(**size)
transformers.set_seed(7)
model = transformers.TFBertModel(config)
model(np.ones((1, 4), "int32"))
model.save_pretrained(out / "bert-tf")
transformers.FlaxBertModel(config, seed=7).save_pretrained(out / "bert-flax")
"""
)

KERAS = """
import keras

layers = keras.layers
keras.utils.set_random_seed(7)
given = keras.Input((8, 8, 3), name="picture")
x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, activation="gelu")(given))
model = keras.Model(given, layers.Dense(3, name="scores")(x))
model.save(out / "small.keras")
model.set_weights([value * float("nan") for value in model.get_weights()])
model.save(out / "damaged.keras")
"""

KERAS_2 = """
import numpy as np
import tensorflow as tf
import tf_keras as keras

layers = keras.layers
keras.utils.set_random_seed(7)
given = keras.Input((8, 8, 3), batch_size=1, name="picture")
x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(given))
model = keras.Model(given, layers.Dense(3, name="scores")(x))
model.save(out / "small.h5")
(out / "small.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
kernel = tf.constant(model.get_weights()[0])


class Small(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, name="picture")])
    def __call__(self, picture):
        return {"means": tf.reduce_mean(tf.nn.conv2d(picture, kernel, 1, "SAME"), [1, 2])}


small = Small()
tf.saved_model.save(small, out / "saved-model", signatures=small.__call__)
"""

TIMM = """
import json
import timm
import torch
from safetensors.torch import save_file

torch.manual_seed(7)
args = dict(img_size=16, patch_size=8, embed_dim=8, depth=1, num_heads=2, mlp_ratio=1.0,
            num_classes=3)
model = timm.create_model("vit_tiny_patch16_224", **args)
(out / "timm-vit").mkdir()
save_file(model.state_dict(), out / "timm-vit" / "model.safetensors", {"format": "pt"})
(out / "timm-vit" / "config.json").write_text(json.dumps({
    "architecture": "vit_tiny_patch16_224", "num_classes": 3, "model_args": args,
    "pretrained_cfg": {"input_size": [3, 16, 16], "num_classes": 3, "fixed_input_size": True,
                       "first_conv": "patch_embed.proj", "classifier": "head",
                       "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}, indent=1) + "\\n")
"""

WRITERS = (
    ("pytorch", PYTORCH, {}),
    ("transformers-4", TRANSFORMERS_4, {"TF_USE_LEGACY_KERAS": "1"}),
    ("tensorflow", KERAS, {"KERAS_BACKEND": "tensorflow"}),
    ("tf-keras", KERAS_2, {"TF_USE_LEGACY_KERAS": "1"}),
    ("vision", TIMM, {}),
)


def main() -> None:
    """Write everything anew."""
    environments = Path(sys.argv[1])
    for old in HERE.iterdir():
        if old.name != "controls.yaml":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for environment, code, variables in WRITERS:
        python = environments / environment / "bin" / "python"
        begin = f"import sys\nfrom pathlib import Path\nout = Path({str(HERE)!r})\n"
        quiet = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with tempfile.TemporaryDirectory() as folder:  # TorchScript reads its source from a file
            script = Path(folder) / "write.py"
            script.write_text(begin + code)
            subprocess.run([str(python), str(script)], env={**quiet, **variables}, check=True)
    spoil()


def spoil() -> None:
    """Make what must fail from what must pass."""
    for name in ("bert", "timm-vit"):
        target = HERE / f"{name}-incomplete"
        shutil.copytree(HERE / name, target)
        file = target / "model.safetensors"
        file.write_bytes(without_a_tensor(file.read_bytes()))
    target = HERE / "bert-flax-incomplete"  # the second layer that is promised has no weights
    shutil.copytree(HERE / "bert-flax", target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}) + "\n")
    shutil.copytree(HERE / "bert-tf", HERE / "bert-tf-cut")
    cut(HERE / "bert-tf-cut" / "tf_model.h5")
    for name in ("small.tflite", "small.torchscript", "small.h5"):
        target = HERE / name.replace("small", "cut")
        shutil.copyfile(HERE / name, target)
        cut(target)
    for file in HERE.glob("*.keras"):  # Keras stores, zeros included; this is a tenth
        packed(file)
    shutil.copytree(HERE / "saved-model", HERE / "cut-saved-model")
    cut(HERE / "cut-saved-model" / "saved_model.pb")
    for name, told in (
        ("garden", {"experiment": "mobilenet_imagenet", **VISION}),
        ("garden-unknown", {"experiment": "no_such_experiment", **VISION}),
    ):
        (HERE / name).mkdir()
        (HERE / name / "experiment.json").write_text(json.dumps(told, indent=1) + "\n")


VISION = {"module": "official.vision.configs.image_classification"}


def cut(file: Path) -> None:
    """Leave the first 2,000 bytes, or half where there are fewer."""
    data = file.read_bytes()
    file.write_bytes(data[: min(2000, len(data) // 2)])


def packed(file: Path) -> None:
    """Compress a zip archive."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def without_a_tensor(data: bytes) -> bytes:
    """Return a safetensors file without its last tensor."""
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    stated = entries.pop("__metadata__", None)
    last = max(entries, key=lambda name: entries[name]["data_offsets"][1])
    begin, _ = entries.pop(last)["data_offsets"]
    kept = ({"__metadata__": stated} if stated else {}) | entries
    text = json.dumps(kept, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :][:begin]


if __name__ == "__main__":
    main()
