"""Environments: specified, built, used, exported and removed. The front of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

from caniload.errors import UnknownNameError
from caniload.runs.budget import check_disk, gigabytes, make_room, remove
from caniload.runs.builder import base_python, build, use
from caniload.runs.built import (
    BuiltEnvironment,
    Marker,
    built,
    environment_path,
    find,
    half_built,
    read_built,
    touch,
)
from caniload.runs.envspecs import EnvSpec, read_spec, spec, specs
from caniload.settings import Settings

__all__ = [
    "BuiltEnvironment",
    "EnvSpec",
    "Marker",
    "base_python",
    "build",
    "built",
    "check_disk",
    "environment_path",
    "export",
    "find",
    "gigabytes",
    "half_built",
    "make_room",
    "read_built",
    "read_spec",
    "remove",
    "requirements_text",
    "spec",
    "specs",
    "touch",
    "use",
]

_TOOLS = frozenset({"pip", "wheel", "setuptools"})


def export(name: str, settings: Settings) -> str:
    """Return the requirements of a built environment, every package pinned, to paste.

    Public versions only: no URL, no local build. Raises `UnknownNameError` if it is not built.
    """
    found = read_built(name, settings)
    if found is None:
        specification = spec(name, settings)
        raise UnknownNameError(
            "built environment", specification.name, (), f"`caniload env build {name}` builds it"
        )
    marker = found.marker
    asked = {line.partition("==")[0].lower() for line in marker.requirements}
    header = f"environment {name}: Python {marker.python}, {marker.platform}"
    if marker.built_at is not None:
        header += f", built {marker.built_at.date().isoformat()}"
    return requirements_text(marker.distributions, header, keep_tools=frozenset(asked))


def requirements_text(
    lock: Mapping[str, str], header: str = "", keep_tools: frozenset[str] = frozenset()
) -> str:
    """Write a lock (name to version) as requirements, one `name==version` a line.

    pip, wheel and setuptools are left out unless named in `keep_tools`; a local version is cut.
    """
    lines = [f"# {header}"] if header else []
    for name, version in sorted(lock.items()):
        if name not in _TOOLS or name in keep_tools:
            lines.append(f"{name}=={version.partition('+')[0]}")
    return "\n".join(lines) + "\n"
