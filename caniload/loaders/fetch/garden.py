"""The `garden` hub: experiments of TensorFlow's Model Garden, which are configurations alone.

An experiment's name is what tf-models-official registers; its package version is the revision,
and no weights come with it. The names are read from the package's wheel without importing it
(``scripts/import_garden.py``). Nothing is downloaded: what is laid is `experiment.json`, with the
module that registers the name, since importing `tensorflow_models` registers only some.
"""

from __future__ import annotations

import difflib
import json
import shutil
from pathlib import Path
from typing import Any

from caniload.errors import HubError
from caniload.handles import Handle
from caniload.loaders.fetch.hashing import hash_file
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.settings import Settings


class GardenHub:
    """Serve an experiment's name and version as a file."""

    name = "garden"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at the version of tf-models-official whose experiments are known."""
        table = _table(settings)
        if handle.format not in (None, "garden"):
            raise HubError(
                self.name, "missing", f"the garden has no {handle.format}", "leave the format out"
            )
        if handle.revision not in (None, table["version"]):
            raise HubError(
                self.name,
                "unresolved",
                f"the experiments of tf-models-official {handle.revision} are not known here",
                f"write garden:{handle.locator}@{table['version']}",
            )
        if handle.locator not in table["entries"]:
            near = difflib.get_close_matches(handle.locator, table["entries"], 3)
            raise HubError(
                self.name,
                "missing",
                f"tf-models-official {table['version']} has no experiment {handle.locator!r}",
                f"did you mean {' or '.join(near)}?" if near else "",
            )
        return handle.at(table["version"])

    def selection(self, handle: Handle) -> str:
        """An experiment is one file."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Write `experiment.json`."""
        handle = self.resolve(handle, order.settings)
        entry = _table(order.settings)["entries"][handle.locator]
        files = into / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        said = {"version": handle.revision, "experiment": handle.locator, **entry}
        (files / "experiment.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")
        fact = hash_file(files / "experiment.json")
        order.tell(handle, fact.path, fact.size_bytes, fact.size_bytes)
        named = Handle(self.name, handle.locator, handle.revision, None, "garden")
        return Laid(named, files, (fact,), "tf-models-official's wheel", "garden")

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Nothing was downloaded, so nothing can be stale."""
        return True

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """Return the experiments whose name holds the query, at most twenty."""
        table = _table(settings)
        return tuple(
            Found(Handle(self.name, name, table["version"]), entry["module"], _claims(table))
            for name, entry in table["entries"].items()
            if query.lower() in name.lower()
        )[:20]

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what the package registers under a name."""
        self.resolve(handle, settings)
        return _claims(_table(settings))


def _claims(table: dict[str, Any]) -> tuple[Claim, ...]:
    says = f"registered by tf-models-official {table['version']}; no weights come with it"
    return (Claim(says, "garden", "tensorflow", "model-garden"),)


def _table(settings: Settings) -> dict[str, Any]:
    """Return the table of experiments; raise `HubError` where this copy has none."""
    table = read_table("garden", settings)
    if table is None:
        raise HubError(
            "garden",
            "unresolved",
            "no table of tf-models-official's experiments is installed",
            "write one with scripts/import_garden.py",
        )
    return table
