"""Measure what caniload itself costs a cell, and set a night beside what people do by hand.

python benchmarks/night.py ENVS HOME [PEER_PYTHON]

HOME holds one finished night of `benchmarks/night.toml` (`caniload nightly benchmarks/night.toml
--again --no-verify --workers 1` with CANILOAD_HOME=HOME); ENVS the environments. Each family is
set beside (a) a hand-written script in a fresh process a cell, and (c) the same loads and runs in
one process by hand; MiniLM also beside (b) optimum-benchmark with its process launcher, in
PEER_PYTHON (optimum-benchmark 0.6.0, transformers 4.57.6). Peers run now, on the same machine.

A cell's whole time is that from the end of the cell before it to its own end, journal included;
caniload's own time is the attempt's wall time less load, run and check: import counts as its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

MODELS = Path(__file__).parent / "night-models"
SAMPLES = 3
"""Fresh processes that are timed in each family."""


@dataclass(frozen=True)
class Family:
    """One kind of cells: which of the night's rows, and the same work by hand.

    Its rows are those of the loader in the environment whose handle holds `stem`. `imports` and
    `use` are Python; `use` has `path`, which is a file, a folder or a name.
    """

    name: str
    loader: str
    stem: str
    environment: str
    imports: str
    use: str
    paths: Sequence[str]
    warm: bool = True


def _files(stem: str, number: int, suffix: str = "") -> list[str]:
    return [str(MODELS / f"{stem}-{n:02}{suffix}") for n in range(number)]


IDS = "ids = torch.arange(10, 26).reshape(1, 16)\nwith torch.no_grad(): model(ids)"
PICTURE = "with torch.no_grad(): model(torch.rand(1, 3, 224, 224))"
KERAS = "import keras, numpy as np"
LITE = """i = model(model_path=path)
i.allocate_tensors()
d = i.get_input_details()[0]
i.set_tensor(d["index"], np.random.rand(*d["shape"]).astype("float32"))
i.invoke()
i.get_tensor(i.get_output_details()[0]["index"])"""

FAMILIES = (
    *(
        Family(
            name,
            "transformers",
            f"file:{stem}-",
            "pytorch",
            f"import torch\nfrom transformers import {cls}",
            f"model = {cls}.from_pretrained(path).eval()\n{IDS}",
            _files(stem, number),
        )
        for name, stem, cls, number in (
            ("MiniLM", "minilm", "BertModel", 20),
            ("BERT", "bert", "BertModel", 10),
            ("DistilBERT", "distilbert", "DistilBertModel", 10),
            ("GPT-2", "gpt2", "GPT2Model", 10),
        )
    ),
    Family(
        "timm",
        "timm",
        "",
        "vision",
        "import torch, timm",
        f"model = timm.create_model(path, pretrained=False).eval()\n{PICTURE}",
        ("resnet18", "lcnet_050", "vit_tiny_patch16_224", "tinynet_e", "resnet26"),
    ),
    Family(
        "torchvision",
        "torchvision",
        "",
        "vision",
        "import torch, torchvision",
        f"model = torchvision.models.get_model(path, weights=None).eval()\n{PICTURE}",
        ("resnet18", "mobilenet_v2", "squeezenet1_1", "mnasnet0_5"),
    ),
    Family(
        "TorchScript",
        "torchscript",
        "",
        "pytorch",
        "import torch",
        "model = torch.jit.load(path).eval()\nmodel(torch.rand(1, 3, 32, 32))",
        _files("script", 10, ".pt"),
        warm=False,
    ),
    *(
        Family(
            name,
            "keras-file",
            suffix,
            "tensorflow",
            KERAS,
            "model = keras.models.load_model(path)\n"
            "model(np.random.rand(1, 32, 32, 3).astype('float32'))",
            _files("dense", 10, suffix),
        )
        for name, suffix in ((".keras", ".keras"), ("HDF5", ".h5"))
    ),
    Family(
        "keras.applications",
        "keras-applications",
        "",
        "tensorflow",
        KERAS,
        "model = getattr(keras.applications, path)(weights=None)\n"
        "model(np.random.rand(1, *model.input_shape[1:]).astype('float32'))",
        ("MobileNet", "MobileNetV2", "EfficientNetB0"),
    ),
    Family(
        "LiteRT in TensorFlow",
        "litert",
        "",
        "tensorflow",
        "import numpy as np, tensorflow as tf\nmodel = tf.lite.Interpreter",
        LITE,
        _files("lite", 20, ".tflite"),
    ),
    Family(
        "SavedModel",
        "saved-model",
        "",
        "tensorflow",
        "import numpy as np, tensorflow as tf",
        "model = tf.saved_model.load(path)\n"
        "model.serve(np.random.rand(1, 32, 32, 3).astype('float32'))",
        _files("saved", 10),
        warm=False,
    ),
    Family(
        "ONNX",
        "onnx",
        "",
        "onnxruntime",
        "import numpy as np, onnxruntime",
        "model = onnxruntime.InferenceSession(path)\n"
        "model.run(None, {'x': np.random.rand(1, 3, 32, 32).astype('float32')})",
        _files("conv", 20, ".onnx"),
    ),
    Family(
        "LiteRT",
        "litert",
        "",
        "litert",
        "import numpy as np\nfrom ai_edge_litert.interpreter import Interpreter as model",
        LITE,
        _files("lite", 10, ".tflite"),
    ),
)

PEER = """
import sys
from optimum_benchmark import Benchmark, BenchmarkConfig, InferenceConfig, ProcessConfig
from optimum_benchmark import PyTorchConfig
if __name__ == "__main__":
    Benchmark.launch(BenchmarkConfig(
        name="minilm", launcher=ProcessConfig(), backend=PyTorchConfig(
            model=sys.argv[1], task="feature-extraction", device="cpu", no_weights=False),
        scenario=InferenceConfig(duration=0, iterations=1, warmup_runs=1, latency=True,
            input_shapes={"batch_size": 1, "sequence_length": 16})))
