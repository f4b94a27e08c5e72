"""The `keras` hub: the weights of keras.applications, in the layout of Keras's own cache.

Addresses and hashes (md5, or sha256) are those that Keras itself asks for, read from the
package; few files have none. The variant ``#keras-applications:notop`` is the model without its
classifier. `CANILOAD_KERAS_ENDPOINT` names a mirror of the host that serves them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caniload.handles import Handle
from caniload.loaders.fetch.weights import (
    WeightFile,
    bring,
    empty,
    only_format,
    pinned,
    still,
    table,
    unknown,
    write_json,
)
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.settings import Settings

FORMAT = "keras-applications"


class KerasHub:
    """Serve ``keras:InceptionV3`` and its like; the revision is the version of Keras."""

    name = "keras"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at the version of Keras whose applications are known."""
        version, entries = table(self.name, settings)
        only_format(handle, FORMAT, "notop")
        if handle.locator not in entries["applications"]:
            raise unknown(handle, version, entries["applications"])
        return pinned(handle, version)

    def selection(self, handle: Handle) -> str:
        """The weights with the classifier, or without."""
        return _part(handle)

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the weights into ``models/`` and say in `application.json` whose they are."""
        version, entries = table(self.name, order.settings)
        part = _part(handle)
        one = _file(entries, handle)
        files = empty(into)
        facts, note = bring([one], into, handle, order)
        name = one.path.removeprefix("models/")
        told = {
            "version": version,
            "application": handle.locator,
            "include_top": part == "top",
            "files": [{"file": name, "url": one.url, "md5": one.md5}],
        }
        facts.append(write_json(files, "application.json", told))
        return Laid(
            Handle(self.name, handle.locator, version, None, handle.format, handle.variant),
            files,
            tuple(facts),
            f"the table of Keras {version}",
            FORMAT,
            {**note, "sha256": facts[0].sha256},
        )

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the file is unchanged since its ETag."""
        entries = table(self.name, order.settings)[1]
        return still([_file(entries, handle)], self.name, note, order)

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List the applications whose name contains the query."""
        version, entries = table(self.name, settings)
        return tuple(
            Found(Handle(self.name, name, version), "", _claims(version))
            for name in entries["applications"]
            if query.lower() in name.lower()
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what Keras says of the application: that it has weights."""
        named = self.resolve(handle, settings)
        return _claims(str(named.revision))


def _part(handle: Handle) -> str:
    return handle.variant or "top"


def _file(entries: dict[str, Any], handle: Handle) -> WeightFile:
    name, url, stated = entries["applications"][handle.locator][_part(handle)]
    md5, sha256 = (stated, None) if len(stated) == 32 else (None, stated or None)
    return WeightFile(url, f"models/{name}", sha256_prefix=sha256, md5=md5)


def _claims(version: str) -> tuple[Claim, ...]:
    return (Claim(f"keras.applications {version} has its weights", FORMAT, loader=FORMAT),)
