"""Where a docs build takes its answers from: the exported file, else the store of this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from caniload.errors import StoreError
from caniload.publish.embed.answers import Answers, parse, read


def answers(file: Path | None) -> Answers:
    """Read the file; without one ask the store, by the command that would write the file.

    The command knows the loaders, which nothing here does. Raises `UnreadableFileError`,
    `StoreError`.
    """
    if file is not None:
        return read(file)
    command = [sys.executable, "-m", "caniload", "docs", "export", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise StoreError(f"caniload docs export ended with {done.returncode}: {lines[-1]}")
    return parse(done.stdout, "the store's answers")
