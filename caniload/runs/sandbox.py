"""Put a worker into bubblewrap, showing it only what its interpreter and its cell need.

Binds are narrow: `/usr` and its kin, the interpreter's own folders, the one artefact, all
read-only; a scratch folder, and the folders for results, writable. A read-only bind of `/`
would still show every file of the user's. Options: https://man.archlinux.org/man/bwrap.1
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from caniload.runs import processes
from caniload.runs.interpreters import Interpreter

SandboxKind = Literal["bubblewrap", "none"]

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "nsswitch.conf")
_SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
"""PyTorch and ONNX Runtime read the processors' layout there."""
_PROC_SHUT = (
    "acpi",
    "bus",
    "driver",
    "fs",
    "irq",
    "mtrr",
    "pressure",
    "scsi",
    "sys",
    "sysrq-trigger",
)
"""Kept read-only below /proc. Root needs no capability to write a setting of the kernel's, and
bubblewrap 0.8 leaves /proc/sys as it is: it asks for the folder, which nobody may write."""
_GPU_SYS = ("/sys/bus/pci", "/sys/devices", "/sys/module", "/sys/class")
_STORES = ("/nix/store", "/gnu/store")
"""Package stores whose interpreters load libraries from folders beside their own."""
USERS = range(61184, 65520)
"""Of these a worker of root's becomes one where only RLIMIT_NPROC limits its processes: numbers
that no person has, kept for services (https://systemd.io/UIDS-GIDS/, "Dynamic Service Users")."""
NOBODY = 65534
"""The user that it becomes where none of them is to be had."""
SPARE_USER_ATTEMPTS = 20
_WIDE = frozenset({"/", "/home", "/root", "/tmp", "/var", "/etc", "/proc", "/sys", "/dev", "/mnt"})
"""Folders that are never shown whole, whatever an interpreter says."""


@dataclass(frozen=True)
class View:
    """Say what a worker may see: read-only paths, writable ones, where it starts, the network."""

    read_only: tuple[Path, ...]
    writable: tuple[Path, ...]
    scratch: Path
    network: bool = False
    accelerator: bool = False


