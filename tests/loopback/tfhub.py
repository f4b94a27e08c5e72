"""TF Hub as it is today: addresses that redirect to Kaggle's pages and on to the storage."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from loopback.server import Answer, Asked, Server, content


def tar_gz(files: dict[str, bytes]) -> bytes:
    """Pack files as TF Hub and Kaggle do, without compressing, so that sizes stay telling.

    Folders are members too: tensorflow_hub makes no others.
    """
    out = io.BytesIO()
    folders = {str(above) for path in files for above in PurePosixPath(path).parents}
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=0) as archive:
        for folder in sorted(folders):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(made)
        for path, body in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


class Storage:
    """Serve objects at signed addresses, with the md5 that Google Cloud Storage states.

    An Authorization header is refused as the real storage does beside a signature.
    """

    def __init__(self, server: Server, base: str) -> None:
        self.objects: dict[str, bytes] = {}
        self.wrong_md5 = False
        self.base = base
        server.routes.append(self.answer)

    def put(self, name: str, body: bytes) -> str:
        """Keep an object; return its signed address."""
        self.objects[f"/kagglesdsdata/{name}"] = body
        return f"{self.base}/kagglesdsdata/{name}?X-Goog-Signature=abc"

    def answer(self, asked: Asked) -> Answer | None:
        body = self.objects.get(asked.path)
        if body is None:
            return None
        if "authorization" in asked.headers or "X-Goog-Signature=abc" not in asked.query:
            refused = b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code></Error>"
            return Answer(refused, 403, {"Content-Type": "application/xml"})
        told = b"other" if self.wrong_md5 else body
        md5 = base64.b64encode(hashlib.md5(told).digest()).decode()
        return content(body, asked, {"x-goog-hash": f"crc32c=n03x6A==,md5={md5}"})


@dataclass
class Module:
    """One model at one version: what each query is answered with, and where Kaggle keeps it."""

    name: str
    version: int
    compressed: bytes | None = None
    tflite: bytes | None = None
    tfjs: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    kaggle: str | None = None
    """Kaggle's path below /models, which TF Hub redirects to; None: TF Hub answers itself."""


class TfHubServer:
    """Add the protocol of tfhub.dev to a server, with Kaggle's pages at the same host."""

    def __init__(self, server: Server, storage: Storage | None = None) -> None:
        self.modules: list[Module] = []
        self.moved: dict[str, str] = {}
        """What addresses without a version redirect to."""
        self.gone: set[str] = set()
        """Addresses that redirect to Kaggle's list of models, as unmigrated ones do."""
        self.storage = storage
        server.routes.append(self.answer)

    def add(self, module: Module) -> Module:
        self.modules.append(module)
        return module

    def answer(self, asked: Asked) -> Answer | None:
        path = asked.path
        if path == "/models":
            page = b"<!DOCTYPE html><html><title>Find Pre-trained Models</title></html>"
            return Answer(page, 200, {"Content-Type": "text/html; charset=utf-8"})
        if path.strip("/") in self.gone:
            return Answer(b"", 302, {"Location": "/models?tfhub-redirect=true"})
        if path.strip("/") in self.moved:
            return Answer(b"", 302, {"Location": self.moved[path.strip("/")]})
        for module in self.modules:
            own = f"/{module.name}/{module.version}"
            kaggle = f"/models/{module.kaggle}" if module.kaggle else own
            for place in (own, kaggle):
                if path == place or path.startswith(f"{place}/"):
                    rest = path.removeprefix(place).lstrip("/")
                    if place == own != kaggle:
                        there = f"{kaggle}/{rest}".rstrip("/")
                        query = f"{asked.query}&tfhub-redirect=true"
                        return Answer(b"", 302, {"Location": f"{there}?{query}"})
                    return self._file(module, rest, asked)
        return None

    def _file(self, module: Module, rest: str, asked: Asked) -> Answer:
        query = asked.query.partition("&")[0]
        if rest:
            body = module.files.get(rest) if query == "tfjs-format=file" else None
        else:
            body = {
                "tf-hub-format=compressed": module.compressed,
                "lite-format=tflite": module.tflite,
                "tfjs-format=compressed": module.tfjs,
            }.get(query)
        if body is None:
            return Answer(b"no such page", 404)
        if self.storage is None:
            return content(body, asked)
        return Answer(b"", 302, {"Location": self.storage.put(f"{module.name}/{rest}", body)})


def tfjs_model(shards: dict[str, bytes]) -> dict[str, bytes]:
    """Make a model.json that names shards, and the shards."""
    manifest = {"weightsManifest": [{"paths": list(shards), "weights": []}]}
    return {"model.json": json.dumps(manifest).encode(), **shards}