"""


def main() -> int:
    """Print the table as JSON; exit 1 where a limit does not hold."""
    if len(sys.argv) < 3:
        sys.stderr.write(__doc__ or "")
        return 2
    envs, home = Path(sys.argv[1]), Path(sys.argv[2])
    cells = night(home)
    table = {each.name: family(each, envs, cells) for each in FAMILIES}
    if len(sys.argv) > 3:
        mini = table["MiniLM"]
        mini["peer_seconds"] = fresh(Path(sys.argv[3]), PEER, FAMILIES[0].paths)
        mini["peer_ratio"] = round(mini["peer_seconds"] / mini["cell_seconds"], 1)
    own = {
        framework: round(statistics.median(values), 3)
        for framework in ("pytorch", "tensorflow")
        if (values := [row[4] for row in cells if row[1] == framework and row[2] == "warm"])
    }
    faults = limits(table, own)
    told = {"cells": len(cells), "own_seconds": own, "families": table, "faults": faults}
    print(json.dumps(told, indent=1))
    return 1 if faults else 0


def night(home: Path) -> list[tuple]:
    """Return rows: handle, framework, worker, whole and own seconds, outcome, loader, place."""
    found = sorted(home.glob("segments/*/observations.parquet"))[-1]
    return duckdb.sql(f"""
        WITH seen AS (
            SELECT *, date_diff('microsecond', lag(finished_at) OVER (
                ORDER BY finished_at), finished_at) / 1e6 AS whole
            FROM read_parquet('{found}')
        )
        SELECT handle, framework, worker, whole,
            wall_seconds - coalesce((numbers ->> '$.load_seconds')::DOUBLE, 0)
                - coalesce((numbers ->> '$.run_seconds')::DOUBLE, 0)
                - coalesce((numbers ->> '$.check_seconds')::DOUBLE, 0) AS own,
            outcome, loader, environment
        FROM seen WHERE model IS DISTINCT FROM '__control__'
    """).fetchall()


def family(each: Family, envs: Path, cells: list[tuple]) -> dict[str, object]:
    """Set one family's cells beside the same work by hand."""
    mine = [
        row
        for row in cells
        if row[6] == each.loader and row[7] == each.environment and each.stem in row[0]
    ]
    python = envs / each.environment / "bin" / "python"
    script = f"import sys\n{each.imports}\npath = sys.argv[1]\n{each.use}"
    by_hand = fresh(python, script, each.paths)
    whole = statistics.median(row[3] for row in mine)
    return {
        "cells": len(mine),
        "passed": sum(row[5] == "passed" for row in mine),
        "warm": sum(row[2] == "warm" for row in mine),
        "cell_seconds": round(whole, 3),
        "own_seconds": round(statistics.median(row[4] for row in mine), 3),
        "by_hand_seconds": round(by_hand, 3),
        "one_process_seconds": round(together(python, each), 3),
        "ratio": round(by_hand / whole, 2),
    }


def fresh(python: Path, script: str, paths: Sequence[str]) -> float:
    """Return the median wall time of a script in a process of its own, for a few of the paths."""
    times = []
    for path in paths[:SAMPLES]:
        began = time.perf_counter()
        subprocess.run([python, "-c", script, path], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def together(python: Path, each: Family) -> float:
    """Return the median time of a model when one process loads and runs all of them."""
    body = "\n".join(f"    {line}" for line in each.use.splitlines())
    script = (
        f"import sys, time\n{each.imports}\ntimes = []\nkept = globals().get('model')\n"
        "for path in sys.argv[1:]:\n    model = kept\n    began = time.perf_counter()\n"
        f"{body}\n    times.append(time.perf_counter() - began)\n"
        "print(sorted(times)[len(times) // 2])"
    )
    done = subprocess.run([python, "-c", script, *each.paths], check=True, capture_output=True)
    return float(done.stdout.split()[-1])


def limits(table: dict[str, dict[str, object]], own: dict[str, float]) -> list[str]:
    """Name the limits that do not hold."""
    faults = [
        f"own time of {framework} cells: {own.get(framework)} s, limit {most} s"
        for framework, most in (("pytorch", 0.10), ("tensorflow", 0.25))
        if own.get(framework, 99.0) > most
    ]
    for each in FAMILIES:
        found = table[each.name]
        if each.warm and found["ratio"] < 3:
            faults.append(f"{each.name}: {found['ratio']} times as fast as by hand, limit 3")
        if not each.warm and found["ratio"] < 1 / 1.2:
            faults.append(f"{each.name}: {found['ratio']} of by hand, limit 1/1.2")
    mini = table["MiniLM"]
    faults += [
        f"MiniLM: {mini[key]} times as fast ({key}), limit 20"
        for key in ("ratio", "peer_ratio")
        if key in mini and mini[key] < 20
    ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
