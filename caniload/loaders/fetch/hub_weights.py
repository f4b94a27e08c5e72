"""Which weights a torch.hub entry point downloads, found without running it.

An address counts as used only where every way through the entry point's code leads to it, for
the call that loads its pretrained weights. Everything else that needs the network is recorded:
an address chosen at run time, a download to a place outside torch.hub's cache, another hub.
"""

from __future__ import annotations

import ast
import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from caniload.loaders.fetch.hub_calls import Reader, TooLong
from caniload.loaders.fetch.hub_objects import attribute
from caniload.loaders.fetch.hub_values import HUB_DIR, UNKNOWN, Class, Function, OneOf
from caniload.loaders.fetch.hubconf import Sources, hubconf
from caniload.loaders.fetch.weights import WeightFile, plain_name, stated_hash

_WEIGHTS = re.compile(r"\.(pth|pt|th|bin|ckpt|zip|tar|jit|onnx|safetensors|pkl|npz)\b")
_CACHE = f"{HUB_DIR}/checkpoints"
_FETCHERS = ("urlretrieve", "urlopen", "download_file", "download_from_url", "cached_path")


@dataclass
class Use:
    """Record one download that the code asks for; `file` is None outside torch.hub's cache."""

    url: str | None
    file: str | None
    sha256_prefix: str | None
    at: str
    certain: bool = True


@dataclass(frozen=True)
class Needs:
    """Say how to call an entry point for its weights, which files it uses, what else it needs.

    `unfetched` are addresses, handles of other hubs, or "unresolved:" and a place in the code.
    """

    call: dict[str, Any]
    files: tuple[WeightFile, ...]
    unfetched: tuple[str, ...]


def needs(sources: Sources, entry: str, trusted: str = "") -> Needs:
    """Follow an entry point as its pretrained call would run, and return what it downloads.

    `trusted` is a host and port that may be asked although it is this machine or a private one.
    """
    heard = _Listener()
    reader = Reader(sources, heard.hear, lambda: len(heard.uses), heard.doubt)
    conf = hubconf(sources)
    call: dict[str, Any] = {}
    extra: list[str] = []
    if conf is not None:
        try:
            called = reader.name(conf, entry)
            call = _pretrained(reader, called)
            reader.call(called, [], call, "hubconf.py")
        except (TooLong, RecursionError):
            extra = _addresses(sources)
    files: dict[str, WeightFile] = {}
    unfetched: dict[str, None] = {}
    for use in heard.uses:
        path = f"checkpoints/{use.file}"
        taken = path in files and files[path].url != use.url
        if use.url is None:
            unfetched[f"unresolved:{use.at}"] = None
        elif use.certain and use.file and not taken and _public(use.url, trusted):
            files[path] = WeightFile(use.url, path, use.sha256_prefix)
        else:
            unfetched[use.url] = None
    here = {one.url for one in files.values()}
    left = [text for text in [*unfetched, *heard.elsewhere, *extra] if text not in here]
    return Needs(call, tuple(files.values()), tuple(dict.fromkeys(left)))


