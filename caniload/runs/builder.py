"""Build an environment from its specification, with `python -m venv` and pip.

pip runs under the user's own configuration. The build holds an exclusive lock, which pip
inherits, so that a second build starts only when the last process of the first has ended; the
marker is written last.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from caniload.errors import (
    DiskFullError,
    EnvironmentBuildError,
    InterpreterError,
    PermissionDeniedError,
)
from caniload.records import utcnow
from caniload.runs import budget, patches, pip_output, pip_process
from caniload.runs.budget import OnLine
from caniload.runs.built import (
    Marker,
    environment_path,
    find,
    folder_bytes,
    lock_path,
    read_marker,
    touch,
    write_marker,
)
from caniload.runs.envspecs import EnvSpec
from caniload.runs.interpreters import probe
from caniload.runs.locks import locked
from caniload.settings import Settings

WAIT_SECONDS = 3600.0
"""How long to wait for another build of, or runs in, the same environment."""


def log_path(name: str, settings: Settings) -> Path:
    """Where the whole output of the last build of an environment is kept."""
    return settings.envs / ".logs" / f"{name}.log"


def _ignore(line: str) -> None:
    """Take a line of progress and do nothing with it."""


def build(spec: EnvSpec, settings: Settings, on_line: OnLine = _ignore) -> Path:
    """Return the interpreter of the environment, building it first unless it stands already.

    `on_line` gets each line of progress, pip's own among them; the whole of it is kept
    at `log_path`. Raises `EnvironmentBuildError` when pip fails, `DiskFullError`,
    `PermissionDeniedError`, `BusyError`, and `InterpreterError` when no Python fits.
    """
    found = find(spec, settings)
    if found is not None:
        touch(spec.name, settings)
        return found

    def waiting() -> None:
        on_line(f"environment {spec.name} is being built or used by another process; waiting")

    lock = lock_path(spec.name, settings)
    with locked(lock, wait_seconds=WAIT_SECONDS, on_wait=waiting) as fd:
        found = find(spec, settings)
        if found is not None:
            touch(spec.name, settings)
            return found
        _refuse_foreign(spec.name, settings)
        base = base_python(spec)
        budget.discard(spec.name, settings)
        budget.check_disk(spec, settings)
        budget.make_room(settings, spec.disk_bytes, frozenset((spec.name,)), on_line)
        python = _build(spec, base, settings, fd, on_line)
    budget.make_room(settings, 0, frozenset((spec.name,)), on_line)
    return python


@contextmanager
def use(spec: EnvSpec, settings: Settings, on_line: OnLine = _ignore) -> Iterator[Path]:
    """Build the environment if it must be, and hold it: while held it is never removed.

    Yields its interpreter. Any number of processes may hold one environment at once.
    """
    while True:
        build(spec, settings, on_line)
        with locked(lock_path(spec.name, settings), shared=True, wait_seconds=WAIT_SECONDS):
            python = find(spec, settings)
            if python is not None:  # else another process removed it in between
                touch(spec.name, settings)
                yield python
                return


def _build(spec: EnvSpec, base: Path, settings: Settings, lock_fd: int, on_line: OnLine) -> Path:
    """Make the environment in its place, in a folder that is not there yet."""
    path = environment_path(spec.name, settings)
    started = time.monotonic()
    marker = Marker(
        state="building", name=spec.name, digest=spec.digest, requirements=spec.requirements
    )
    try:
        log_path(spec.name, settings).parent.mkdir(parents=True, exist_ok=True)
        log_path(spec.name, settings).write_bytes(b"")
        path.mkdir(parents=True)
        write_marker(path, marker)
        on_line(f"building environment {spec.name}: {', '.join(spec.requirements) or 'empty'}")
        _run([str(base), "-I", "-m", "venv", str(path)], spec, settings, lock_fd, on_line)
        python = path / "bin" / "python"
        if spec.requirements:
            install = pip_process.command(python, "install")
            _run([*install, *spec.requirements], spec, settings, lock_fd, on_line)
        folder = settings.data / "environments" / "patches"
        for file in patches.install(path, spec.patch_modules, folder):
            on_line(f"patched: {file.name}")
        facts = probe(python)
        write_marker(
            path,
            marker.model_copy(
                update={
                    "state": "built",
                    "built_at": utcnow(),
                    "python": facts.version,
                    "python_minor": facts.minor,
                    "platform": facts.platform,
                    "distributions": facts.distributions,
                    "builds": facts.builds,
                    "size_bytes": folder_bytes(path),
                }
            ),
        )
    except (EnvironmentBuildError, DiskFullError):
        budget.discard(spec.name, settings)
        raise
    except PermissionError as error:
        raise PermissionDeniedError(
            f"cannot write {path}: {error.strerror}", "set CANILOAD_ENVS to a folder of yours"
        ) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        budget.discard(spec.name, settings)
        raise _disk_full(spec) from error
    on_line(f"built environment {spec.name} in {time.monotonic() - started:.0f} s")
    return python


def _run(
    command: Sequence[str], spec: EnvSpec, settings: Settings, lock_fd: int, on_line: OnLine
) -> None:
    """Run one step of a build, passing its lines on; raise if it fails, kill it if we end."""
    log = log_path(spec.name, settings)
    code, lines = pip_process.run(command, on_line, log=log, pass_fds=(lock_fd,))
    if code == 0:
        return
    if pip_output.no_space(lines):
        raise _disk_full(spec)
    raise EnvironmentBuildError(
        spec.name,
        pip_output.failed_package(lines),
        pip_output.tail(lines) or f"ended with status {code} and said nothing",
    )


def _disk_full(spec: EnvSpec) -> DiskFullError:
    """Make the error of a disk that became full during a build."""
    return DiskFullError(
        f"the disk was full while building environment {spec.name!r}",
        "free some, or set CANILOAD_ENVS to a larger one",
    )


def _refuse_foreign(name: str, settings: Settings) -> None:
    """Raise when something that no build of ours began stands where the environment would."""
    path = environment_path(name, settings)
    if read_marker(path) is not None:
        return
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise PermissionDeniedError(
            f"{path} is there already and was not built by caniload",
            "move it away, or set CANILOAD_ENVS to another folder",
        )


def base_python(spec: EnvSpec) -> Path:
    """Return a Python that the specification admits: ours, else a `python3.N` on PATH."""
    ours = "{}.{}.{}".format(*sys.version_info[:3])
    if spec.admits(ours):
        return Path(sys.executable)
    for minor in range(20, 8, -1):
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            candidate = Path(folder) / f"python3.{minor}"
            if folder and os.access(candidate, os.X_OK):
                with suppress(InterpreterError):
                    found = probe(candidate)
                    if spec.admits(found.version):
                        return found.python
    raise InterpreterError(
        f"environment {spec.name!r} needs Python {spec.python}, and none on PATH is",
        f"install one; caniload itself runs on {ours}",
    )
