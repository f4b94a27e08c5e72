"""Write tiny PyTorch files of every kind with PyTorch itself, timm and torchvision."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

WRITE = '''
import os, sys
from collections import OrderedDict
from pathlib import Path
import torch
from torch import nn

out = Path(sys.argv[1])
torch.manual_seed(7)

class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 5)
    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))

class Digits(nn.Module):
    """Takes pictures of 28 by 28 alone."""
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2 * 26 * 26, 3)
    def forward(self, x):
        return self.head(self.conv(x).flatten(1))

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(11, 4), nn.Linear(4, 3)
    def forward(self, ids):
        return self.head(self.table(ids).mean(1))

class Recurrent(nn.Module):
    """Keeps its state between calls, and says how to forget it."""
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 4, batch_first=True)
        self.state = torch.zeros(1, 1, 4)
    def forward(self, x):
        y, (h, c) = self.lstm(x, (self.state, self.state))
        self.state = h
        return y
    @torch.jit.export
    def reset_states(self):
        self.state = torch.zeros(1, 1, 4)

class Forgetless(Recurrent):
    """Keeps its state, and has no method to forget it."""
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
    def forward(self, x):
        y, (h, c) = self.lstm(x, (self.state, self.state))
        self.state = h
        self.calls += 1
        return y + self.calls

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 4, 3), nn.Embedding(11, 4)
    def forward(self, picture, ids, scale: float):
        seen = self.conv(picture).mean((2, 3))
        return {"both": (seen + self.table(ids).mean(1)) * scale, "picture": seen}

class Sound(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 400, 160)
    def forward(self, wave):
        return self.conv(wave.unsqueeze(1)).mean(2)

class Bare(nn.Module):
    """Nothing says what it takes."""
    def forward(self, x):
        return x * 2 + 1

class Numbers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 2))
    def forward(self, x):
        return self.layers(x)

models = {"conv": Conv(), "digits": Digits(), "words": Words(), "recurrent": Recurrent(),
          "forgetless": Forgetless(), "two": Two(), "sound": Sound(), "bare": Bare(),
          "numbers": Numbers(), "half": Numbers().half()}
for name, model in models.items():
    torch.jit.script(model.eval()).save(str(out / f"{name}.jit"))
conv = models["conv"]
torch.jit.freeze(torch.jit.script(conv)).save(str(out / "frozen.jit"))
dead = Conv().eval()
with torch.no_grad():
    dead.conv.weight.fill_(float("nan"))
torch.jit.script(dead).save(str(out / "nan.jit"))
with torch.no_grad():
    for value in dead.parameters():
        value.zero_()
torch.jit.script(dead).save(str(out / "zeroed.jit"))

state = conv.state_dict()
torch.save(state, out / "state.pth")
torch.save(state, out / "legacy.pth", _use_new_zipfile_serialization=False)
optimizer = torch.optim.Adam(conv.parameters())
conv(torch.zeros(1, 3, 8, 8)).sum().backward()
optimizer.step()
held = {"epoch": 3, "model": state, "optimizer": optimizer.state_dict()}
torch.save(held, out / "checkpoint.pth")
torch.save({"epoch": 3}, out / "empty.pth")
torch.save(nn.Sequential(nn.Linear(7, 2)), out / "module.pth")

class Ids(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.numbers = Words(), nn.Linear(7, 3)
    def forward(self, x, *, ids):
        return self.words(ids) + self.numbers(x)

program = torch.export.export(conv.eval(), (torch.randn(2, 3, 16, 16),))
torch.export.save(program, out / "conv.pt2")
given = {"ids": torch.tensor([[1, 4, 10]])}
torch.export.save(torch.export.export(Ids().eval(), (torch.randn(1, 7),), given), out / "ids.pt2")
'''

HUBCONF = '''
import os
import torch
from torch import nn

dependencies = ["torch"]

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 2))
    def forward(self, x):
        return self.layers(x)

def net(pretrained=False):
    """Downloads its weights where it is asked for them."""
    model = Net()
    if pretrained:
        url = "http://127.0.0.1:9/net-tiny.pth"
        found = torch.hub.load_state_dict_from_url(url, map_location="cpu", progress=False)
        model.load_state_dict(found["state_dict"])
    return model

def fresh():
    return Net()

def speech():
    """Loads the program that lies in the repository, and gives tools beside it."""
    here = os.path.dirname(os.path.abspath(__file__))
    return torch.jit.load(os.path.join(here, "data", "speech.jit")), (len, print)

def words():
    return {"a": 1}
'''

VISION = """
import json, sys
from pathlib import Path
import torch, torchvision, timm
from safetensors.torch import save_file

