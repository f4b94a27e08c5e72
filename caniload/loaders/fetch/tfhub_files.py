"""TF.js models that TF Hub serves as single files: `model.json` and the shards it names.

``model.json?tfjs-format=file`` beside the model's address, and each shard likewise
(https://tensorflow.org/hub/hosting).
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import httpx2

from caniload.errors import ArtefactError
from caniload.handles import Handle
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.storage import StorageHash
from caniload.loaders.hub import Order
from caniload.records import FileFact

_QUERY = "tfjs-format=file"


def lay_files(
    client: httpx2.Client, address: str, files: Path, order: Order, handle: Handle
) -> tuple[FileFact, ...]:
    """Download model.json and its shards one after the other; return them sorted by path.

    Raises `ArtefactError` where model.json names a file that is not plainly beside it.
    """
    model = _one(client, address, "model.json", files, order, handle)
    try:
        groups = json.loads((files / "model.json").read_text("utf-8"))["weightsManifest"]
        paths = sorted({str(path) for group in groups for path in group["paths"]})
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactError(
            "tfhub", f"{handle}: model.json is not that of a TF.js model"
        ) from error
    for path in paths:
        if "/" in path or "\\" in path or path.startswith(".") or not path.isprintable():
            raise ArtefactError("tfhub", f"{handle}: model.json names a file outside: {path!r}")
    shards = [_one(client, address, path, files, order, handle) for path in paths]
    return tuple(sorted([model, *shards], key=lambda fact: fact.path))


def _one(
    client: httpx2.Client, address: str, path: str, files: Path, order: Order, handle: Handle
) -> FileFact:
    stated = StorageHash()
    wanted = Wanted(f"{address}/{quote(path)}?{_QUERY}", files / path, "tfhub", check=stated.note)
    arrived = download(
        client, wanted, order.settings, lambda done, total: order.tell(handle, path, done, total)
    )
    stated.verify(files / path, "tfhub", f"{handle}, {path}")
    return FileFact(path=path, size_bytes=arrived.size_bytes, sha256=arrived.sha256)
