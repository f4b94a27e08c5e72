"""Write the worked cases of docs/choose.md from real output; with --check say whether it drifted.

A case is a fenced block whose first line is a command; what follows in the block is its output,
in a home that holds nothing but what comes with caniload.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "choose.md"
BLOCK = re.compile(r"```console\n\$ (caniload [^\n]*)\n.*?```", re.DOTALL)


def output(command: str, home: str) -> str:
    """Run one command in an empty folder and return what it prints, 80 columns wide."""
    words = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "caniload", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env={"PATH": os.environ["PATH"], "CANILOAD_HOME": home, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout


def page(text: str) -> str:
    """Return the page with the output of every command as it is now."""
    with tempfile.TemporaryDirectory() as home:
        return BLOCK.sub(
            lambda found: f"```console\n$ {found[1]}\n{output(found[1], home)}```", text
        )


def main() -> int:
    """Write the page, or compare it."""
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in sys.argv[1:]:
        if before == after:
            return 0
        sys.stderr.write("docs/choose.md drifted; run python scripts/write_choose_page.py\n")
        return 1
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
