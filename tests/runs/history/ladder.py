"""An outside loader whose outcome hangs on the version of a tiny package, and that package."""

from __future__ import annotations

import hashlib
from pathlib import Path

from loopback.packages import wheel
from loopback.server import Answer, Server

PLUGIN = '''
from pathlib import Path

from caniload.loaders.fetch.hashing import hash_tree
from caniload.loaders.hub import Laid
from caniload.loaders.spec import LoaderSpec
from caniload.words import ArtefactClass


class RungHub:
    """One model that multiplies by two."""

    name = "rung"
    cached = True

    def resolve(self, handle, settings):
        return handle.at("7")

    def selection(self, handle):
        return "all"

    def lay(self, handle, into, order):
        files = into / "files"
        files.mkdir()
        (files / "weights.json").write_text('{"scale": 2.0}')
        return Laid(handle, files, hash_tree(files), "the rung", "rung")

    def recheck(self, handle, note, order):
        return True

    def browse(self, query, settings):
        return ()

    def claims(self, handle, settings):
        return ()


LOADER = LoaderSpec(
    name="ladder",
    frameworks=("pytorch",),
    classes={"rung": ArtefactClass.DATA},
    packages={"pytorch": ("tinylib",)},
    decisive={"pytorch": ("tinylib", "tinyframe")},
    optional=("tinyframe",),
    snippet=lambda locator, framework, hints: "output = 2.0",
    smoke_file=Path(__file__).with_name("ladder_smoke.py"),
)
'''

SMOKE = """
import json

from .artefact import folder
from .inputs import TokenFacts, token_rows, token_shape
from .loader import CheckResult
from .loader import Loader as Base


class Loader(Base):
    frameworks = ("pytorch",)

    def import_(self, job):
        from tinylib import load

        self.read = load

    def load(self, job):
        return self.read((folder(job) / "weights.json").read_text())["scale"]

    def inputs(self, loaded, job, seed):
        facts = TokenFacts(vocab_size=3000, cls_id=1, sep_id=2)
        batch, length = token_shape(job["recipe"], facts)
        ids, mask = token_rows(facts, batch, length, seed)
        return {"input_ids": ids, "attention_mask": mask}

    def run(self, loaded, inputs, job):
        rows = [[[loaded * i, loaded * i / 2] for i in row] for row in inputs["input_ids"]]
        return {"last_hidden_state": rows}

    def weights(self, loaded, job):
        return CheckResult("weights", "passed", "the scale is the file's")

    def device(self, loaded, outputs, job):
        return CheckResult("device", "passed", "on cpu")
"""

WORKS = b"import json\n\n\ndef load(text):\n    return json.loads(text)\n"
RAISES = b"def load(text):\n    raise TypeError(\"'Handle' object is not iterable\")\n"
GONE = b"def read(text):\n    return text\n"

RELEASES: tuple[tuple[str, bytes, str], ...] = (
    ("1.0", WORKS, ""),
    ("1.1", WORKS, ""),
    ("1.2", WORKS, ""),
    ("1.3", RAISES, "yanked"),
    ("1.9", WORKS, ""),
    ("1.10", RAISES, "broken"),
    ("1.11", RAISES, ""),
    ("1.12rc1", GONE, ""),
    ("2.0", GONE, ""),
    ("2.1", GONE, ""),
    ("3.0", WORKS, "later python"),
)
"""Versions in order: works to 1.9, raises in 1.11, has no `load` from 2.0."""


def plugin(folder: Path) -> Path:
    """Write the plug-in with the metadata by which its entry points are found."""
    folder.mkdir(parents=True)
    (folder / "ladder_plugin.py").write_text(PLUGIN)
    (folder / "ladder_smoke.py").write_text(SMOKE)
    info = folder / "caniload_ladder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: caniload-ladder\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[caniload.loaders]\nladder = ladder_plugin:LOADER\n"
        "[caniload.hubs]\nrung = ladder_plugin:RungHub\n"
    )
    return folder


def publish(server: Server) -> None:
    """Put the releases on an index, with what pip reads of each link."""
    links = []
    for version, body, note in RELEASES:
        needs = ("missing-thing==9",) if note == "broken" else ()
        made = wheel("tinylib", version, {"tinylib/__init__.py": body}, needs)
        file = f"tinylib-{version}-py3-none-any.whl"
        server.files[f"/packages/{file}"] = made
        more = ' data-yanked="it was wrong"' if note == "yanked" else ""
        more += ' data-requires-python="&gt;=9"' if note == "later python" else ""
        digest = hashlib.sha256(made).hexdigest()
        links.append(f'<a href="/packages/{file}#sha256={digest}"{more}>{file}</a>')
    page = f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode()
    server.routes.append(
        lambda asked: (
            Answer(page, 200, {"Content-Type": "text/html"})
            if asked.path == "/index/tinylib/"
            else None
        )
    )
