"""The `timm` hub: an alias of the repository on Hugging Face that a tag's weights lie in.

Few tags differ. Weights at an address of their own are fetched from there
(`CANILOAD_TIMM_ENDPOINT` names a mirror of those hosts). A repository that is not the tag's own
serves the bytes while timm's table serves the configuration, since the repository's describes
another architecture, or none; both are laid with a `config.json` as timm writes it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from caniload.handles import Handle
from caniload.loaders.fetch.hf import HfHub
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


class TimmHub:
    """Serve ``timm:resnet50.a1_in1k``; ``timm:resnet50`` is the architecture's default tag."""

    name = "timm"
    cached = True

    def __init__(self) -> None:
        """Keep the hub that most tags are an alias into."""
        self.hf = HfHub()

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the `hf:` handle at a commit; a `timm:` one where timm's table is needed too."""
        version, entries = table(self.name, settings)
        handle = replace(handle, locator=_tagged(handle, version, entries))
        if handle.locator in entries["urls"]:
            only_format(handle, "pt")
            return pinned(handle, version)
        there = self.hf.resolve(_repository(handle, entries), settings)
        return handle.at(there.revision) if handle.locator in entries["configs"] else there

    def selection(self, handle: Handle) -> str:
        """Name the part as the Hugging Face hub does."""
        return self.hf.selection(handle)

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the weights; write timm's configuration beside them."""
        version, entries = table(self.name, order.settings)
        config = entries["configs"][handle.locator]
        if handle.locator in entries["urls"]:
            files = empty(into)
            facts, note = bring([_file(entries["urls"][handle.locator])], into, handle, order)
            facts.append(write_json(files, "config.json", config))
            return Laid(
                Handle(self.name, handle.locator, version),
                files,
                tuple(facts),
                f"the table of timm {version}",
                "pt",
                {**note, "sha256": facts[0].sha256},
            )
        laid = self.hf.lay(_repository(handle, entries), into, order)
        kept = [fact for fact in laid.files if fact.path != "config.json"]
        kept.append(write_json(laid.root, "config.json", config))
        return replace(
            laid,
            handle=replace(laid.handle, hub=self.name, locator=handle.locator),
            files=tuple(sorted(kept, key=lambda fact: fact.path)),
            resolved_by=f"{laid.resolved_by}, configuration of timm {version}",
        )

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the place of the weights still serves the same."""
        entries = table(self.name, order.settings)[1]
        if handle.locator in entries["urls"]:
            return still([_file(entries["urls"][handle.locator])], self.name, note, order)
        return self.hf.recheck(_repository(handle, entries), note, order)

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List the tags whose full name contains the query."""
        version, entries = table(self.name, settings)
        return tuple(
            Found(Handle(self.name, name), _place(name, entries), _claims(version))
            for architecture, tags in entries["architectures"].items()
            for name in (_joined(architecture, tag) for tag in tags)
            if query.lower() in name.lower()
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what timm's table says, and what the repository itself does."""
        version, entries = table(self.name, settings)
        handle = replace(handle, locator=_tagged(handle, version, entries))
        said = _claims(version)
        if handle.locator in entries["urls"]:
            return said
        return said + self.hf.claims(_repository(handle, entries), settings)


def _tagged(handle: Handle, version: str, entries: dict[str, Any]) -> str:
    """Return the full name of what a locator names: an architecture means its default tag."""
    architecture, dot, tag = handle.locator.partition(".")
    tags = entries["architectures"].get(architecture)
    if tags is None:
        raise unknown(handle, version, entries["architectures"])
    if dot and tag not in tags:
        raise unknown(handle, version, [_joined(architecture, each) for each in tags])
    return _joined(architecture, tag if dot else tags[0])


def _joined(architecture: str, tag: str) -> str:
    return f"{architecture}.{tag}" if tag else architecture


def _repository(handle: Handle, entries: dict[str, Any]) -> Handle:
    """Return the Hugging Face handle that a tag stands for."""
    there = entries["repositories"].get(handle.locator, f"timm/{handle.locator}")
    return replace(handle, hub="hf", locator=there)


def _place(name: str, entries: dict[str, Any]) -> str:
    if name in entries["urls"]:
        return str(entries["urls"][name])
    return str(_repository(Handle("timm", name), entries))


def _file(url: str) -> WeightFile:
    name = file_name(url)
    return WeightFile(url, name, stated_hash(name))


def _claims(version: str) -> tuple[Claim, ...]:
    return (Claim(f"timm {version} lists its weights", None, "pytorch", "timm"),)
