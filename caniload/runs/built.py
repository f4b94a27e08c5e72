"""What stands on disk: built environments, their marker, size and last use.

The marker is written last and replaced atomically. A folder without a finished marker is
half-built and is never used; a folder with no marker at all is not ours and is never touched.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from caniload.errors import UnknownNameError
from caniload.records import Record
from caniload.runs.envspecs import EnvSpec
from caniload.settings import Settings

MARKER = "caniload-environment.json"
LAST_USED = "caniload-last-used"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class Marker(Record):
    """State what was built: specification, interpreter, and every distribution in it."""

    state: Literal["building", "built"]
    name: str
    digest: str
    requirements: tuple[str, ...]
    built_at: AwareDatetime | None = None
    python: str = ""
    python_minor: str = ""
    platform: str = ""
    distributions: dict[str, str] = Field(default_factory=dict)
    builds: dict[str, str] = Field(default_factory=dict)
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """Show one environment on disk: where it is, what is in it, when it was last used."""

    name: str
    path: Path
    python: Path
    marker: Marker
    last_used_at: datetime

    @property
    def size_bytes(self) -> int:
        """What it took on disk when it was built."""
        return self.marker.size_bytes


def environment_path(name: str, settings: Settings) -> Path:
    """Where the environment of that name stands: its interpreter is `bin/python` there.

    Raises `UnknownNameError` for what cannot be a name, so that none leads out of the folder.
    """
    if not _NAME.match(name):
        raise UnknownNameError("environment", name, (), "`caniload env list` shows all")
    return settings.envs / name


def lock_path(name: str, settings: Settings) -> Path:
    """The lock of an environment; it outlives the environment."""
    return settings.envs / ".locks" / f"{name}.lock"


def find(spec: EnvSpec, settings: Settings) -> Path | None:
    """Return the interpreter of a finished build of exactly this specification, else None."""
    found = read_built(spec.name, settings)
    return found.python if found and found.marker.digest == spec.digest else None


def built(settings: Settings) -> tuple[BuiltEnvironment, ...]:
    """List the finished environments by name, whether or not their specification has changed."""
    found = (read_built(name, settings) for name in _folders(settings))
    return tuple(entry for entry in found if entry is not None)


def half_built(settings: Settings) -> tuple[str, ...]:
    """Name the folders that a build of ours began and did not finish."""
    return tuple(
        name
        for name in _folders(settings)
        if (marker := read_marker(environment_path(name, settings))) is not None
        and marker.state == "building"
    )


def read_built(name: str, settings: Settings) -> BuiltEnvironment | None:
    """Return a finished environment whose interpreter still exists, else None."""
    path = environment_path(name, settings)
    marker = read_marker(path)
    python = path / "bin" / "python"
    if marker is None or marker.state != "built" or not python.exists():
        return None
    return BuiltEnvironment(name, path, python, marker, _last_used(path))


def read_marker(path: Path) -> Marker | None:
    """Read the marker of a folder; None when there is none or it is not ours."""
    try:
        return Marker.model_validate_json((path / MARKER).read_bytes())
    except (OSError, ValidationError):
        return None


def write_marker(path: Path, marker: Marker) -> None:
    """Write the marker through a temporary name, so that it is there whole or not at all."""
    temporary = path / f".{MARKER}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(marker.model_dump(mode="json"), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path / MARKER)


def touch(name: str, settings: Settings) -> None:
    """Note that an environment is used now; a read-only folder keeps its old date."""
    try:
        (environment_path(name, settings) / LAST_USED).touch()
    except OSError:
        return


def folder_bytes(path: Path) -> int:
    """Sum what the files under a folder take on disk, links not followed, each inode once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            stat = Path(folder, name).lstat()
            if (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                total += stat.st_blocks * 512
    return total


def _folders(settings: Settings) -> list[str]:
    """Names of the folders that may be environments, sorted."""
    try:
        entries = sorted(settings.envs.iterdir())
    except OSError:
        return []
    return [entry.name for entry in entries if entry.is_dir() and _NAME.match(entry.name)]


def _last_used(path: Path) -> datetime:
    """When the environment was last used, or built."""
    for name in (LAST_USED, MARKER):
        try:
            return datetime.fromtimestamp((path / name).stat().st_mtime, UTC)
        except OSError:
            continue
    return datetime.fromtimestamp(0, UTC)
