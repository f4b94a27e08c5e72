"""An outside package adds a hub, a loader and an exporter, and only the host has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from host import Installed

pytestmark = pytest.mark.builds


def test_a_plug_in_on_the_host_serves_an_interpreter_that_lacks_it(
    installed: Installed, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True)
    installed.pip("install", str(Path(__file__).parent / "plugin"))
    try:
        done = installed.run(
            tmp_path, "run", "shelf:twice/as-much", "--python", str(bare), "--format", "json",
            "--export", "scale-text",
        )  # fmt: skip
    finally:
        installed.pip("uninstall", "--yes", "caniload-shelf")
    assert done.returncode == 0, done.stdout + done.stderr
    cells = {cell["kind"]: cell for cell in json.loads(done.stdout)["data"]["cells"]}
    assert cells["attempt"]["handle"] == "shelf:twice/as-much@7#scale"
    assert (cells["attempt"]["loader"], cells["attempt"]["verdict"]) == ("scale", "works")
    assert cells["export"]["outcome"] == "passed"
    written = list((tmp_path / "user").rglob("derived/*/scale.txt"))
    assert [path.read_text() for path in written] == ["2.0"]

    without = installed.run(tmp_path, "run", "shelf:twice/as-much", "--python", str(bare))
    assert without.returncode == 2
