"""Keep the built environments within their disk budget: the longest unused goes first."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress

from caniload.errors import BusyError, DiskFullError, UnknownNameError
from caniload.runs.built import (
    built,
    environment_path,
    folder_bytes,
    lock_path,
    read_marker,
)
from caniload.runs.envspecs import EnvSpec
from caniload.runs.locks import locked
from caniload.settings import Settings

OnLine = Callable[[str], None]

HEADROOM = 1.5
"""How much free disk a build asks for, in sizes of what it makes: wheels are unpacked from
pip's cache, and both lie there for a while."""


def check_disk(spec: EnvSpec, settings: Settings) -> None:
    """Raise `DiskFullError` when what is free cannot hold the environment being built."""
    place = settings.envs
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    needed = int(spec.disk_bytes * HEADROOM)
    if free < needed:
        raise DiskFullError(
            f"environment {spec.name!r} needs about {gigabytes(needed)} of disk, "
            f"{gigabytes(free)} are free",
            "remove one with `caniload env rm NAME`, or set CANILOAD_ENVS to a larger disk",
        )


def make_room(
    settings: Settings, needed_bytes: int, keep: frozenset[str], on_line: OnLine
) -> tuple[str, ...]:
    """Remove environments, longest unused first, until the rest and `needed_bytes` fit.

    One that is in use, or named in `keep`, is never removed. Returns the names removed. If
    the budget cannot be kept it says so through `on_line` and leaves it at that.
    """
    entries = sorted(built(settings), key=lambda entry: entry.last_used_at)
    excess = sum(entry.size_bytes for entry in entries) + needed_bytes - settings.env_budget_bytes
    removed: list[str] = []
    for entry in entries:
        if excess <= 0:
            break
        if entry.name in keep:
            continue
        try:
            remove(entry.name, settings)
        except BusyError:
            continue
        removed.append(entry.name)
        excess -= entry.size_bytes
        on_line(
            f"removed environment {entry.name} ({gigabytes(entry.size_bytes)}), "
            f"the longest unused, to keep to the budget"
        )
    if excess > 0:
        on_line(
            f"environments take {gigabytes(excess)} more than the budget of "
            f"{gigabytes(settings.env_budget_bytes)} (CANILOAD_ENV_BUDGET_GB)"
        )
    return tuple(removed)


def remove(name: str, settings: Settings) -> int:
    """Remove an environment of ours, finished or not; return the bytes that were freed.

    Raises `UnknownNameError` when none of ours has that name, `BusyError` when it is in use.
    """
    path = environment_path(name, settings)
    if read_marker(path) is None:
        names = tuple(entry.name for entry in built(settings))
        hint = f"built are: {', '.join(names)}" if names else "none is built"
        raise UnknownNameError("built environment", name, (), hint)
    with locked(lock_path(name, settings)):
        freed = folder_bytes(path)
        discard(name, settings)
    return freed


def discard(name: str, settings: Settings) -> None:
    """Delete an environment's folder; the caller holds its lock. It vanishes at one stroke.

    The folder is first renamed, so that a deletion that is interrupted never leaves something
    that looks like an environment; what an earlier one left is deleted too.
    """
    trash = settings.envs / ".trash"
    trash.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        environment_path(name, settings).rename(trash / f"{name}-{os.getpid()}-{uuid.uuid4().hex}")
    for left in trash.iterdir():
        shutil.rmtree(left, ignore_errors=True)


def gigabytes(size_bytes: int) -> str:
    """Write a size in gigabytes (10^9 bytes), as in `1.4 GB`; small ones in megabytes."""
    if size_bytes < 100_000_000:
        return f"{size_bytes / 1e6:.0f} MB"
    return f"{size_bytes / 1e9:.1f} GB"
