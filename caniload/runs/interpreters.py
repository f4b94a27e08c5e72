"""Ask a Python interpreter what it is and holds, importing nothing of it but metadata."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from caniload.errors import InterpreterError
from caniload.records import Environment
from caniload.runs.here import (
    canonical,
    clean_environ,
    here,
    pth_folders,
    split_version,
)

OLDEST = (3, 9)
"""The oldest Python that the worker runs on."""

PROBE_SECONDS = 60.0
"""How long an interpreter may take to answer; a cold conda on a network disk takes seconds."""

__all__ = ["OLDEST", "Interpreter", "environment", "here", "locate", "probe"]


@dataclass(frozen=True)
class Interpreter:
    """Describe an interpreter as it describes itself.

    `python` is what to start: where a shim was given, the interpreter that it leads to.
    `executable` is the binary behind all links.
    `distributions` maps canonical names to public versions, `builds` the same names to what
    their local versions named ("cpu"). `prefixes`, `sys_path` and `pth_targets` are what a
    sandbox has to show for imports to work; `user_base` is where the user's own site folder
    hangs, which a worker with a throw-away HOME finds only through `PYTHONUSERBASE`.
    """

    python: Path
    executable: Path
    version: str
    minor: str
    implementation: str
    platform: str
    distributions: dict[str, str]
    builds: dict[str, str]
    prefixes: tuple[Path, ...]
    sys_path: tuple[Path, ...]
    pth_targets: tuple[Path, ...]
    user_base: Path | None = None

    @cached_property
    def binds(self) -> tuple[Path, ...]:
        """The folders that hold it, each link on the way to the binary included; sorted.

        Some lie in others: an outer one may be too wide to show.
        """
        wanted = [*self.prefixes, *self.sys_path, *self.pth_targets, *_link_folders(self.python)]
        real = [path.resolve() for path in wanted if path.exists()]
        folders = {path if path.is_dir() else path.parent for path in (*wanted, *real)}
        return tuple(sorted(path for path in folders if path.exists()))


def probe(python: Path) -> Interpreter:
    """Start the interpreter once and return what it says of itself.

    Raises `InterpreterError` if it is missing, not executable, no Python or older than 3.9.
    """
    python = locate(python)
    answer = _answer(python)
    version = _line(answer, "caniload-version:")
    if version is None:
        raise InterpreterError(f"{python} is not a Python interpreter", "give bin/python of one")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        oldest = ".".join(str(part) for part in OLDEST)
        raise InterpreterError(
            f"{python} is Python {version}; the worker needs {oldest} or newer",
            "give another interpreter with --python",
        )
    facts = _line(answer, "caniload-probe:")
    if facts is None:
        raise InterpreterError(
            f"{python} is Python {version} but could not list its packages",
            "run it by hand and see what it prints at start",
        )
    return _interpreter(python, json.loads(facts))


def locate(python: Path) -> Path:
    """Return the absolute path of an interpreter; a folder means the `bin/python` inside it.

    Links are kept: a virtual environment's interpreter is a link, and its path is its meaning.
    """
    path = Path(os.path.abspath(python.expanduser()))  # noqa: PTH100 (resolve follows links)
    if path.is_dir():
        inside = path / "bin" / "python"
        if not inside.exists():
            raise InterpreterError(f"{path} is a folder without bin/python", "give an interpreter")
        path = inside
    if not path.exists():
        hint = "its link leads nowhere" if path.is_symlink() else "check the path"
        raise InterpreterError(f"{path} does not exist", hint)
    if not os.access(path, os.X_OK):
        raise InterpreterError(f"{path} is not executable", "give the interpreter, not a script")
    return path


def environment(
    interpreter: Interpreter,
    name: str,
    decisive: Iterable[str],
    patches: Iterable[str] = (),
) -> Environment:
    """Make the record of an interpreter; `decisive` are the names that enter its key.

    Names that are not installed are left out, so that the key says so too.
    """
    have = interpreter.distributions
    return Environment(
        name=name,
        python=interpreter.version,
        python_minor=interpreter.minor,
        implementation=interpreter.implementation,
        platform=interpreter.platform,
        decisive={each: have[canonical(each)] for each in decisive if canonical(each) in have},
        lock=have,
        builds=interpreter.builds,
        patches=tuple(patches),
    )


def _answer(python: Path) -> str:
    """Run the probe script and return what it printed."""
    script = Path(__file__).with_name("probe_script.py").read_text(encoding="utf-8")
    environ = clean_environ(os.environ)
    environ["PYTHONIOENCODING"] = "utf-8"
    try:
        done = subprocess.run(
            [str(python), "-B", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PROBE_SECONDS,
            check=False,
            env=environ,
        )
    except OSError as error:
        raise InterpreterError(
            f"{python} cannot be started: {error.strerror}", "give an interpreter of this machine"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InterpreterError(
            f"{python} did not answer within {PROBE_SECONDS:.0f} s", "check that it starts by hand"
        ) from error
    return done.stdout


def _line(text: str, mark: str) -> str | None:
    """Return what follows the mark on its own line, whatever else was printed around it."""
    for line in text.splitlines():
        if line.startswith(mark):
            return line.removeprefix(mark).strip()
    return None


def _interpreter(python: Path, facts: dict[str, Any]) -> Interpreter:
    """Turn the script's answer into an `Interpreter`; the first of a name on the path wins."""
    versions: dict[str, str] = {}
    builds: dict[str, str] = {}
    for raw_name, raw_version in facts["distributions"]:
        name = canonical(raw_name)
        if name in versions:
            continue
        versions[name], build = split_version(raw_version)
        if build:
            builds[name] = build
    places = [Path(place) for place in facts["places"]]
    targets = [Path(path) for path in facts["editable"]]
    targets += [target for place in places for target in pth_folders(place)]
    user_base = facts["user_base"]
    started = Path(facts["executable"] or python)
    return Interpreter(
        python=started,
        executable=started.resolve(),
        version=facts["version"],
        minor=".".join(facts["version"].split(".")[:2]),
        implementation=facts["implementation"],
        platform=f"{facts['system']}-{facts['machine']}",
        distributions=dict(sorted(versions.items())),
        builds=builds,
        prefixes=_unique(Path(prefix) for prefix in facts["prefixes"]),
        sys_path=_unique(Path(entry) for entry in facts["sys_path"]),
        pth_targets=_unique(target for target in targets if target.exists()),
        user_base=Path(user_base) if user_base and Path(user_base).is_dir() else None,
    )


def _unique(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Keep the first of each path, in order."""
    return tuple(dict.fromkeys(paths))


def _link_folders(path: Path) -> list[Path]:
    """Return the folder of each link from an interpreter's path to its binary."""
    folders = [path.parent]
    for _ in range(40):
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
        folders.append(path.parent)
    return folders
