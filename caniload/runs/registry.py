"""Ask the package registry which releases there are, through pip and the user's configuration.

`pip index versions` reads the simple index that pip itself would install from. It leaves out
yanked files and those that ask for another Python or platform (pip 23.2 to 26.3,
pip/_internal/commands/index.py: `allow_yanked=False`, the target of the interpreter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from caniload.errors import RegistryError, UnknownNameError
from caniload.runs import pip_output, pip_process

LOUD = ("-vv",)
"""Without it pip says of a registry that is away what it says of a package that does not exist:
`_handle_get_simple_fail` in pip/_internal/index/collector.py tells the reason to debug alone."""

_LISTED = "Available versions:"
_UNREACHED = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "ReadTimeoutError",
    "ConnectTimeoutError",
    "Read timed out",
    "Temporary failure in name resolution",
    "Max retries exceeded",
    "Connection reset by peer",
    "ProxyError",
    "500 Server Error",
    "502 Server Error",
    "503 Server Error",
    "504 Server Error",
    "error responses",
    "HTTP error 5",
    "401 Client Error",
    "403 Client Error",
    "407 Client Error",
    "429 Client Error",
)
"""What pip, requests and urllib3 say of a registry that does not answer or says no to us."""


def releases(
    package: str,
    python: Path,
    distributions: Mapping[str, str],
    *,
    prereleases: bool = False,
    on_line: Callable[[str], None] = lambda line: None,
) -> tuple[str, ...]:
    """Return the versions of a package that this interpreter could be given, oldest first.

    Yanked ones are left out. Raises `UnknownNameError` for a package that the registry does not
    have, `RegistryError` where it cannot be reached.
    """
    asked = [*LOUD, "index", "versions", package, *(["--pre"] if prereleases else [])]
    code, lines = pip_process.run(
        pip_process.for_interpreter(python, distributions, *asked), on_line
    )
    for line in lines:
        if line.startswith(_LISTED):
            return in_order(text.strip() for text in line.removeprefix(_LISTED).split(","))
    if unreached(lines):
        raise RegistryError(
            f"the package registry cannot be reached, and so {package} not listed",
            "pip's configuration says which one is asked; try again when it is there",
        )
    if any("No matching distribution found" in line for line in lines):
        raise UnknownNameError("package", package, (), "the registry has no release of it")
    raise RegistryError(
        f"pip could not list the versions of {package} (status {code}): {last(lines)}",
        "pip 21.2 or newer is needed in that interpreter",
    )


def unreached(lines: Sequence[str]) -> bool:
    """Tell whether pip stopped because the registry gave no answer, which says nothing."""
    return any(word in line for line in lines for word in _UNREACHED)


def last(lines: Sequence[str]) -> str:
    """Return pip's last telling line."""
    return (pip_output.tail(lines).splitlines() or ["it said nothing"])[-1]


def in_order(versions: Iterable[str]) -> tuple[str, ...]:
    """Sort versions as PEP 440 does, oldest first; what is no version is left out."""
    found: dict[Version, str] = {}
    for text in versions:
        try:
            found.setdefault(Version(text), text)
        except InvalidVersion:
            continue
    return tuple(found[version] for version in sorted(found))
