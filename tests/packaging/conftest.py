"""The wheel as a stranger installs it: built once, in a virtual environment of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from host import ROOT, Installed


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel and install it with its dependencies."""
    folder = tmp_path_factory.mktemp("packaging")
    base = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    built = subprocess.run(
        [*base, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "host")], check=True)
    host = Installed(folder / "host", wheel)
    host.pip("install", str(wheel))
    return host
