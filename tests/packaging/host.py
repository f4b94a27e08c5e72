"""A host with the wheel in it, as a stranger has it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """A host with the wheel in it, and nothing of this checkout on its path."""

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def pip(self, *args: str) -> None:
        base = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        done = subprocess.run([*base, *args], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def run(
        self, home: Path, *args: str, timeout: float = 200, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `caniload ARGS` from a clean HOME."""
        for folder in (home / "user", home / "cwd"):
            folder.mkdir(parents=True, exist_ok=True)
        environ = {
            "HOME": str(home / "user"),
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "error",
        }
        return subprocess.run(
            [str(self.folder / "bin" / "caniload"), *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=home / "cwd",
            env=environ | variables,
            timeout=timeout,
            check=False,
        )