@functools.cache
def bubblewrap() -> str | None:
    """Return the path of a bubblewrap that can start a sandbox here, or None."""
    found = shutil.which("bwrap")
    if found is None:
        return None
    trial = [
        found,
        *_isolation(network=False, changes_user=False),
        "--ro-bind",
        "/",
        "/",
        "--",
        "/bin/true",
    ]
    try:
        done = subprocess.run(
            trial, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found if done.returncode == 0 else None


def wrap(
    bwrap: str, command: Sequence[str], view: View, *, changes_user: bool = False
) -> list[str]:
    """Return the command that runs `command` in the sandbox.

    With `changes_user` root's command may become another user, and should at once.
    """
    out = [bwrap, *_isolation(network=view.network, changes_user=changes_user)]
    for folder in _SYSTEM:
        path = Path(folder)
        if path.is_symlink():
            out += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            out += ["--ro-bind", folder, folder]
    out += ["--proc", "/proc", "--dev", "/dev"]
    for name in _PROC_SHUT:
        out += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    if not changes_user:
        out += ["--tmpfs", "/tmp"]
    else:
        # A tmpfs belongs to root, and bubblewrap before 0.5 cannot set its mode.
        out += ["--bind", str(view.scratch / "shm"), "/dev/shm"]
        out += ["--bind", str(view.scratch / "tmp"), "/tmp"]
        binds = (*view.read_only, view.scratch, *view.writable, Path("/etc/passwd"))
        for parent in sorted({parent for path in binds for parent in path.parents}):
            # What bubblewrap makes on the way to a bind is closed to others, unlike these.
            out += ["--dir", str(parent)]
    shown = [f"/etc/{name}" for name in _ETC] + list(_SYS)
    if view.network:
        shown += ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl", "/etc/ca-certificates"]
    if view.accelerator:
        shown += [*_GPU_SYS, "/etc/OpenCL", "/etc/vulkan"]
        for device in sorted(Path("/dev").glob("nvidia*")):
            out += ["--dev-bind-try", str(device), str(device)]
    for path_text in shown:
        out += ["--ro-bind-try", path_text, path_text]
    for path in _outermost(view.read_only):
        out += ["--ro-bind-try", str(path), str(path)]
    for path in (view.scratch, *view.writable):
        out += ["--bind", str(path), str(path)]
    for name in ("passwd", "group"):
        out += ["--ro-bind", str(view.scratch / name), f"/etc/{name}"]
    out += ["--remount-ro", "/", "--chdir", str(view.scratch / "work")]
    return [*out, "--", *command]


def interpreter_binds(interpreter: Interpreter, home: Path | None = None) -> tuple[Path, ...]:
    """Return the folders that an interpreter needs, leaving out what is too wide to show."""
    home = home or Path.home()
    stores = [Path(store) for store in _STORES if str(interpreter.executable).startswith(store)]
    binds = [
        path
        for path in interpreter.binds
        if str(path) not in _WIDE and not home.is_relative_to(path)
    ]
    return (*binds, *stores, interpreter.executable)


def artefact_binds(root: Path, files: Iterable[str]) -> tuple[Path, ...]:
    """Return the artefact and, where its files are links, what they lead to outside of it."""
    real = root.resolve()
    targets = {(root / name).resolve() for name in files if root.is_dir()}
    outside = [path for path in targets if not path.is_relative_to(real)]
    return (root, real, *sorted(outside))


def readable_by_all(view: View) -> bool:
    """Tell whether any user may read what a worker is shown; of folders, only they themselves.

    The sandbox makes the folders above what is shown anew and open. Those between one shown folder
    and another within it are the machine's own, and any of them may be closed.
    """
    for path in view.read_only:
        if path.exists() and not path.is_symlink():
            wanted = 0o5 if path.is_dir() else 0o4
            if path.stat().st_mode & wanted != wanted:
                return False
    outer = _outermost(view.read_only)
    between = {
        parent
        for path in (*view.read_only, *view.writable, view.scratch)
        for parent in path.parents
        if any(parent.is_relative_to(other) for other in outer)
    }
    return all(parent.stat().st_mode & 0o1 for parent in between if parent.exists())


def spare_user() -> int:
    """Return a user whom no process has: RLIMIT_NPROC counts a user's, whoever started them.

    Two workers of one user would share their allowance, and one that forks without end would
    leave the other without a single process.
    """
    if not mapped(USERS):
        return NOBODY
    for _ in range(SPARE_USER_ATTEMPTS):
        uid = secrets.choice(USERS)
        if not processes.count(uid):
            return uid
    return NOBODY


def mapped(users: range, table: Path = Path("/proc/self/uid_map")) -> bool:
    """Tell whether this user namespace knows these users; a container's may be a few only."""
    try:
        lines = [[int(part) for part in line.split()] for line in table.read_text().splitlines()]
    except OSError:
        return False
    return any(first <= users[0] and users[-1] < first + count for first, _, count in lines)


def prepare_scratch(scratch: Path, uid: int | None = None) -> None:
    """Make the folders of one attempt: an empty place to start in, a HOME, a place for blobs.

    They belong to `uid`, by default to the user that this process runs as.
    """
    for name in ("work", "home", "tmp", "shm", "blobs", "worker"):
        (scratch / name).mkdir(parents=True)
        if uid is not None and uid != os.getuid():
            os.chown(scratch / name, uid, uid)
    gid = os.getgid() if uid in (None, os.getuid()) else uid
    uid = os.getuid() if uid is None else uid
    (scratch / "passwd").write_text(f"worker:x:{uid}:{gid}::{scratch / 'home'}:/bin/sh\n")
    (scratch / "group").write_text(f"worker:x:{gid}:\n")


def _isolation(*, network: bool, changes_user: bool) -> list[str]:
    """Return the options that cut the worker off."""
    kept = ("CAP_SETUID", "CAP_SETGID") if changes_user else ()
    options = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "caniload"]
    if not network:
        options.append("--unshare-net")
    options += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    return [*options, *(word for name in kept for word in ("--cap-add", name))]


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Drop what the system folders or another path already show; outer folders first."""
    kept: list[Path] = []
    shown = [Path(folder) for folder in _SYSTEM if not Path(folder).is_symlink()]
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in (*shown, *kept)):
            kept.append(path)
    return kept