class _Listener:
    """Collect the downloads among the calls that leave the repository."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.elsewhere: list[str] = []

    def doubt(self, start: int, end: int) -> None:
        """Let downloads count as uncertain."""
        for use in self.uses[start:end]:
            use.certain = False

    def hear(self, path: str, arguments: list[Any], keywords: dict[str, Any], at: str) -> Any:
        """Take note of a call if it downloads; its value is not known."""
        name = path.rpartition(".")[2]
        given = dict(enumerate(arguments)) | keywords
        if name in ("load_state_dict_from_url", "load_url"):
            folder = given.get("model_dir", given.get(1))
            self._from_url(given, folder in (None, _CACHE), at)
        elif name == "download_url_to_file":
            self._to_file(given, at)
        elif name in _FETCHERS or path in ("requests.get", "wget.download", "gdown.download"):
            self._add(given.get("url", given.get(0)), None, None, at)
        elif name in ("hf_hub_download", "snapshot_download", "from_pretrained"):
            first = given.get("repo_id", given.get("pretrained_model_name_or_path", given.get(0)))
            if isinstance(first, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", first):
                self.elsewhere.append(f"hf:{first}")
        elif path == "torch.hub.load" and given.get("source", "github") == "github":
            named = f"{given.get('repo_or_dir', given.get(0))}/{given.get('model', given.get(1))}"
            self.elsewhere.append(f"torchhub:{named}")
        elif path.startswith("torchvision.models.") or path == "timm.create_model":
            chosen = given.get("weights", given.get("pretrained"))
            if chosen not in (None, False, UNKNOWN):
                which = f" {given.get(0)}" if path == "timm.create_model" else ""
                self.elsewhere.append(f"weights of {path}{which}")
        return UNKNOWN

    def _from_url(self, given: dict[Any, Any], cached: bool, at: str) -> None:
        checked = given.get("check_hash", given.get(4)) is True
        name = given.get("file_name", given.get(5))
        self._add(given.get("url", given.get(0)), name if cached else UNKNOWN, checked, at)

    def _to_file(self, given: dict[Any, Any], at: str) -> None:
        target = given.get("dst", given.get(1))
        prefix = given.get("hash_prefix", given.get(2))
        name: Any = UNKNOWN
        if isinstance(target, str) and target.startswith(f"{_CACHE}/"):
            name = target.removeprefix(f"{_CACHE}/")
        self._add(given.get("url", given.get(0)), name, prefix, at)

    def _add(self, url: Any, name: Any, hashed: Any, at: str) -> None:
        """Note a download; `name` is None for the address's own, `hashed` a hash, or whether."""
        for each in url.values if isinstance(url, OneOf) else (url,):
            told = each if isinstance(each, str) and each.startswith("http") else None
            file = plain_name(told) if told and name is None else name
            plain = isinstance(file, str) and re.fullmatch(r"[\w.+=@ -]+", file) is not None
            file = file if plain and not str(file).startswith(".") else None
            prefix = hashed if isinstance(hashed, str) else None
            if hashed is True and file is not None:
                prefix = stated_hash(file)
            if prefix is not None and not re.fullmatch(r"[0-9a-f]{1,64}", prefix):
                prefix = None
            self.uses.append(Use(told, file, prefix, at, not isinstance(url, OneOf)))


def _pretrained(reader: Reader, called: Any) -> dict[str, Any]:
    """Return the keywords with which an entry point loads its weights.

    `pretrained=True` where it is not so by default; ``weights="DEFAULT"`` where the parameter is
    of torchvision's kind. Both are the conventions of torch.hub's own documentation.
    """
    function = attribute(reader, called, "__init__") if isinstance(called, Class) else called
    if not isinstance(function, Function) or isinstance(function.node, ast.Lambda):
        return {}
    spec = function.node.args
    parameters = {each.arg: each for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}
    positional = [*spec.posonlyargs, *spec.args]
    defaults = dict(
        zip((p.arg for p in reversed(positional)), reversed(spec.defaults), strict=False)
    )
    defaults |= {p.arg: d for p, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d}
    if "pretrained" in parameters and "pretrained" not in function.keywords:
        default = defaults.get("pretrained")
        plain = default is None or (isinstance(default, ast.Constant) and not default.value)
        return {"pretrained": True} if plain else {}
    weights = parameters.get("weights")
    if weights is not None and "weights" not in function.keywords:
        default = defaults.get("weights")
        said = "" if weights.annotation is None else ast.unparse(weights.annotation)
        unset = isinstance(default, ast.Constant) and default.value is None
        return {"weights": "DEFAULT"} if unset and "Weights" in said else {}
    return {}


def _addresses(sources: Sources) -> list[str]:
    """Return every address of weights in the modules that were looked at."""
    return [
        node.value
        for module in list(sources.modules.values())
        if module is not None
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("http")
        and _WEIGHTS.search(node.value)
    ]


def _public(url: str, trusted: str) -> bool:
    """Tell whether an address that foreign code names may be asked from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            return False
        if parts.netloc == trusted:
            return True
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))
