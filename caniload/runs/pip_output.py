"""Read pip's own output: which package an install stopped at, and the lines that say why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

TAIL_LINES = 12
"""How many of pip's last lines are shown; the whole output stays in the build's log."""

# The wordings are pip's own, read in the sources of pip 23.2 to 26.3 (pip/_internal).
_NAMED = (
    re.compile(r"No matching distribution found for (?P<what>.+)"),
    re.compile(r"Could not find a version that satisfies the requirement (?P<what>\S+)"),
    re.compile(r"Failed to build installable wheels for some .*\((?P<what>[^)]+)\)"),
    re.compile(r"Failed to build '?(?P<what>[A-Za-z0-9][^\s',]*)'? when "),
    re.compile(r"Could not build wheels for (?P<what>[^,\s]+)"),
    re.compile(r"Failed building wheel for (?P<what>\S+)"),
    re.compile(r"Cannot install (?P<what>.+?) because these package versions"),
    re.compile(r"Package '(?P<what>[^']+)' requires a different Python"),
)
_STEP = re.compile(r"\s*(?:Building wheel for|Collecting|Downloading|Processing) (?P<what>[^\s(]+)")
_NOISE = re.compile(
    r"\s*(?:Collecting|Downloading|Processing|Using cached|Requirement already|Looking in |"
    r"WARNING: Location |INFO: pip is looking |\[notice\]|note: This (?:error|is an issue)|$)"
)
_NO_SPACE = "[Errno 28]"


def failed_package(lines: Sequence[str]) -> str | None:
    """Name the package that pip stopped at: as its error says, else the last it worked on."""
    for pattern in _NAMED:
        for line in reversed(lines):
            if match := pattern.search(line):
                return _short(match["what"])
    for line in reversed(lines):
        if match := _STEP.match(line):
            return _short(match["what"])
    return None


def tail(lines: Sequence[str]) -> str:
    """Return pip's last telling lines; what it did before the error is left out."""
    told = [line.rstrip() for line in lines if not _NOISE.match(line)]
    return "\n".join(told[-TAIL_LINES:])


def no_space(lines: Sequence[str]) -> bool:
    """Tell whether pip stopped because the disk was full."""
    return any(_NO_SPACE in line or "No space left on device" in line for line in lines)


def _short(text: str) -> str:
    """Keep name and version of what pip named, without where it came from."""
    words = text.strip().rstrip(".").partition(" (from")[0]
    parse = parse_wheel_filename if words.endswith(".whl") else parse_sdist_filename
    try:
        name, version, *_ = parse(PurePath(words).name)
    except (InvalidSdistFilename, InvalidWheelFilename):
        pass
    else:
        return f"{name}=={version}"
    try:
        parsed = Requirement(words)
    except InvalidRequirement:
        return words
    return f"{parsed.name}{parsed.specifier}"
