"""Read which Python is active "here" and what it holds, fast enough for a cold `check`.

Only the standard library is imported, and an interpreter is started only where nothing on
disk says what a virtual or conda environment would: names and versions are those of the
`.dist-info` and `.egg-info` entries, as `importlib.metadata` would give them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from caniload.errors import InterpreterError

if TYPE_CHECKING:
    from caniload.catalog.answers import Place

_LISTING = (
    "import json,sys;"
    "sys.stdout.write('\\ncaniload-here:'+json.dumps([list(sys.version_info[:2]),sys.path])+'\\n')"
)
_HASH = re.compile(r"g?(it)?[0-9a-f]{7,40}\Z")
_TOOL_RECEIPTS = ("pipx_metadata.json", "uv-receipt.toml")


@dataclass(frozen=True, slots=True)
class Here:
    """Say what an interpreter is and holds: names are canonical, versions public."""

    python: Path
    python_minor: str
    platform: str
    versions: dict[str, str]
    builds: dict[str, str]

    def decisive(self, names: Iterable[str]) -> dict[str, str]:
        """Return the versions of the named distributions that are installed."""
        return {name: self.versions[key] for name in names if (key := canonical(name)) in self}

    def key(self, names: Iterable[str]) -> str:
        """Return the environment key that an observation made here would carry."""
        return environment_key(self.decisive(names), self.python_minor, self.platform)

    def __contains__(self, name: str) -> bool:
        """Tell whether a distribution of that canonical name is installed."""
        return name in self.versions


def here(environ: Mapping[str, str] | None = None) -> Path:
    """Return the active interpreter, as the design defines "here".

    `$VIRTUAL_ENV` or `$CONDA_PREFIX`, else the first `python3` on PATH, never the one that
    caniload itself was installed into by pipx or `uv tool`. Raises `InterpreterError` if none.
    """
    env = os.environ if environ is None else environ
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = env.get(variable)
        if not prefix or _own_tool(Path(prefix)):
            continue
        python = Path(prefix) / "bin" / "python"
        if not python.exists():
            raise InterpreterError(
                f"{variable} is {prefix}, which holds no bin/python",
                "activate another environment, or give --python or --env",
            )
        return python
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        python = Path(folder) / "python3"
        if folder and python.is_file() and os.access(python, os.X_OK):
            if _own_tool(Path(folder).parent):
                continue
            return python
    raise InterpreterError("no python3 is on PATH", "give --python or --env")


def versions_here(names: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the public versions of the named distributions in the active interpreter."""
    return read(here(environ), environ).decisive(names)


def read(python: Path, environ: Mapping[str, str] | None = None) -> Here:
    """Read what an interpreter holds; raise `InterpreterError` when it is none."""
    env = os.environ if environ is None else environ
    minor, folders = _from_disk(python, env) or _from_process(python, env)
    versions, builds = scan(folders)
    return Here(python, minor, this_platform(), versions, builds)


def place(python: str | os.PathLike[str] | None = None) -> Place:
    """Return the interpreter that a question is about: the one given, else the active one.

    Raises `InterpreterError` where there is none.
    """
    from caniload.catalog.answers import Place

    found = read(Path(python).expanduser().absolute() if python else here())
    name = str(python) if python else str(found.python)
    return Place(found.versions, found.python_minor, found.platform, name)


def read_built(envs: Path, name: str) -> Here | None:
    """Read a built environment from its marker, which is one small file; None if not built."""
    path = envs / name
    try:
        marker = json.loads((path / "caniload-environment.json").read_bytes())
    except (OSError, ValueError):
        return None
    if marker.get("state") != "built":
        return None
    return Here(
        path / "bin" / "python",
        marker["python_minor"],
        marker["platform"],
        marker["distributions"],
        marker["builds"],
    )


def environment_key(decisive: Mapping[str, str], python_minor: str, platform: str) -> str:
    """Compute `records.Environment.key` without importing pydantic; a test holds them equal."""
    value = [dict(decisive), python_minor, platform]
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def this_platform() -> str:
    """Name the operating system and processor, as in `linux-x86_64` or `darwin-arm64`."""
    return f"{sys.platform}-{os.uname().machine}"


def canonical(name: str) -> str:
    """Write a distribution's name in its canonical form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def split_version(version: str) -> tuple[str, str]:
    """Split a version into its public part and the build it names, hashes left out.

    >>> split_version("2.13.0+cpu"), split_version("2.6.0a0+ecf3bae40a.nv25.01")
    (('2.13.0', 'cpu'), ('2.6.0a0', 'nv25.01'))
    """
    public, _, local = version.partition("+")
    kept = [part for part in local.split(".") if part and not _HASH.match(part)]
    return public, ".".join(kept)


def scan(folders: Iterable[Path]) -> tuple[dict[str, str], dict[str, str]]:
    """List the distributions in folders of a module path: versions and builds by name.

    The first folder that holds a name wins, as it does on import. Folders that `.pth` files
    add are looked into after the folder they stand in.
    """
    versions: dict[str, str] = {}
    builds: dict[str, str] = {}
    for folder in folders:
        for place in (folder, *pth_folders(folder)):
            for name, version in _entries(place):
                if name in versions:
                    continue
                versions[name], build = split_version(version)
                if build:
                    builds[name] = build
    return versions, builds


def pth_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders that the `.pth` files of a site folder add to the module path."""
    found: list[Path] = []
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".pth")
    except OSError:
        return ()
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            text = line.strip()
            if text and not text.startswith(("#", "import ", "import\t")):
                target = folder / text
                if target.is_dir() and target not in found:
                    found.append(target)
    return tuple(found)


