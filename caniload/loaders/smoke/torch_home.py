"""Serve torch.hub's downloads from files that were fetched before: there is no network here."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def fill(checkpoints: Path) -> Path:
    """Point TORCH_HOME at a new folder whose cache holds the files; returns that folder.

    The cache is where torch.hub looks, ``$TORCH_HOME/hub/checkpoints``
    (https://docs.pytorch.org/docs/stable/hub.html), of links, since the artefact is read-only.
    """
    home = Path(tempfile.mkdtemp(prefix="torch-home-"))
    cache = home / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    for path in sorted(checkpoints.iterdir()) if checkpoints.is_dir() else []:
        (cache / path.name).symlink_to(path.resolve())
    os.environ["TORCH_HOME"] = str(home)
    return home
