"""An outside package: a hub, a loader and an exporter, on the host alone."""

from pathlib import Path

from caniload.loaders.fetch.hashing import hash_tree
from caniload.loaders.hub import Laid
from caniload.loaders.spec import ExporterSpec, LoaderSpec
from caniload.words import ArtefactClass

HERE = Path(__file__).parent


class ShelfHub:
    """Serve one model that multiplies by two."""

    name = "shelf"
    cached = True

    def resolve(self, handle, settings):
        """There is one revision."""
        return handle.at("7")

    def selection(self, handle):
        """All of it."""
        return "all"

    def lay(self, handle, into, order):
        """Write the weights."""
        files = into / "files"
        files.mkdir()
        (files / "weights.json").write_text('{"scale": 2.0}')
        return Laid(handle, files, hash_tree(files), "the shelf", "scale")

    def recheck(self, handle, note, order):
        """It never changes."""
        return True

    def browse(self, query, settings):
        """Nothing to search."""
        return ()

    def claims(self, handle, settings):
        """Nothing is claimed."""
        return ()


LOADER = LoaderSpec(
    name="scale",
    frameworks=("pytorch",),
    classes={"scale": ArtefactClass.DATA},
    packages={"pytorch": ("pip",)},
    decisive={"pytorch": ("pip",)},
    snippet=lambda locator, framework, hints: "output = 2.0",
    smoke_file=HERE / "scale_smoke.py",
)

EXPORTER = ExporterSpec("scale", ("pytorch",), "scale-text", HERE / "text_exporter.py")