def _entries(folder: Path) -> Iterable[tuple[str, str]]:
    """Yield (canonical name, version) of each metadata entry; pip's `~` leftovers are none."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return
    for entry in names:
        stem, dot, kind = entry.rpartition(".")
        if not dot or kind not in ("dist-info", "egg-info") or entry.startswith("~"):
            continue
        if kind == "egg-info":
            stem = re.sub(r"-py\d(\.\d+)?$", "", stem)
        name, _, version = stem.partition("-")
        if not version:
            version = _header(folder / entry, "Version")
        if name and version:
            yield canonical(name), version


def _header(entry: Path, field: str) -> str:
    """Read one field of a metadata file that does not carry it in its name."""
    for path in (entry / "METADATA", entry / "PKG-INFO", entry):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(f"{field}: "):
                return line.partition(": ")[2].strip()
    return ""


def _from_disk(python: Path, env: Mapping[str, str]) -> tuple[str, list[Path]] | None:
    """Find minor version and site folders of a virtual or conda environment by its files."""
    prefix = python.parent.parent
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return _from_conda(prefix, env) or _from_plain(python, env)
    settings = {
        key.strip().lower(): value.strip()
        for key, equals, value in (line.partition("=") for line in lines)
        if equals
    }
    if settings.get("include-system-site-packages", "false").lower() == "true":
        return None
    version = settings.get("version") or settings.get("version_info") or ""
    match = re.match(r"(\d+)\.(\d+)", version)
    if not match or not python.exists():
        return None
    minor = f"{match[1]}.{match[2]}"
    folders = [prefix / lib / f"python{minor}" / "site-packages" for lib in ("lib", "lib64")]
    found = [folder for folder in folders if folder.is_dir()]
    return (minor, found) if found else None


def _from_conda(prefix: Path, env: Mapping[str, str]) -> tuple[str, list[Path]] | None:
    """Find minor version and site folders of a conda environment; the user's come first."""
    if not (prefix / "conda-meta").is_dir():
        return None
    found = [path for path in (prefix / "lib").glob("python3.*") if (path / "os.py").is_file()]
    if len(found) != 1:
        return None
    minor = found[0].name.removeprefix("python")
    return minor, [*_user_site(minor, env), found[0] / "site-packages"]


def _from_plain(python: Path, env: Mapping[str, str]) -> tuple[str, list[Path]] | None:
    """Find minor version and site folders of an installed interpreter that lies where it was put.

    The folders and their order are those of CPython's `site` module and of Debian's patch to
    it (https://wiki.debian.org/Python). A shim, as pyenv's, is a script and lies elsewhere.
    """
    binary = python.resolve()
    match = re.match(r"python(3\.\d+)\Z", binary.name)
    if sys.platform != "linux" or not match:
        return None
    minor, prefix = match[1], binary.parent.parent
    library = prefix / "lib" / f"python{minor}"
    if not (library / "os.py").is_file():
        return None
    folders = _user_site(minor, env)
    debian = prefix / "lib" / "python3" / "dist-packages"
    if debian.is_dir():
        folders += [prefix / "local" / "lib" / f"python{minor}" / "dist-packages", debian]
    else:
        folders += [library / "site-packages", prefix / "lib64" / library.name / "site-packages"]
    return minor, folders


def _user_site(minor: str, env: Mapping[str, str]) -> list[Path]:
    """Return the user's own site folder, which comes before the interpreter's, if it is on."""
    home = env.get("HOME")
    if sys.platform != "linux" or not home or env.get("PYTHONNOUSERSITE"):
        return []
    base = Path(env.get("PYTHONUSERBASE") or Path(home) / ".local")
    return [base / "lib" / f"python{minor}" / "site-packages"]


def _from_process(python: Path, env: Mapping[str, str]) -> tuple[str, list[Path]]:
    """Ask the interpreter for its version and module path; it imports nothing else."""
    import subprocess  # 10 ms that most answers do not need

    try:
        done = subprocess.run(
            [str(python), "-B", "-c", _LISTING],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
            env=clean_environ(env),
        )
        line = done.stdout.split("\ncaniload-here:")[1].splitlines()[0]
        (major, minor), path = json.loads(line)
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise InterpreterError(
            f"{python} does not answer as a Python does", "give --python or --env"
        ) from error
    return f"{major}.{minor}", [Path(entry) for entry in path if entry]


def clean_environ(env: Mapping[str, str]) -> dict[str, str]:
    """Drop what would make an interpreter see other modules than a worker will see."""
    return {
        name: value
        for name, value in env.items()
        if not name.startswith("PYTHON") or name in ("PYTHONUSERBASE", "PYTHONNOUSERSITE")
    }


def _own_tool(prefix: Path) -> bool:
    """Tell whether a prefix is the private one that pipx or `uv tool` gave to caniload."""
    if not any((Path(sys.prefix) / receipt).exists() for receipt in _TOOL_RECEIPTS):
        return False
    try:
        return prefix.samefile(sys.prefix)
    except OSError:
        return False
