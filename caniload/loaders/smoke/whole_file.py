"""Check artefacts that hold graph and weights in one file or folder: they are as fetched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import artefact
from .loader import CheckResult


def as_fetched(files: Iterable[Path], job: dict[str, Any]) -> CheckResult:
    """Compare the SHA-256 of the files that were read with what was fetched.

    Names and shapes of weights do not apply, since no second copy of them exists: "not
    applicable" is what a match gives. A file that differs, or that was not fetched, fails.
    """
    root = artefact.root(job)
    listed = {item["path"]: item["sha256"] for item in job["artefact"].get("files", [])}
    hashes: list[str] = []
    for file in files:
        name = file.name if root.is_file() else file.relative_to(root).as_posix()
        found = artefact.sha256(file)
        if listed.get(name) != found:
            text = f"{name} has sha256 {found}, fetched was {listed.get(name)}"
            return CheckResult.failed("weights", "weights_mismatch", text)
        hashes.append(found)
    if not hashes:
        return CheckResult.failed("weights", "weights_unread", "no file of the artefact was read")
    if len(hashes) == 1:
        why = f"graph and weights are one file, as fetched: sha256 {hashes[0]}"
    else:
        why = f"graph and weights are {len(hashes)} files, as fetched: sha256 {', '.join(hashes)}"
    return CheckResult.not_applicable("weights", why[:1000])


def below(folder: Path) -> list[Path]:
    """List the files of a folder tree, sorted."""
    return [file for file in sorted(folder.rglob("*")) if file.is_file()]
