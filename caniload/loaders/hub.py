"""What a hub is, and which hubs there are: the built-in ones and those of plug-ins.

A hub is one file in `loaders.fetch`, or an object that an outside package names in the entry
points group ``caniload.hubs``. It says which immutable revision a handle means (`resolve`),
lays the files of that revision into an empty directory (`lay`), and lists what it offers
(`browse`). Caching, locking, atomicity and verification are `loaders.fetch`'s business.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from caniload.errors import UnknownNameError
from caniload.handles import Handle

if TYPE_CHECKING:
    from caniload.records import FileFact
    from caniload.settings import Settings

GROUP = "caniload.hubs"
"""Entry points group in which outside packages register hubs."""

_BUILT_IN = {
    "pypi": "caniload.loaders.fetch.pypi:PypiHub",
    "file": "caniload.loaders.fetch.file:FileHub",
    "url": "caniload.loaders.fetch.url:UrlHub",
    "hf": "caniload.loaders.fetch.hf:HfHub",
    "tfhub": "caniload.loaders.fetch.tfhub:TfHub",
    "kaggle": "caniload.loaders.fetch.kaggle:KaggleHub",
    "onnx": "caniload.loaders.fetch.onnx:OnnxHub",
    "garden": "caniload.loaders.fetch.garden:GardenHub",
    "torchhub": "caniload.loaders.fetch.torchhub:TorchHub",
    "torchvision": "caniload.loaders.fetch.torchvision:TorchvisionHub",
    "timm": "caniload.loaders.fetch.timm:TimmHub",
    "keras": "caniload.loaders.fetch.keras:KerasHub",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """Say how far a fetch is: bytes done of all files, bytes expected or None, the file in hand."""

    handle: str
    file: str
    done_bytes: int
    total_bytes: int | None


OnProgress = Callable[[Progress], None]
"""What a caller passes to be told about progress; called from any thread."""


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what a hub needs to lay an artefact: settings, a pinned sha256, whom to tell."""

    settings: Settings
    sha256: str | None = None
    on_progress: OnProgress | None = None

    def tell(self, handle: Handle, file: str, done_bytes: int, total_bytes: int | None) -> None:
        """Report progress if anybody listens."""
        if self.on_progress is not None:
            self.on_progress(Progress(str(handle), file, done_bytes, total_bytes))


@dataclass(frozen=True, slots=True)
class Laid:
    """Say what a hub laid down.

    `files` are relative to `root`; `handle` carries the revision and, where the hub chose one,
    the format. `note` is what the hub wants back in `recheck` (an ETag, a wheel's hash).
    """

    handle: Handle
    root: Path
    files: tuple[FileFact, ...]
    resolved_by: str
    format: str | None = None
    note: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Repeat what a hub's metadata says about an artefact; never shown as a result."""

    says: str
    format: str | None = None
    framework: str | None = None
    loader: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Name one source that a hub offers, with what its metadata claims."""

    handle: Handle
    about: str = ""
    claims: tuple[Claim, ...] = ()


@runtime_checkable
class Hub(Protocol):
    """What every hub does; all raise `HubError` with a reason, or `BadInputError`."""

    name: str
    cached: bool
    """Whether files are laid into the cache; False where they are used in place."""

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at an immutable revision; at None where only fetching can tell.

        An alias returns the handle of the hub that keeps the files; that hub then serves it.
        """
        ...

    def selection(self, handle: Handle) -> str:
        """Name the part of the revision that `lay` fetches, as one path segment; "all" if whole."""
        ...

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Fetch the artefact into the directory `into`, which may hold an earlier try's parts."""
        ...

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask the hub whether it still serves exactly what `note` describes; False if unsure."""
        ...

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List sources that match a query; empty where the hub has no search."""
        ...

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the hub's metadata says about a source, without fetching its files."""
        ...


@cache
def load_hubs() -> dict[str, Hub]:
    """Return every hub by name: the built-in ones, then plug-ins, which cannot replace them."""
    hubs = {name: _built_in(name) for name in _BUILT_IN}
    for point in entry_points(group=GROUP):
        if point.name not in hubs:
            made = point.load()
            hubs[point.name] = made() if isinstance(made, type) else made
    return hubs


@cache
def _built_in(name: str) -> Hub:
    """Import one hub of ours and no other."""
    module, _, attribute = _BUILT_IN[name].partition(":")
    hub: Hub = getattr(import_module(module), attribute)()
    return hub


def hub_of(handle: Handle) -> Hub:
    """Return the hub that serves a handle; raise `UnknownNameError` where there is none."""
    if handle.hub in _BUILT_IN:
        return _built_in(handle.hub)
    hubs = load_hubs()
    if handle.hub in hubs:
        return hubs[handle.hub]
    near = tuple(difflib.get_close_matches(handle.hub, hubs, n=2))
    raise UnknownNameError("hub", handle.hub, near, f"hubs: {', '.join(sorted(hubs))}")
