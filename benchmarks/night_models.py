"""Write the models of the benchmark night: small ones with seeded weights, and MiniLM twenty times.

python benchmarks/night_models.py ENVS MINILM

ENVS holds caniload's built environments, MINILM is the folder of all-MiniLM-L6-v2. The models go
to `benchmarks/night-models/`, which is not committed; `benchmarks/night.toml` names each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODELS = HERE / "night-models"

TRANSFORMERS = """
import sys
import torch
from transformers import (BertConfig, BertModel, DistilBertConfig, DistilBertModel, GPT2Config,
                          GPT2Model)
out = sys.argv[1]
for n in range(10):
    torch.manual_seed(n)
    BertModel(BertConfig(vocab_size=2000, hidden_size=128, num_hidden_layers=2 + n % 3,
              num_attention_heads=4, intermediate_size=256)).save_pretrained(f"{out}/bert-{n:02}")
    DistilBertModel(DistilBertConfig(vocab_size=2000, dim=128, n_layers=2, n_heads=4,
                    hidden_dim=256)).save_pretrained(f"{out}/distilbert-{n:02}")
    GPT2Model(GPT2Config(vocab_size=2000, n_embd=128, n_layer=2, n_head=4)).save_pretrained(
        f"{out}/gpt2-{n:02}")


class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = torch.nn.Conv2d(3, width, 3, 2)
        self.last = torch.nn.Linear(width, 10)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)).mean((2, 3)))


x = torch.rand(1, 3, 32, 32)
for n in range(20):
    torch.manual_seed(n)
    net = Net(8 + n).eval()
    if n < 10:
        torch.jit.trace(net, x).save(f"{out}/script-{n:02}.pt")
    torch.onnx.export(net, (x,), f"{out}/conv-{n:02}.onnx", input_names=["x"],
                      output_names=["y"], dynamo=False)
"""

KERAS = """
import sys
import keras
import tensorflow as tf
out = sys.argv[1]


def net(width):
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(width, 3, 2),
        keras.layers.ReLU(), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)])


for n in range(25):
    keras.utils.set_random_seed(n)
    model = net(8 + n)
    if n < 10:
        model.save(f"{out}/dense-{n:02}.h5")
    model.compile(loss="mse")
    model.save(f"{out}/dense-{n:02}.keras")
    if n < 10:
        model.export(f"{out}/saved-{n:02}", verbose=False)
    if n < 20:
        with open(f"{out}/lite-{n:02}.tflite", "wb") as file:
            file.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
"""


def main() -> int:
    """Write everything anew."""
    if len(sys.argv) != 3:
        sys.stderr.write(__doc__ or "")
        return 2
    envs, minilm = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(MODELS, ignore_errors=True)
    MODELS.mkdir()
    for n in range(20):
        shutil.copytree(minilm, MODELS / f"minilm-{n:02}")
    for name, code in (("pytorch", TRANSFORMERS), ("tensorflow", KERAS)):
        python = envs / name / "bin" / "python"
        subprocess.run([python, "-c", code, MODELS], check=True)
    sys.stdout.write(f"{len(list(MODELS.iterdir()))} models in {MODELS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
