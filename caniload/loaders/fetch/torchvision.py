"""The `torchvision` hub: weights by the name of their enum member, in torch.hub's cache layout.

Addresses are those of torchvision's own table, and so are the hashes: the file name states the
start of the sha256. `CANILOAD_TORCHVISION_ENDPOINT` names a mirror of download.pytorch.org.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caniload.handles import Handle
from caniload.loaders.fetch.weights import (
    WeightFile,
    bring,
    empty,
    file_name,
    only_format,
    pinned,
    stated_hash,
    still,
    table,
    unknown,
    write_json,
)
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.settings import Settings


class TorchvisionHub:
    """Serve ``ResNet50_Weights.IMAGENET1K_V2`` and its like; the revision is torchvision's version.

    ``ResNet50_Weights.DEFAULT`` is resolved to the member that it stands for.
    """

    name = "torchvision"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle of one member at the version whose table lists it."""
        version, entries = table(self.name, settings)
        only_format(handle, "torchvision")
        kind, _, member = handle.locator.partition(".")
        if member == "DEFAULT" and kind in entries["defaults"]:
            member = entries["defaults"][kind]
            handle = Handle(self.name, f"{kind}.{member}", handle.revision, None, handle.format)
        if handle.locator not in entries["weights"]:
            raise unknown(handle, version, entries["weights"])
        return pinned(handle, version)

    def selection(self, handle: Handle) -> str:
        """The one weight file."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the weights into ``checkpoints/``; `torchvision.json` says whose they are."""
        version, entries = table(self.name, order.settings)
        builder, url, _ = entries["weights"][handle.locator]
        files = empty(into)
        facts, note = bring([_file(url)], into, handle, order)
        told = {"version": version, "builder": builder, "weights": handle.locator, "url": url}
        facts.append(write_json(files, "torchvision.json", told))
        return Laid(
            Handle(self.name, handle.locator, version),
            files,
            tuple(facts),
            f"the table of torchvision {version}",
            "torchvision",
            {**note, "sha256": facts[0].sha256},
        )

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the file is unchanged since its ETag."""
        url = table(self.name, order.settings)[1]["weights"][handle.locator][1]
        return still([_file(url)], self.name, note, order)

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List the weights whose own or whose builder's name contains the query."""
        version, entries = table(self.name, settings)
        return tuple(
            Found(Handle(self.name, name, version), row[0], _claims(version, row))
            for name, row in entries["weights"].items()
            if query.lower() in f"{name} {row[0]}".lower()
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what torchvision's table says of the weights."""
        version, entries = table(self.name, settings)
        named = self.resolve(handle, settings)
        return _claims(version, entries["weights"][named.locator])


def _file(url: str) -> WeightFile:
    name = file_name(url)
    return WeightFile(url, f"checkpoints/{name}", stated_hash(name))


def _claims(version: str, row: list[Any]) -> tuple[Claim, ...]:
    builder, _, parameters = row
    said = [Claim(f"torchvision {version} lists weights of {builder}", "torchvision", "pytorch",
                  "torchvision")]  # fmt: skip
    if parameters is not None:
        said.append(Claim(f"{parameters:,} parameters"))
    return tuple(said)
