"""Copy a virtual environment, so that a package can be moved in the copy and nowhere else.

A copy of an environment of ours shares its files by hard links: 60,000 files take two seconds
and no disk. That is safe because pip never writes into a file that is there: it renames what it
uninstalls and unlinks before it writes (pip 23.2 to 26.3, pip/_internal/operations/install/
wheel.py, `ZipBackedFile.save`; pip/_vendor/distlib/util.py, `write_binary_file`). It is verified
each time all the same: `copied` raises if a file of the original was written into meanwhile. A
user's own environment is copied whole and shares nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from caniload.errors import (
    BadInputError,
    DiskFullError,
    EnvironmentBuildError,
    RegistryError,
    SharedFileError,
)
from caniload.runs import pip_output, pip_process, registry
from caniload.runs.built import LAST_USED, MARKER
from caniload.runs.disk import translating
from caniload.runs.interpreters import Interpreter, probe

OnLine = Callable[[str], None]

_NOT_COPIED = frozenset({MARKER, LAST_USED})
_MARGIN_BYTES = 2_000_000_000
"""Free disk that must be left beside a copy: what pip downloads and unpacks."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copied environment: its folder, its interpreter, and what it was copied from."""

    root: Path
    python: Path
    original: Path


def root_of(python: Path) -> Path:
    """Return the folder of the virtual environment that an interpreter belongs to.

    Raises `BadInputError` for an interpreter that belongs to none: it cannot be copied.
    """
    root = python.parent.parent
    if not (root / "pyvenv.cfg").is_file():
        raise BadInputError(
            f"{python} belongs to no virtual environment, and only one can be copied",
            "make one with `python -m venv` and give its interpreter",
        )
    return root


@contextmanager
def copied(original: Path, folder: Path, *, share: bool) -> Iterator[Copy]:
    """Copy a virtual environment into a new folder inside `folder`; delete it at the end.

    With `share` the files are hard links where the disk allows. Raises `SharedFileError` if one
    of them was written into while the copy stood, `DiskFullError`.
    """
    root = folder / f"{original.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    before = _files(original) if share else {}
    try:
        with translating(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not share:
                _check_disk(original, folder)
            shutil.copytree(
                original,
                root,
                symlinks=True,
                ignore=lambda _, names: [name for name in names if name in _NOT_COPIED],
                copy_function=_link if share else shutil.copy2,
            )
            _readdress(original, root)
        yield Copy(root, root / "bin" / "python", original)
        if share:
            _check_untouched(before, original)
    finally:
        _discard(root)


def install(
    copy: Copy,
    requirements: Sequence[str],
    keep: Mapping[str, str],
    on_line: OnLine,
    *,
    name: str = "copy",
) -> Interpreter:
    """Install requirements into a copy and return what it then is.

    `keep` are the packages that may not move, with their public versions; all others pip may
    move. Raises `EnvironmentBuildError` where pip says that it cannot be done, and
    `RegistryError` where the registry did not answer, which says nothing.
    """
    held = probe(copy.python)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.writelines(f"{each}=={version}\n" for each, version in keep.items())
        constraints.flush()
        asked = ["install", "--no-compile", "-c", constraints.name, *requirements]

        def pip(*words: str) -> tuple[int, list[str]]:
            line = pip_process.for_interpreter(copy.python, held.distributions, *words)
            return pip_process.run(line, on_line)

        code, lines = pip(*asked)
        if code == 0:
            return probe(copy.python)
        if pip_output.no_space(lines):
            raise DiskFullError(f"the disk was full while installing into {name}", "free some")
        if registry.unreached(pip(*registry.LOUD, *asked, "--dry-run")[1]):
            raise RegistryError(
                f"the package registry cannot be reached, and so {name} not installed",
                "try again when it is there; what was learned is kept",
            )
    raise EnvironmentBuildError(
        name,
        pip_output.failed_package(lines),
        pip_output.tail(lines) or f"ended with status {code} and said nothing",
    )


def moved(before: Interpreter, after: Interpreter) -> dict[str, tuple[str | None, str | None]]:
    """Return each distribution whose version differs: what it was, what it is."""
    old, new = before.distributions, after.distributions
    return {
        name: (old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def sweep(folder: Path) -> None:
    """Delete the copies that a killed process left behind."""
    for left in folder.iterdir() if folder.is_dir() else ():
        owner = left.name.rsplit("-", 2)[-2] if left.name.count("-") >= 2 else ""
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    """Tell whether a process is there; one of another user's is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _discard(root: Path) -> None:
    """Take a copy away at once, and free its disk while we go on; we end when it is freed.

    60,000 links take 15 s to remove on a busy disk, a quarter of a try.
    """
    gone = root.with_name(f"{root.name}.gone")
    try:
        root.rename(gone)
    except FileNotFoundError:
        return
    threading.Thread(target=shutil.rmtree, args=(gone,), kwargs={"ignore_errors": True}).start()


def _link(source: str, target: str) -> None:
    """Link a file, or copy it where the disk has no links between the two."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _readdress(original: Path, root: Path) -> None:
    """Make scripts, path files and links of a copy lead to the copy, each as a new file."""
    old, new = str(original), str(root)
    places = [*(root / "bin").iterdir(), root / "pyvenv.cfg"]
    for site in root.glob("lib*/python*/site-packages"):
        places += [*site.glob("*.pth"), *site.glob("__editable__*.py")]
    for path in places:
        if path.is_symlink():
            target = str(path.readlink())
            if target.startswith(f"{old}/"):
                path.unlink()
                path.symlink_to(new + target.removeprefix(old))
            continue
        if not path.is_file():
            continue
        mode, body = path.stat().st_mode, path.read_bytes()
        changed = body.replace(old.encode(), new.encode())
        if changed != body and b"\0" not in body:
            path.unlink()
            path.write_bytes(changed)
            path.chmod(mode)


def _files(root: Path) -> dict[tuple[int, int], tuple[int, int]]:
    """Return size and time of change of each file by device and inode."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name not in _NOT_COPIED:
                stat = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - 60,000 times
                found[stat.st_dev, stat.st_ino] = (stat.st_size, stat.st_mtime_ns)
    return found


def _check_untouched(before: Mapping[tuple[int, int], tuple[int, int]], original: Path) -> None:
    """Raise if a file that was there is there with other bytes; a replaced one is not ours."""
    after = _files(original)
    changed = [inode for inode, was in before.items() if after.get(inode, was) != was]
    if changed:
        raise SharedFileError(
            f"{len(changed)} files of {original.name} were written into through its copy",
            f"rebuild it: `caniload env rm {original.name}`, then build it again",
        )


def _check_disk(original: Path, folder: Path) -> None:
    """Raise `DiskFullError` when a whole copy would not fit."""
    from caniload.runs.built import folder_bytes

    needed = folder_bytes(original) + _MARGIN_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"a copy of {original.name} needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            "free some, or set CANILOAD_ENVS to a larger disk",
        )
