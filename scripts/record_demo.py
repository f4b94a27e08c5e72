"""Record a real `caniload demo` as docs/images/demo.svg: run it, keep its lines, draw them."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "demo.svg"
WIDTH = 132


def main() -> int:
    """Run the command line that the arguments give, `caniload demo` without any."""
    command = sys.argv[1:] or [sys.executable, "-m", "caniload", "demo"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": str(WIDTH)},
        check=False,
    )
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        sys.stderr.write(f"not recorded: it ended with {done.returncode}\n")
        return done.returncode
    draw("caniload demo" if len(sys.argv) == 1 else shlex.join(command), done.stdout)
    return 0


def draw(shown: str, text: str) -> None:
    """Write the picture of a command and what it printed."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] [bold]{shown}[/]", highlight=False)
    home = str(Path.home())
    for line in text.splitlines():
        console.print(Text.from_ansi(line.replace(home, "~")))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(without_fonts(console.export_svg(title="caniload")), encoding="utf-8")


def without_fonts(svg: str) -> str:
    """Leave the fonts to the reader's machine: a picture in a page loads none from elsewhere."""
    plain = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(
        r"font-family: Fira Code, monospace", "font-family: ui-monospace, monospace", plain
    )


if __name__ == "__main__":
    sys.exit(main())
