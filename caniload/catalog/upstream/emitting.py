"""Run an emitter in an environment's own Python and hand back the lines that it wrote."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from caniload.errors import CatalogueError

FOLDER = Path(__file__).parent / "emitters"

_START = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "from caniload_emitters.{module} import main; main(*sys.argv[1:])"
)


@dataclass(frozen=True, slots=True)
class Emitter:
    """Name the module that reads a catalogue, and the specification it is read in.

    `environment` is the name of an environment that caniload builds; `package` the one whose
    version the facts are of. `wheel` says that the facts are read from the package's wheel, whose
    path the emitter takes, by any Python.
    """

    module: str
    environment: str | None
    package: str
    wheel: bool = False


EMITTERS: dict[str, Emitter] = {
    "timm": Emitter("timm", "vision", "timm"),
    "torchvision": Emitter("torchvision", "vision", "torchvision"),
    "keras-applications": Emitter("keras_applications", "keras-jax", "keras"),
    "keras-hub": Emitter("keras_hub", "keras-jax", "keras-hub"),
    "transformers": Emitter("transformers", "pytorch", "transformers"),
    "transformers-4": Emitter("transformers", "transformers-4", "transformers"),
    "garden": Emitter("garden", "model-garden", "tf-models-official"),
    "tfds": Emitter("tfds", "model-garden", "tensorflow-datasets"),
    "torchvision-datasets": Emitter("torchvision_datasets", "vision", "torchvision"),
    "torchaudio-datasets": Emitter("torchaudio_datasets", None, "torchaudio", wheel=True),
    "keras-datasets": Emitter("keras_datasets", "keras-jax", "keras"),
}
"""What `caniload catalog import` can read in an environment, by the name it is asked for.

Two names may fill one catalogue: `transformers-4` is transformers, in its last 4.
"""

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def emit(name: str, python: Path, *arguments: str) -> list[str]:
    """Return the lines of an emitter; raise `CatalogueError` with its last words if it fails."""
    with tempfile.TemporaryDirectory(prefix="caniload-emit-") as scratch:
        (Path(scratch) / "caniload_emitters").symlink_to(FOLDER, target_is_directory=True)
        start = _START.format(folder=scratch, module=EMITTERS[name].module)
        done = subprocess.run(
            [str(python), "-I", "-c", start, *arguments],
            env={**_ENVIRONMENT, "HOME": scratch, "TMPDIR": scratch},
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise CatalogueError(
            f"{name} could not be read with {python}: {last or f'exit {done.returncode}'}",
            f"the environment must hold {EMITTERS[name].package}: caniload env list",
        )
    return done.stdout.splitlines()
