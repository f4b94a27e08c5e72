"""What loaders of Keras models share: the backend, devices, inputs, calls and weights."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import signature, tensorflow_side, torch_side, tree, weights
from .devices import split
from .failure import NeedsInputs
from .loader import CheckResult, Job
from .signature import Declared

BACKENDS = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}
MODULES = {
    "tensorflow": ("tensorflow", "keras"),
    "pytorch": ("torch", "keras"),
    "jax": ("jax", "keras"),
}


@dataclass
class Keras:
    """Hold one Keras: the library (`keras`, or `tf_keras` as Keras 2) and its backend."""

    library: Any
    backend: str
    legacy: bool
    seen: set[str] = field(default_factory=set)

    @classmethod
    def imported(cls, job: Job, legacy: bool = False) -> Keras:
        """Import Keras on the job's framework; Keras 2 where TF_USE_LEGACY_KERAS says so.

        Raises `RuntimeError` where Keras was imported on another backend before.
        """
        backend = BACKENDS[job["framework"]]
        os.environ["KERAS_BACKEND"] = backend
        if backend == "torch":
            import torch  # noqa: F401
        elif backend == "jax":
            import jax  # noqa: F401
        else:
            import tensorflow  # noqa: F401
        legacy = legacy or os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
        if backend == "tensorflow" and legacy:
            import tf_keras

            return cls(tf_keras, backend, legacy=True)
        import keras

        if keras.backend.backend() != backend:
            raise RuntimeError(f"Keras runs on {keras.backend.backend()}, not on {backend}")
        return cls(keras, backend, legacy=False)

    def prepare(self, job: Job) -> bool:
        """Make sure that the device is there, and numbers are true float32; returns that."""
        if self.backend == "tensorflow":
            tensorflow_side.require(job)
            return tensorflow_side.exact()
        if self.backend == "torch":
            return torch_side.exact()
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        return False

    def on(self, job: Job) -> Any:
        """Return the scope in which Keras places variables on the job's device.

        On PyTorch "cpu:0" is not "cpu": Keras would copy each parameter into a plain tensor.
        """
        kind, index = split(job["device"])
        if self.backend == "tensorflow":
            import tensorflow

            return tensorflow.device(tensorflow_side.device_name(job))
        if self.backend == "torch":
            return self.library.device(job["device"])
        return self.library.device(f"{'gpu' if kind == 'cuda' else kind}:{index or 0}")

    def call(self, model: Any, values: dict[str, Any], names: list[str], job: Job) -> dict:
        """Call a model once without training; returns numpy arrays by output name."""
        given = [self._tensor(values[name]) for name in names]
        with self.on(job):
            result = model(self._packed(model, given, names), training=False)
        return self._arrays(model, result)

    def _tensor(self, value: Any) -> Any:
        """Return texts as TensorFlow's strings, and numbers as they are."""
        if getattr(getattr(value, "dtype", None), "kind", "") == "O" or isinstance(value, bytes):
            if self.backend != "tensorflow":
                raise NeedsInputs(f"Keras on {self.backend} has no texts as inputs")
            return tensorflow_side.tensor(value)
        return value

    def _packed(self, model: Any, given: list[Any], names: list[str]) -> Any:
        """Give the tensors the structure in which the model was built: one, a list, a mapping."""
        try:
            form = model.input
        except (AttributeError, ValueError):
            form = None
        if form is None:
            return given[0] if len(given) == 1 else dict(zip(names, given))
        if isinstance(form, (list, tuple, dict)):
            return self._nest().pack_sequence_as(form, given)
        return given[0]

    def _nest(self) -> Any:
        if self.legacy:
            import tensorflow

            return tensorflow.nest
        return self.library.tree

    def _arrays(self, model: Any, result: Any) -> dict[str, Any]:
        """Return numpy arrays by the names that the model gives its outputs."""
        found = list(tree.leaves(result, self._is_tensor))
        names = [str(name) for name in getattr(model, "output_names", None) or []]
        if len(names) == len(found) == len(set(names)) and not isinstance(result, dict):
            found = [(name, value) for name, (_, value) in zip(names, found)]
        self.seen = {self.place(value) for _, value in found}
        arrays = {name: self.numpy(value) for name, value in found}
        return {name: value for name, value in arrays.items() if value.dtype.kind not in "OSU"}

    def _is_tensor(self, value: Any) -> bool:
        if self.legacy:
            import tensorflow

            return bool(tensorflow.is_tensor(value))
        return bool(self.library.ops.is_tensor(value))

    def numpy(self, value: Any) -> Any:
        """Return a tensor as numpy."""
        if self.legacy:
            return value.numpy()
        return self.library.ops.convert_to_numpy(value)

    def place(self, tensor: Any) -> str:
        """Name a tensor's device as jobs do."""
        if self.backend == "torch":
            return torch_side.label(tensor.device)
        if self.backend == "jax":
            (found,) = tensor.devices()
            return "cpu" if found.platform == "cpu" else f"cuda:{found.id}"
        return tensorflow_side.label(str(tensor.device))

    def variables(self, model: Any) -> list[Any]:
        """Return a model's weights; Keras 2 lists the handlers of vocabularies among them."""
        return [item for item in model.weights if hasattr(item, "dtype")]

    def live(self, model: Any) -> list[tuple[str, Any]]:
        """Return a model's weights as (name, numpy array)."""
        return [
            (str(getattr(item, "path", None) or item.name), self.numpy(item))
            for item in self.variables(model)
        ]

    def placed(self, model: Any, job: Job) -> CheckResult:
        """Check that variables and the outputs seen sat on the job's device."""
        held = {self.place(item if self.legacy else item.value) for item in self.variables(model)}
        return tensorflow_side.placed(held | self.seen, job) if self.seen else _no_output(job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what the backend says."""
        if self.backend == "torch":
            return torch_side.device_facts(job)
        if self.backend == "tensorflow":
            return tensorflow_side.device_facts(job)
        from .devices import describe

        return describe(job["device"])

    def reset(self, model: Any, job: Job) -> None:
        """Seed every generator, and bring recurrent layers back to their first state."""
        for layer in layers(model) if model is not None else ():
            again = getattr(layer, "reset_state", None) or getattr(layer, "reset_states", None)
            if again is not None and getattr(layer, "stateful", False) and layer is not model:
                again()
        self.library.utils.set_random_seed(int(job["recipe"]["seed"]))


def _no_output(job: Job) -> CheckResult:
    text = f"asked for {job['device']}, no output was seen"
    return CheckResult.failed("device", "wrong_device", text)


def layers(model: Any) -> Iterator[Any]:
    """Yield a model's layers, those of models and wrappers within it included."""
    queue, seen = [model], set()
    while queue:
        now = queue.pop()
        if id(now) in seen:
            continue
        seen.add(id(now))
        yield now
        inner = getattr(now, "_layers", None) or getattr(now, "layers", None) or []
        wrapped = [getattr(now, name, None) for name in ("layer", "cell")]
        queue += [item for item in [*inner, *wrapped] if hasattr(item, "weights")]


def declared(model: Any, job: Job) -> list[Declared]:
    """Return what a model takes; an unbuilt one takes what the adapter gives.

    Raises `NeedsInputs` where neither says anything.
    """
    try:
        tensors = list(model.inputs or [])
    except (AttributeError, ValueError):
        tensors = []
    made: list[Declared] = []
    for index, item in enumerate(tensors):
        name = str(getattr(item, "name", "") or f"input_{index}").partition(":")[0]
        shape = tuple(item.shape) if item.shape is not None else None
        kind = getattr(item.dtype, "name", None) or str(item.dtype)
        made.append(Declared(name, shape, kind))
    if made:
        return made
    adapter = (job.get("hints") or {}).get("inputs") or {}
    if not adapter:
        raise NeedsInputs("the model is unbuilt: nothing says what it takes; give --inputs")
    return [
        Declared(name, tuple(spec.get("shape") or ()), str(spec.get("dtype") or "float32"))
        for name, spec in adapter.items()
    ]


def make(model: Any, items: list[Declared], job: Job, seed: int) -> dict[str, Any]:
    """Make inputs; what an embedding looks up are ids that its table has."""
    hints = dict(job.get("hints") or {})
    adapter = dict(hints.get("inputs") or {})
    for name, size in _looked_up(model, items):
        adapter.setdefault(name, {"kind": "tokens", "low": min(1, size - 1), "high": size})
    return signature.make(items, {**job, "hints": {**hints, "inputs": adapter}}, seed)


def _looked_up(model: Any, items: list[Declared]) -> Iterator[tuple[str, int]]:
    """Yield the inputs that feed an embedding straight, with the size of its table."""
    tensors = list(getattr(model, "inputs", None) or [])
    stack = list(getattr(model, "layers", None) or [])
    for layer in layers(model):
        size = getattr(layer, "input_dim", None)
        if not isinstance(size, int) or not type(layer).__name__.endswith("Embedding"):
            continue
        try:
            fed = layer.input
        except (AttributeError, ValueError):
            fed = None
        for item, tensor in zip(items, tensors):
            first = [each for each in stack if type(each).__name__ != "InputLayer"][:1]
            if fed is tensor or (len(tensors) == 1 and first and first[0] is layer):
                yield item.name, max(size, 2)


def compare(live: Iterable[tuple[str, Any]], path: Path) -> CheckResult:
    """Check that every weight of a live model is in the file: HDF5, or a .keras archive's.

    A weight counts as found by its shape and bytes, else by a digest of its sorted values
    (Keras 1 wrote some kernels turned). The file may hold more: the optimizer's.
    """
    import numpy

    exact: Counter[str] = Counter()
    values: Counter[str] = Counter()
    count = 0
    for _, array in stored(path):
        exact[_bytes(array)] += 1
        values[weights.digest(array)] += 1
        count += 1
    names: list[str] = []
    lost: list[str] = []
    by_bytes = 0
    for name, array in live:
        names.append(name)
        array = numpy.asarray(array)
        key, sorted_key = _bytes(array), weights.digest(array)
        if exact[key] > 0 and values[sorted_key] > 0:
            exact[key] -= 1
            by_bytes += 1
        elif values[sorted_key] <= 0:
            lost.append(name)
            continue
        values[sorted_key] -= 1
    numbers = {
        "file_tensors": float(count),
        "live_tensors": float(len(names)),
        "matched": float(len(names) - len(lost)),
        "by_shape_and_bytes": float(by_bytes),
        "missing": float(len(lost)),
    }
    if not names:
        return CheckResult.not_applicable("weights", "the model has no weights")
    if lost:
        code = "weights_missing" if len(lost) < len(names) else "weights_random"
        some = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        text = f"{len(lost)} of {len(names)} weights are not in the file: {some}"
        return CheckResult.failed("weights", code, text, **numbers)
    detail = (
        f"{len(names)} of {len(names)} weights found in the file, {by_bytes} by shape and bytes"
    )
    return CheckResult("weights", "passed", detail, numbers)


def _bytes(array: Any) -> str:
    """Digest shape, dtype and bytes."""
    head = f"{array.shape}:{array.dtype}:".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def stored(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the numeric datasets of an HDF5 file, or of a .keras archive's, by name."""
    import h5py

    source: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read("model.weights.h5"))
    found: list[tuple[str, Any]] = []
    with h5py.File(source, "r") as file:

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiubV":
                found.append((name, item[()]))

        file.visititems(visit)
    yield from found
