"""Import once, then fork a child for each job: a warm worker.

It imports and never computes: a child of a parent that has run one operation hangs (measured on
PyTorch, TensorFlow and Keras). One child at a time. On the control socket the parent sends a
JSON line with three descriptors (job, events, log) and gets two answers: `{"pid"}` with the
child's pidfd, so that it can wait for it and kill it, and, once it ended, `{"status"}`.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from . import worker

FAILED = 71
"""Exit code of a zygote whose imports fail: its jobs go to fresh workers, which say why."""

_PRCTL = ctypes.CDLL(None).prctl
"""Looked up before any fork: a library that is imported may hold the loader's lock in a thread."""


def main(control_fd: int, preload: list[str]) -> None:
    """Import the modules named and serve until the parent closes the socket."""
    control = socket.socket(fileno=control_fd)
    try:
        for name in preload:
            bring(name)
        own_modules()
    except BaseException:  # noqa: BLE001 (the fresh worker that comes instead reports it)
        os._exit(FAILED)
    gc.collect()
    gc.freeze()
    control.sendall(b'{"ready": true}\n')
    while True:
        received = receive(control)
        if received is None:
            os._exit(0)
        serve(control, *received)


def own_modules() -> None:
    """Import this package whole, so that no child compiles it again: it writes no bytecode."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        with contextlib.suppress(ImportError):
            importlib.import_module(f".{path.stem}", __package__)


def bring(name: str) -> None:
    """Import a module; a submodule that this version of its library lacks is passed over.

    `module:function(text)` also calls a function with one text: one of pure Python that fills a
    cache, as of compiled patterns, and that runs no operation of the framework.
    """
    name, _, call = name.partition(":")
    try:
        module = importlib.import_module(name)
        function, _, text = call.rstrip(")").partition("(")
        if function and hasattr(module, function):
            getattr(module, function)(text)
    except ModuleNotFoundError as error:
        if "." not in name or error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise


def receive(control: socket.socket) -> Any:
    """Return the next order and its descriptors, or None at the end."""
    fds = array.array("i")
    text, ancillary, _, _ = control.recvmsg(1 << 16, socket.CMSG_LEN(3 * fds.itemsize))
    if not text:
        return None
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return json.loads(text), list(fds)


def serve(control: socket.socket, order: dict[str, Any], fds: list[int]) -> None:
    """Fork a child for one job, tell who it is, wait for it, tell how it ended.

    What the job names as `import` is imported first, for it and for those that follow; a child
    whose library cannot be imported says so itself.
    """
    for name in order.get("import", ()):
        with contextlib.suppress(Exception):
            bring(name)
    zygote = os.getpid()
    child = os.fork()
    if child == 0:
        die_with(zygote)
        control.close()
        become(order, *fds)
    for fd in fds:
        os.close(fd)
    pidfd = os.pidfd_open(child)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pidfd]))]
    control.sendmsg([json.dumps({"pid": child}).encode() + b"\n"], rights)
    os.close(pidfd)
    _, status = os.waitpid(child, 0)
    control.sendall(json.dumps({"status": status}).encode() + b"\n")


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends (PR_SET_PDEATHSIG)."""
    _PRCTL(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(FAILED)


def become(order: dict[str, Any], job_fd: int, event_fd: int, log_fd: int) -> None:
    """Turn into the worker of one job: own session, log, folders; never returns."""
    os.setsid()
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.close(log_fd)
    scratch = Path(order["scratch"])
    os.environ.update(HOME=str(scratch / "home"), TMPDIR=str(scratch / "tmp"), **order["environ"])
    os.chdir(str(scratch / "work"))
    worker.main(job_fd, event_fd)
