"""Ask the machine what it has: processor, GPUs, sandbox, cgroups, disk."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Gpus:
    """List the GPUs that answered, each as one line, or say what keeps them from answering."""

    found: tuple[str, ...] = ()
    problem: str = ""


def processor() -> str:
    """Name the processor and how many cores this process may use."""
    name = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        name = platform.processor()
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return f"{name or platform.machine()}, {cores} cores"


def nvidia(proc: Path = Path("/proc/driver/nvidia/version")) -> Gpus:
    """Ask `nvidia-smi` for the GPUs; a driver without an answer is a problem."""
    asked = _run(
        [
            "nvidia-smi",
            "--query-gpu=name,memory.total,driver_version,compute_cap",
            "--format=csv,noheader",
        ]
    )
    if asked is None:
        if proc.exists():
            return Gpus(problem="an NVIDIA driver is loaded, but there is no nvidia-smi to ask")
        return Gpus()
    if asked.returncode != 0:
        return Gpus(problem=_last_line(asked.stdout + asked.stderr) or "nvidia-smi failed")
    lines = (line.strip() for line in asked.stdout.splitlines())
    found = []
    for line in filter(None, lines):
        name, memory, driver, *capability = [part.strip() for part in line.split(",")]
        text = f"{name}, {memory}, driver {driver}"
        found.append(f"{text}, compute capability {capability[0]}" if capability else text)
    return Gpus(tuple(found))


def apple_silicon() -> bool:
    """Tell whether this is a Mac whose GPU PyTorch calls `mps`."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def bubblewrap_problem() -> str | None:
    """Start a real sandbox without network that does nothing; return why it failed, or None."""
    command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--unshare-all"]
    command += ["--die-with-parent", "--cap-drop", "ALL", "--", "true"]
    done = _run(command)
    if done is None:
        return "bwrap is not installed"
    if done.returncode != 0:
        return f"bwrap cannot start a sandbox: {_last_line(done.stderr)}"
    return None


def writable_cgroup(root: Path = Path("/sys/fs/cgroup")) -> str | None:
    """Name the kind of cgroup in which this process can make one of its own, or None."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers and (root / "cgroup.controllers").exists():
            kind, folder = "cgroup v2", root / path.lstrip("/")
        elif "memory" in controllers.split(","):
            kind, folder = "cgroup v1", root / "memory" / path.lstrip("/")
        else:
            continue
        trial = folder / f"caniload-doctor-{os.getpid()}"
        try:
            trial.mkdir()
            trial.rmdir()
        except OSError:
            continue
        return kind
    return None


def free_bytes(path: Path) -> int:
    """Say how much is free on the disk where a path is or would be."""
    return shutil.disk_usage(_existing(path)).free


def writable(path: Path) -> bool:
    """Tell, by writing, whether something can be made at a path or where it would be."""
    try:
        with tempfile.TemporaryFile(dir=_existing(path)):
            return True
    except OSError:
        return False


def _existing(path: Path) -> Path:
    """Return the path itself or the nearest folder above it that exists."""
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command for what it prints; None when there is no such command or it hangs."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
