"""Run pip as a process of its own: under the user's configuration, and dead when we are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from caniload.runs.here import clean_environ

OnLine = Callable[[str], None]

# Linux sends the signal when the parent ends, so that a killed build leaves no pip behind;
# elsewhere the inherited lock alone keeps the next build waiting. PR_SET_PDEATHSIG is 1 in
# https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PIP = """
import os, runpy, sys
parent = int(sys.argv.pop(1))
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != parent:
        sys.exit(1)
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def command(python: Path, *arguments: str) -> list[str]:
    """Return the command line of an interpreter's own pip."""
    start = [str(python), "-I", "-u", "-X", "utf8", "-c", _PIP, str(os.getpid())]
    return [*start, *arguments]


def for_interpreter(python: Path, distributions: Mapping[str, str], *arguments: str) -> list[str]:
    """Return the command line of pip for an interpreter: its own, else ours told to serve it.

    pip takes `--python` since 22.3 (pip's news, 22.3).
    """
    if "pip" in distributions:
        return command(python, *arguments)
    return command(Path(sys.executable), "--python", str(python), *arguments)


def run(
    line: Sequence[str],
    on_line: OnLine,
    *,
    log: Path | None = None,
    pass_fds: tuple[int, ...] = (),
) -> tuple[int, list[str]]:
    """Run a command to its end and return its status and its lines, both streams as one.

    Each line goes to `on_line` and, with a `log`, to the end of that file. If we end first, by
    whatever exception, its whole process group is killed.
    """
    lines: list[str] = []
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ(),
        pass_fds=pass_fds,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout, (log or Path(os.devnull)).open("a", encoding="utf-8") as file:
            for text in process.stdout:
                file.write(text)
                lines.append(text.rstrip("\n"))
                on_line(lines[-1])
        code = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return code, lines


def environ() -> dict[str, str]:
    """Return the user's own variables, with what would send packages elsewhere switched off."""
    found = clean_environ(os.environ)
    for name in ("VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN"):
        found.pop(name, None)
    found.update(
        PIP_USER="0",
        PIP_NO_INPUT="1",
        PIP_NO_COLOR="1",
        PIP_PROGRESS_BAR="off",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_USE_PEP517="1",  # seqeval, which Model Garden needs, builds no other way
        PYTHONIOENCODING="utf-8",
    )
    return found
