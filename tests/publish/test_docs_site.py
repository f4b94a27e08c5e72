"""The project's own docs are a site that embeds evidence, and it builds strictly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_docs_build_strictly_from_the_store(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--config-file",
            str(ROOT / "mkdocs.yml"),
            "--site-dir",
            str(tmp_path / "site"),
        ],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    home = (tmp_path / "site" / "index.html").read_text()
    assert "caniload-pill caniload-works" in home
    embedding = (tmp_path / "site" / "embedding" / "index.html").read_text()
    for kind in ("matrix", "snippet", "badge"):
        assert f"caniload caniload-{kind}" in embedding
    assert 'src="caniload:' not in embedding
