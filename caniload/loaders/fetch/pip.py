"""pip as a process of its own: started under the user's configuration, watched, understood."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from caniload.errors import ArtefactError, DiskFullError, HubError
from caniload.settings import Settings

IDLE_TIMEOUTS = 10
"""After how many silent `http_timeout_seconds` without a byte written pip is taken for stuck."""
LEAST_PATIENCE_SECONDS = 15.0
"""However short those are: pip alone needs seconds to start on a busy machine."""

_CREDENTIALS = "give pip credentials for its index (keyring or netrc)"
_NETWORK = "check the network, the proxy and pip's index: pip config list"

_ANSWERS: tuple[tuple[str, str, str], ...] = (
    ("THESE PACKAGES DO NOT MATCH THE HASHES", "artefact", ""),
    ("BadZipFile", "artefact", ""),
    ("has an invalid wheel", "artefact", ""),
    (".whl is invalid", "artefact", ""),
    ("No space left on device", "disk", ""),
    ("429 Client Error", "throttled", "the index throttles; try again later"),
    ("too many 429 error responses", "throttled", "the index throttles; try again later"),
    ("401 Client Error", "gated", _CREDENTIALS),
    ("403 Client Error", "gated", _CREDENTIALS),
    ("too many 5", "server", "the index is in trouble; try again later"),
    ("Server Error", "server", "the index is in trouble; try again later"),
    ("TooManyRedirects", "server", "the index redirects in circles"),
    ("incomplete-download", "unreachable", "the download broke off; try again"),
    ("Connection broken", "unreachable", "the download broke off; try again"),
    ("connection-timeout", "unreachable", _NETWORK),
    ("Failed to establish a new connection", "unreachable", _NETWORK),
    ("Connection refused", "unreachable", _NETWORK),
    ("name resolution", "unreachable", _NETWORK),
    ("Name or service not known", "unreachable", _NETWORK),
    ("Cannot connect to proxy", "unreachable", _NETWORK),
    ("Connection aborted", "unreachable", _NETWORK),
    ("timed out", "unreachable", _NETWORK),
    ("SSLError", "unreachable", "check the certificates that pip trusts"),
)
"""What pip says (seen in 23.2 and 26.3), the reason it means, and what to do; first one wins."""


def pip(
    wanted: str,
    arguments: list[str],
    folder: Path,
    settings: Settings,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Run pip with only wheels and without dependencies; `folder` takes its temporary files.

    `on_bytes` hears how many bytes those are. Raises `HubError` with a reason, `ArtefactError`
    for a wrong hash, `DiskFullError`.
    """
    log, out = folder / "pip.log", folder / "pip.out"
    command = [
        *_pip_command(),
        *arguments[:1],
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--disable-pip-version-check",
        "--no-color",
        "--progress-bar=off",
        f"--log={log}",
        *arguments[1:],
    ]
    with out.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        try:
            patience = max(IDLE_TIMEOUTS * settings.http_timeout_seconds, LEAST_PATIENCE_SECONDS)
            alive = _watch(process, folder, patience, on_bytes or (lambda so_far: None))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if not alive:
        raise HubError("pypi", "unreachable", f"pip made no progress with {wanted}", _NETWORK)
    if process.returncode != 0:
        said = out.read_text("utf-8", "replace")
        raise explain(wanted, said, log.read_text("utf-8", "replace") if log.exists() else "")


def _watch(
    process: subprocess.Popen[bytes],
    folder: Path,
    idle_seconds: float,
    on_bytes: Callable[[int], None],
) -> bool:
    """Wait for pip; False once neither its output nor its files have grown for too long."""
    size, since = -1, time.monotonic()
    while True:
        try:
            process.wait(0.1)
            return True
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        grown = _bytes_below(folder)
        if grown != size:
            size, since = grown, now
            on_bytes(grown)
        elif now - since > idle_seconds:
            return False


def _bytes_below(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_size
    return total


def _pip_command() -> list[str]:
    """Return how to start pip: of this interpreter, else the one on PATH."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise HubError(
            "pypi", "unreachable", "there is no pip to fetch packages with", "python -m ensurepip"
        )
    return [found]


def explain(wanted: str, said: str, log: str = "") -> HubError | DiskFullError:
    """Turn pip's output into the error it means.

    pip keeps an index's refusal to its log and says on the screen only that nothing matches.
    """
    nothing = "No matching distribution found" in said
    told = _refusals(log) if nothing else ""
    flat = " ".join(f"{said} {told}".split())
    for phrase, reason, hint in _ANSWERS:
        if phrase not in flat:
            continue
        if reason == "disk":
            return DiskFullError(f"no space to download {wanted}", "free space and try again")
        if reason == "artefact":
            got = re.search(r"Got\s+([0-9a-f]{64})", flat)
            seen = f": it has sha256 {got.group(1)}" if got else ""
            return ArtefactError(
                "pypi",
                f"what the index served for {wanted} is not what was published or pinned{seen}",
                "try again; if it stays, the pin or the publisher changed",
            )
        return HubError("pypi", reason, f"the package index did not give {wanted}", hint)
    if nothing:
        versions = re.search(r"\(from versions: ([^)]*)\)", flat)
        has = versions.group(1) if versions and versions.group(1) != "none" else ""
        return HubError(
            "pypi",
            "missing",
            f"the package index has no wheel of {wanted} for this Python",
            f"it has {has}" if has else "check the name, or pip's index: pip config list",
        )
    if "404 Client Error" in flat:
        return HubError("pypi", "missing", f"the index lists {wanted} but its file is gone")
    last = next((line for line in reversed(said.splitlines()) if line.startswith("ERROR")), "")
    return HubError(
        "pypi", "server", f"pip could not fetch {wanted}: {last.removeprefix('ERROR: ').strip()}"
    )


def _refusals(log: str) -> str:
    """Return the lines of pip's log in which an index refused, but for plain absence."""
    lines = [line for line in log.splitlines() if "Could not fetch URL" in line]
    return "\n".join(line for line in lines if "404 Client Error" not in line)
