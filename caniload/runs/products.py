"""Where an attempt's by-products go: scratch, logs, blobs, exports."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from caniload.handles import parse
from caniload.records import FetchedArtefact, FileFact, Observation, utcnow
from caniload.runs.disk import translating
from caniload.settings import Settings


def scratch_folder(home: Path, run_id: str) -> Path:
    """Make the folder below which a run's workers write, empty and closed to other users.

    What root's worker writes is root's on this machine, its set-user-id bits included.
    """
    folder = home / "scratch" / run_id
    shutil.rmtree(folder, ignore_errors=True)
    with translating(folder):
        folder.mkdir(parents=True)
        folder.chmod(0o700)
    return folder


def sweep_scratch(home: Path, is_live: Callable[[str], bool]) -> None:
    """Remove the scratch of runs that nobody is writing, which killed parents leave."""
    for folder in (home / "scratch").glob("*"):
        if not is_live(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def keep_log(logs: Path, run_id: str, identity: str, text: str) -> str:
    """Write a redacted log; return its path relative to the logs' folder."""
    relative = Path(run_id) / f"{identity}.log"
    with translating(logs / relative):
        (logs / run_id).mkdir(parents=True, exist_ok=True)
        (logs / relative).write_text(text, encoding="utf-8")
    return str(relative)


def keep_blob(observation: Observation, made: Path, blobs: Path) -> Observation:
    """Move the whole outputs to `<sha[:2]>/<sha>.npz`; an observation without them says so."""
    print_ = observation.fingerprint
    if print_ is None or print_.blob_sha256 is None:
        return observation
    name = f"{print_.blob_sha256}.npz"
    source, target = made / name, blobs / name[:2] / name
    if source.is_symlink() or not source.is_file():
        without = print_.model_copy(update={"blob_sha256": None})
        return observation.model_copy(update={"fingerprint": without})
    if not target.exists():
        with translating(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f"{name}.{os.getpid()}.part")
            shutil.move(source, draft)
            draft.chmod(0o644)
            draft.rename(target)
    return observation


def export_folder(settings: Settings, observation_id: str) -> Path:
    """Return where the export of an observation writes, and what is derived is read from."""
    folder = settings.artefacts / "derived" / observation_id
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def exported_artefact(folder: Path, handle: str, parent: str) -> FetchedArtefact:
    """Describe what an export left, as this side finds it; links out of it are not followed."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    for path in files:
        path.chmod(path.stat().st_mode & 0o777)
    return FetchedArtefact(
        handle=handle,
        root=str(folder),
        format=parse(handle).format,
        files=tuple(_fact(path, folder) for path in files),
        resolved_by=f"exported in {parent}",
        resolved_at=utcnow(),
    )


def _fact(path: Path, folder: Path) -> FileFact:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    return FileFact(path=str(path.relative_to(folder)), size_bytes=size, sha256=sha256)
