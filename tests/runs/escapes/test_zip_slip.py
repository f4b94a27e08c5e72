"""An archive that climbs out of its folder: `caniload run` refuses it, records it and goes on."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from caniload.runs import journal
from caniload.runs.interpreters import probe
from caniload.settings import Settings

ENTRY = """
id: slip
name: slip
family: bert
tasks: [feature-extraction]
licence: unknown
paper: null
about: Two archives, of which one climbs out of itself.
cites:
  - {{page: a test, read: 2026-11-25, says: "It is made by the test."}}
sources:
  - handle: "{slip}"
    pin: {{by: caniload catalog pin, at: 2026-11-25T00:00:00Z, answered_by: a test}}
    formats: [safetensors]
    attempts:
      - {{loader: transformers, framework: pytorch, environment: pytorch}}
  - handle: "{good}"
    pin: {{by: caniload catalog pin, at: 2026-11-25T00:00:00Z, answered_by: a test}}
    formats: [safetensors]
    attempts:
      - {{loader: transformers, framework: pytorch, environment: pytorch}}
"""


def archive(path: Path, members: dict[str, bytes]) -> bytes:
    """Write a tar.gz and return its bytes."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path.read_bytes()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is served."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_archive_that_climbs_out_writes_nothing_and_the_next_cell_runs(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, base = served
    target = tmp_path / "victim"
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    good = {
        "model.safetensors": len(header).to_bytes(8, "little") + header + bytes(8),
        "config.json": b'{"model_type": "bert", "architectures": ["BertModel"]}',
    }
    climbing = f"../{'../' * 40}{str(target).lstrip('/')}"
    made = {
        "slip": archive(folder / "slip.tar.gz", {**good, climbing: b"was here"}),
        "good": archive(folder / "good.tar.gz", good),
    }
    with tarfile.open(folder / "slip.tar.gz") as tar:
        deep = tmp_path / "deep"
        deep.mkdir()
        tar.extractall(deep, filter="fully_trusted")
    assert target.read_text() == "was here", "what unpacks it without limits is written to"
    target.unlink()

    data = tmp_path / "data"
    shipped = Settings.read({}).data
    shutil.copytree(shipped, data, ignore=shutil.ignore_patterns("evidence", "__pycache__"))
    handles = {
        name: f"url:{base}/{name}.tar.gz@sha256-{hashlib.sha256(body).hexdigest()}"
        for name, body in made.items()
    }
    (data / "models" / "slip.yaml").write_text(ENTRY.format(**handles))
    home = tmp_path / "home"
    python = probe(Path(sys.prefix)).python.resolve()
    done = subprocess.run(
        [sys.executable, "-m", "caniload", "run", "slip", "--python", str(python)],
        env={**os.environ, "CANILOAD_HOME": str(home), "CANILOAD_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not target.exists()
    (segment,) = (path.parent for path in (home / "segments").glob("*/run.json"))
    contents = journal.read(segment)
    assert len(contents.settlements) == len(contents.header.cells) == 2, done.stderr
    slipped, after = contents.observations
    assert slipped.outcome == "unavailable"
    assert "holds a path outside itself" in slipped.message
    assert (after.outcome, after.sandbox.kind) == ("not_installed", "bubblewrap")
    assert done.returncode == 3