out = Path(sys.argv[1])
torch.manual_seed(7)
folder = out / "torchvision" / "checkpoints"
folder.mkdir(parents=True)
name = "MobileNet_V3_Small_Weights.IMAGENET1K_V1"
weights = torchvision.models.get_weight(name)
model = torchvision.models.mobilenet_v3_small()
torch.save(model.state_dict(), folder / weights.url.rpartition("/")[2])
told = {"version": torchvision.__version__.partition("+")[0], "builder": "mobilenet_v3_small",
        "weights": name, "url": weights.url}
(out / "torchvision" / "torchvision.json").write_text(json.dumps(told))
model = timm.create_model("resnet10t", pretrained=False, num_classes=10)
for inner in model.modules():
    if isinstance(inner, torch.nn.BatchNorm2d):
        inner.running_mean.normal_(); inner.running_var.uniform_(0.5, 2.0)
        inner.weight.data.fill_(1)
for form in ("timm", "timm-bin"):
    folder = out / form
    folder.mkdir()
    names = ("input_size", "num_classes", "mean", "std")
    cfg = {name: model.pretrained_cfg[name] for name in names}
    cfg["num_classes"] = 10
    said = {"architecture": "resnet10t", "num_classes": 10, "pretrained_cfg": cfg}
    (folder / "config.json").write_text(json.dumps(said))
save_file(model.state_dict(), str(out / "timm" / "model.safetensors"))
torch.save(model.state_dict(), out / "timm-bin" / "pytorch_model.bin")
"""


def write(python: Path, out: Path) -> None:
    """Let PyTorch write its files, and lay torch.hub repositories around some of them."""
    _run(python, WRITE, out)
    script = (
        "import sys, torch; from pathlib import Path; sys.path.insert(0, sys.argv[1] + '/repo')\n"
        "import hubconf; torch.manual_seed(9); model = hubconf.Net()\n"
        "held = {'epoch': 1, 'state_dict': model.state_dict()}\n"
        "torch.save(held, Path(sys.argv[1]) / 'checkpoints' / 'net-tiny.pth')"
    )
    for entry, dependencies, weights in (
        ("net", ["torch"], True),
        ("fresh", ["torch"], True),
        ("speech", ["torch"], False),
        ("words", ["torch"], False),
        ("lacking", ["torch", "not_there_at_all"], False),
        ("offline", ["torch"], False),
    ):
        root = out / f"hub-{entry}"
        (root / "repo" / "data").mkdir(parents=True)
        (root / "repo" / "hubconf.py").write_text(HUBCONF)
        if entry == "speech":
            shutil.copyfile(out / "sound.jit", root / "repo" / "data" / "speech.jit")
        if weights:
            (root / "checkpoints").mkdir()
            _run(python, script, root)
        url = "http://127.0.0.1:9/net-tiny.pth"
        told = {
            "owner": "owner",
            "repo": "repo",
            "commit": "c" * 40,
            "entry": "net" if entry in ("lacking", "offline") else entry,
            "dependencies": dependencies,
            "weights": [],
            "unfetched": [url] if entry == "offline" else [],
        }
        (root / "torchhub.json").write_text(json.dumps(told))


def write_vision(python: Path, out: Path) -> None:
    """Let torchvision and timm write artefacts as their hubs lay them."""
    _run(python, VISION, out)


def _run(python: Path, code: str, out: Path) -> None:
    script = out.parent / f"{out.name}-written-by.py"  # scripting reads its source
    script.write_text(code)
    done = subprocess.run([python, script, str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
