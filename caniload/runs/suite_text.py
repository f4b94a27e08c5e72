"""Write a first `caniload.toml` for a folder, from what lies in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caniload.loaders.recognise import recognise

MAX_FILES = 5000
MAX_BYTES = 2_000_000
"""How many files are looked at, and up to which size a source file is read."""

_LOADED = (
    (re.compile(r"""from_pretrained\(\s*\\?["']([\w.-]+/[\w.-]+)\\?["']"""), "hf:{}", "hf"),
    (re.compile(r"""SentenceTransformer\(\s*\\?["']([\w.-]+/[\w.-]+)\\?["']"""), "hf:{}", "hf"),
    (re.compile(r"""timm\.create_model\(\s*\\?["']([\w.-]+)\\?["']"""), "timm:{}", "timm"),
    (
        re.compile(r"""\\?["']https://tfhub\.dev/([\w-]+/[\w./-]+?)/(\d+)\\?["']"""),
        "tfhub:{}@{}",
        "tfhub",
    ),
)
"""Calls in source files, the handle that each means, and the key of `SERVING`."""

_SUFFIXES = (".onnx", ".tflite", ".keras", ".h5", ".safetensors", ".pt", ".pt2", ".pth", ".pb")
_SOURCES = (".py", ".ipynb")

SERVING = {
    "hf": "pytorch",
    "timm": "vision",
    "tfhub": "tf-keras",
    "safetensors": "pytorch",
    "bin": "pytorch",
    "pt": "pytorch",
    "pt2": "pytorch",
    "torchscript": "pytorch",
    "onnx": "onnxruntime",
    "tflite": "litert",
    "keras": "tensorflow",
    "h5": "tensorflow",
    "h5-weights": "tensorflow",
    "saved-model": "tensorflow",
    "tf1-saved-model": "tensorflow",
    "tf1-graph": "tensorflow",
}
"""The environment of caniload's with which a hub's or a format's models are begun."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Say what a folder holds: models with where each was seen, and an interpreter of its own."""

    models: tuple[tuple[str, str], ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None


def look(folder: Path) -> Findings:
    """Look for models that source files load, model files, and a virtual environment."""
    models: dict[str, str] = {}
    wanted: dict[str, None] = {}
    for path in _files(folder):
        for handle, key in _models(path, folder):
            models.setdefault(handle, str(path.relative_to(folder)))
            wanted[SERVING[key]] = None
    own = next(
        (v for v in (".venv", "venv", "env") if (folder / v / "bin" / "python").exists()), None
    )
    return Findings(
        tuple(models.items()), tuple(wanted), None if own is None else f"./{own}/bin/python"
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, not those of hidden folders or virtual environments."""
    seen = 0
    for root, names, files in os.walk(folder):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith((".", "__"))
            and name != "node_modules"
            and not Path(root, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            seen += 1
            if seen > MAX_FILES:
                return
            yield Path(root, name)


def _models(path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what one file means: handles that its code loads, or itself; each with its key."""
    if path.suffix in _SOURCES and path.stat().st_size <= MAX_BYTES:
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern, handle, key in _LOADED:
            for match in pattern.finditer(text):
                yield handle.format(*match.groups()), key
    elif path.suffix in _SUFFIXES:
        whole = path.name in ("saved_model.pb", "model.safetensors") and path.parent != folder
        target = path.parent if whole else path
        for found in recognise(target)[:1]:
            if found.format in SERVING:
                yield f"./{target.relative_to(folder)}", found.format


def template(found: Findings) -> str:
    """Return the text of a suite: valid as it stands, with the rest of the keys as comments."""
    models = found.models or (("minilm", "an example; `caniload list` shows what has a name"),)
    environments = found.environments or ("pytorch",)
    listed = "\n".join(
        f"    {json.dumps(name)},  # {'seen in ' if found.models else ''}{where}"
        for name, where in models
    )
    own = (
        f'    {{ name = "project", python = "{found.python}" }},  # nothing is installed into it\n'
        if found.python
        else ""
    )
    named = "".join(f'    "{name}",\n' for name in environments)
    return f"""\
# What caniload attempts every night. `caniload suite check` says what each line means,
# docs/suite.md describes every key.

# Names, handles (hf:owner/name, timm:resnet50, …), ./paths, or queries such as
# {{ task = "fill-mask", hub = "hf", max_bytes = "2GB", limit = 20 }}.
models = [
{listed}
]

# Environments of caniload's by name (`caniload env list`), your own, or an interpreter of yours.
environments = [
{own}{named}    # {{ name = "next", extends = "{environments[0]}", packages = {{ numpy = "*" }} }},
]

devices = ["cpu"]
max_age = "14d"  # evidence that is older is measured anew

# Which changes end a night with exit code 1.
fail_on = ["broken", "expectation", "expired-skip"]

[budget]
time = "2h"      # of a whole night
attempt = "10m"  # of one attempt
# memory = "8GB"
# disk = "40GB"

# What is known to end otherwise than well; if it ends differently, the night says so.
# [[expect]]
# model = "minilm"
# loader = "keras-hub"
# outcome = "differs"
# reason = "KerasHub computes another gelu"
# issue = "https://github.com/keras-team/keras-hub/issues/2048"
# review = 2027-06-01

# What is left out, but for a try once in `try_every`; past its review date it skips nothing.
# [[skip]]
# model = "minilm"
# environment = "next"
# reason = "waits for a fix"
# issue = "https://example.org/issues/1"
# review = 2027-06-01
# try_every = "7d"
"""
