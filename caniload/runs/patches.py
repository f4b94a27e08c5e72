"""Install what an environment's specification declares to be patched.

A patch is a module that Python imports at each start, by a line of a `.pth` file
(https://docs.python.org/3/library/site.html), so it must be quick and import no framework.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from caniload.errors import UnreadableFileError

PTH = "caniload_patches.pth"


def install(environment: Path, modules: Iterable[str], source: Path) -> tuple[Path, ...]:
    """Copy patch modules from a folder into a virtual environment; return what was written.

    Raises `UnreadableFileError` for a module that the folder lacks.
    """
    names = tuple(modules)
    written = []
    for site in _site_packages(environment) if names else ():
        for name in names:
            file = source / f"{name}.py"
            if not file.is_file():
                raise UnreadableFileError(str(file), "the patch that a specification names")
            written.append(site / f"caniload_patch_{name}.py")
            shutil.copyfile(file, written[-1])
        lines = "".join(f"import caniload_patch_{name}\n" for name in names)
        written.append(site / PTH)
        written[-1].write_text(lines, "utf-8")
    return tuple(written)


def _site_packages(environment: Path) -> list[Path]:
    """Return the folder of a virtual environment's packages."""
    return sorted((environment / "lib").glob("python3*/site-packages"))
