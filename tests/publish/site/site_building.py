"""Build a site as a user does; texts that would like to be scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOSTILE = "<script>document.title='stolen'</script>\"'><img src=x onerror=document.title='stolen'>"
HOSTILE_HANDLE = f"hf:evil/{HOSTILE.replace('/', '')}"


def environ_of(home: Path) -> dict[str, str]:
    """An environment with that home and nothing of the developer's."""
    user = home.parent / "user"
    user.mkdir(exist_ok=True)
    return {
        "HOME": str(user),
        "PATH": "/usr/bin:/bin",
        "CANILOAD_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }


def build(home: Path, target: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Build a site as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "caniload", "site", "build", str(target), *args],
        env=environ_of(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
