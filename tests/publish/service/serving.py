"""What the tests of the service share: a service that runs, and how to ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Served:
    """A service that runs, and how to ask it."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    environ: dict[str, str]
    port: int
    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(f"{self.url}{path}", headers=headers)

    def command(self, *args: str) -> str:
        """What the command line says over the same store."""
        done = subprocess.run(
            [sys.executable, "-m", "caniload", *args],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1, 3), done.stderr
        return done.stdout


Start = Callable[..., Served]


def environ_of(home: Path, user: Path) -> dict[str, str]:
    user.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(user),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "CANILOAD_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }
