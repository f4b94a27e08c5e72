"""Load .keras archives and HDF5 files with Keras 3 on its backends, or with Keras 2."""

from __future__ import annotations

import bz2
import gzip
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from . import artefact, export_keras, graph_ops, keras_config, keras_side, signature, whole_file
from .failure import LoadsOnly, Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

_HDF5 = b"\x89HDF\r\n\x1a\n"
_SUFFIXES = {"keras": (".keras",), "h5": (".h5", ".hdf5")}
_UNPACKED_MAX = 1 << 33


class Loader(Base):
    """`keras.models.load_model(file)` as the library does it by default, in safe mode."""

    frameworks = ("tensorflow", "pytorch", "jax")
    modules = keras_side.MODULES

    def import_(self, job: Job) -> None:
        """Import Keras on the framework asked for."""
        self.keras = keras_side.Keras.imported(job)
        self.made: Path | None = None

    def load(self, job: Job) -> Any:
        """Load the model; the option `compile` goes to the library."""
        self.tf32 = self.keras.prepare(job)
        self.path, whole = self._file(job)
        if not whole:
            raise LoadsOnly(self._counted())
        options = job["recipe"]["options"]
        given: dict[str, Any] = {}
        if "compile" in options:
            given["compile"] = bool(options["compile"])
        if self.path.is_dir():
            graph_ops.refuse_unsafe(self.path, job)
        elif keras_config.refuse_code(self.path, job):
            given["safe_mode"] = False
        random = job["recipe"].get("weights") == "random"
        with self.keras.on(job):
            model = self.keras.library.models.load_model(str(self.path), **given)
            if random:
                self.keras.reset(None, job)
                model = self.keras.library.models.clone_model(model)
        self.declared = keras_side.declared(model, job)
        self.channels_first = signature.channels_first(self.declared, job)
        return model

    def _counted(self) -> str:
        """Say how much a file of weights alone holds; every tensor is read."""
        arrays = [array for _, array in keras_side.stored(self.path)]
        total = sum(int(array.size) for array in arrays)
        if not arrays:
            raise Refused("the HDF5 file holds neither a Keras model nor numbers")
        return f"weights alone, without a model to run: {len(arrays)} tensors, {total} parameters"

    def _file(self, job: Job) -> tuple[Path, bool]:
        """Return the file under a name that Keras takes, and whether it is a whole model.

        What bzip2 or gzip packed is unpacked, and a file whose suffix is not its format's is
        linked to under one: Keras goes by suffixes.
        """
        path = self._chosen(job)
        if path.is_dir():
            return path, True
        with path.open("rb") as stream:
            head = stream.read(8)
        if head.startswith((b"BZh", b"\x1f\x8b")):
            path = self._unpacked(path, bz2.open if head.startswith(b"BZh") else gzip.open)
        if zipfile.is_zipfile(path):
            return self._named(path, "keras"), True
        return self._named(path, "h5"), _is_model(path)

    def _chosen(self, job: Job) -> Path:
        """Return the artefact itself, what the entry names, or the only file that it can be."""
        root = artefact.root(job)
        if root.is_file() or job["artefact"].get("format") == "saved-model":
            return root
        named = (job.get("hints") or {}).get("file")
        if named:
            return root / str(named)
        ends = (".keras", ".h5", ".hdf5", ".h5.bz2", ".h5.gz")
        files = [file for file in sorted(root.rglob("*")) if file.name.lower().endswith(ends)]
        if len(files) != 1:
            raise FileNotFoundError(f"{len(files)} Keras files in the artefact, one was expected")
        return files[0]

    def _unpacked(self, path: Path, opener: Any) -> Path:
        """Unpack one file within limits."""
        target = Path(tempfile.mkdtemp()) / (path.name.rpartition(".")[0] or "model.h5")
        left = _UNPACKED_MAX
        with opener(path, "rb") as stream, target.open("wb") as out:
            while block := stream.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise Refused(f"{path.name} unpacks to more than {_UNPACKED_MAX} bytes")
                out.write(block)
        return target

    def _named(self, path: Path, form: str) -> Path:
        """Return the file, or a link to it under a suffix of its format."""
        if path.name.endswith(_SUFFIXES[form]):
            return path
        target = Path(tempfile.mkdtemp()) / f"model{_SUFFIXES[form][0]}"
        try:
            target.symlink_to(path.resolve())
        except OSError:
            shutil.copyfile(path, target)
        return target

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make what the model's inputs declare."""
        return keras_side.make(loaded, self.declared, job, seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once without training."""
        names = [item.name for item in self.declared]
        return self.keras.call(loaded, inputs, names, job)

    def reset(self, loaded: Any, job: Job) -> None:
        """Seed, and reset recurrent layers."""
        self.keras.reset(loaded, job)

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Every weight of the live model is in the file; a SavedModel is as fetched."""
        if self.path.is_dir():
            return whole_file.as_fetched(whole_file.below(self.path), job)
        named = self.keras.live(loaded)
        return keras_side.compare(named, self.path)

    def export(self, loaded: Any, job: Job) -> None:
        """Write a SavedModel or a LiteRT file."""
        export_keras.export(loaded, job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Variables and outputs sit where they were asked to."""
        return self.keras.placed(loaded, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the backend says."""
        return self.keras.device_facts(job)

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the class, which Keras loaded it, and the number of parameters."""
        return {
            "class": type(loaded).__name__,
            "library": self.keras.library.__name__.partition(".")[0],
            "dtype": str(getattr(loaded, "compute_dtype", "")),
            "backend": self.keras.backend,
            "parameters": int(loaded.count_params()) if loaded.built else 0,
        }


def _is_model(path: Path) -> bool:
    """Tell whether an HDF5 file holds a configuration beside its weights.

    What cannot be opened is left to the library, whose own error says why.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "model_config" in file.attrs
    except OSError:
        return True
