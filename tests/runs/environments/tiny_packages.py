"""Write tiny real packages, and specify tiny environments of them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from caniload.runs.environments import EnvSpec

FAILING_BACKEND = """
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise SystemExit("the compiler of broken said no")
"""

LATE_BACKEND = """
import pathlib
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory, "late-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: late\\nVersion: 1.0\\n")
    return info.name
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise SystemExit("only the wheel failed")
"""

WAITING_BACKEND = """
import pathlib, time
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    pathlib.Path({flag!r}).touch()
    time.sleep(120)
"""


def wheel(folder: Path, name: str, version: str, requires: str = "") -> Path:
    """Write a wheel that holds one empty module, as pip accepts it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if requires:
            metadata += f"Requires-Dist: {requires}\n"
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def sdist(folder: Path, name: str, version: str, backend: str) -> Path:
    """Write a source distribution whose build backend is the given module."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n'
        ),
        "backend.py": backend,
    }
    with tarfile.open(path, "w:gz") as archive:
        for member, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(f"{name}-{version}/{member}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def specification(name: str = "tiny", *requirements: str, disk_bytes: int = 20_000_000) -> EnvSpec:
    """Specify an environment of a few tiny packages."""
    return EnvSpec(
        name=name,
        about="Tiny.",
        python=">=3.11",
        frameworks=("pytorch",),
        loaders=("transformers",),
        requirements=requirements,
        disk_bytes=disk_bytes,
    )
