"""Large models are compared by blocks: what they must find, on real tensors in PyTorch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drive import SMOKE

pytestmark = pytest.mark.framework

LOOK = r"""
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
from caniload_smoke import torch_side, weights
from caniload_smoke.safetensors_reader import Tensor

weights.WHOLE_BYTES = 1_000_000
SIZE = 600_000  # 2.4 MB each: five blocks of the 147 are looked at

def model():
    torch.manual_seed(1)
    held = torch.nn.Module()
    held.base = torch.nn.ParameterDict({f"l{n}": torch.rand(SIZE) for n in range(4)})
    held.head = torch.nn.Parameter(torch.rand(SIZE))
    return held

def stored(held, names={}):
    found = {}
    for name, value in held.named_parameters():
        data = memoryview(bytearray(value.detach().numpy().tobytes()))
        name = names.get(name, name)
        found[name] = Tensor(name, "F32", tuple(value.shape), data)
    return found

def told(change=None, names={}):
    held = model()
    file = stored(held, names)
    if change is not None:
        name, begin, end = change
        with torch.no_grad():
            dict(held.named_parameters())[name][begin:end] += 1.0
    seen = weights.compare_named(file, torch_side.live_tensors(held), "base")
    return [seen.status, seen.detail, seen.numbers]

moved = {f"base.l{n}": f"layer.{n}.new" for n in range(4)}
swapped = {"base.l1": "base.l2", "base.l2": "base.l1"}
window = 524_288 // 4  # values: whatever fills this much is found wherever it lies
said = {
    "same": told(),
    "moved": told(names=moved),
    "swapped": told(names=swapped),
    "window": told(("base.l1", 4096, 4096 + window)),
    "middle": told(("base.l2", 266_240, 266_240 + window)),
    "end": told(("base.l1", SIZE - 1, SIZE)),
    "last": told(("base.l3", 20_001, 20_002)),
    "head": told(("head", 300_001, 300_002)),
    "moved window": told(("base.l1", 100, 100 + window), moved),
    "moved end": told(("base.l1", SIZE - 1, SIZE), moved),
}
print(json.dumps(said))
"""

DRAW = r"""
import json, sys
sys.path.insert(0, sys.argv[1])
from caniload_smoke import inputs
print(json.dumps(inputs.floats((5, 7), "input.0", 3).tolist()))
"""


def ran(python: Path, code: str, folder: Path) -> object:
    """Run code beside the worker's package in an environment's Python."""
    (folder / "caniload_smoke").symlink_to(SMOKE, target_is_directory=True)
    done = subprocess.run(
        [python, "-B", "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_blocks_must_find(framework_python: Callable[[str], Path], tmp_path: Path) -> None:
    said = ran(framework_python("pytorch"), LOOK, tmp_path)
    assert isinstance(said, dict)
    status = {name: seen[0] for name, seen in said.items()}
    assert status.pop("same") == status.pop("moved") == "passed", said
    assert set(status.values()) == {"failed"}, status
    assert (
        said["same"][2]["glanced"] == 3
    )  # neither the head, which is the first here, nor the last
    assert (said["moved"][2]["renamed"], said["moved"][2]["glanced"]) == (4, 3)
    for name in ("moved window", "moved end"):
        assert said[name][1].startswith("weights_missing: 1 of 5")
    assert said["swapped"][1].startswith("weights_mismatch: 2 of 5")


def test_pictures_are_drawn_alike_with_numpy_and_without(
    framework_python: Callable[[str], Path], tmp_path: Path
) -> None:
    from caniload.loaders.smoke import inputs

    flat = inputs.uniform(3, "input.0", 35)
    drawn = ran(framework_python("pytorch"), DRAW, tmp_path)
    assert drawn == [flat[row * 7 : row * 7 + 7] for row in range(5)]
