"""What loaders on TensorFlow share: devices, seeds, what functions declare, numpy outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import artefact, tree
from .devices import describe, split
from .failure import CheckFailed
from .loader import CheckResult, Job
from .signature import Declared

_NUMBERS = ("f", "i", "u", "b", "c")


def exact() -> bool:
    """Switch TF32 off and return that it is off: agreement is measured in true float32."""
    import tensorflow

    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return False


def require(job: Job) -> None:
    """Leave TensorFlow the job's device alone; raise `CheckFailed` where it has none such.

    TensorFlow places softly: asked for a GPU that is not there, it computes on the CPU and says
    nothing. With the device cpu, GPUs are hidden before anything is placed.
    """
    import tensorflow

    kind, index = split(job["device"])
    if kind == "cpu":
        if tensorflow.config.get_visible_devices("GPU"):
            tensorflow.config.set_visible_devices([], "GPU")
        return
    found = tensorflow.config.list_physical_devices("GPU")
    if len(found) <= (index or 0):
        text = f"asked for {job['device']}, TensorFlow lists {len(found)} GPUs"
        raise CheckFailed("wrong_device", text)


def device_name(job: Job) -> str:
    """Name the job's device as TensorFlow does."""
    kind, index = split(job["device"])
    return "/CPU:0" if kind == "cpu" else f"/GPU:{index or 0}"


def label(text: str) -> str:
    """Name a device that TensorFlow names as jobs do."""
    kind, _, index = text.rpartition("device:")[2].lower().partition(":")
    return "cpu" if kind == "cpu" else f"{'cuda' if kind == 'gpu' else kind}:{index}"


def placed(found: Iterable[str], job: Job) -> CheckResult:
    """Check that every device seen is the job's; `found` are its labels."""
    kind, index = split(job["device"])
    wanted = kind if kind == "cpu" else f"cuda:{index or 0}"
    seen = set(found)
    wrong = sorted(seen - {wanted})
    if wrong or not seen:
        text = f"asked for {job['device']}, found {', '.join(wrong) or 'no output'}"
        return CheckResult.failed("device", "wrong_device", text)
    return CheckResult("device", "passed", f"variables and outputs on {wanted}")


def device_facts(job: Job) -> dict[str, Any]:
    """Describe the device by what TensorFlow says of it."""
    import tensorflow

    kind, index = split(job["device"])
    facts = describe(job["device"])
    if kind != "cpu":
        held = tensorflow.config.list_physical_devices("GPU")[index or 0]
        details = tensorflow.config.experimental.get_device_details(held)
        major, minor = details.get("compute_capability") or (None, None)
        facts["name"] = details.get("device_name")
        if major is not None:
            facts["compute_capability"] = f"{major}.{minor}"
    return facts


def dtype_name(kind: Any) -> str:
    """Return numpy's name of a TensorFlow dtype, or "string"."""
    return "string" if kind.name == "string" else str(kind.name).replace("_ref", "")


def declared(name: str, spec: Any) -> Declared:
    """Return what a `TensorSpec` declares."""
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return Declared(name, shape, dtype_name(spec.dtype))


def tensor(value: Any, kind: Any = None) -> Any:
    """Return an input as a tensor; texts become bytes."""
    import tensorflow

    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        value = value.astype(str).tolist()
    return tensorflow.convert_to_tensor(value, dtype=kind)


def arrays(result: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, numpy array, device) of each numeric tensor of a nested result."""
    import tensorflow

    for name, value in tree.leaves(result, tensorflow.is_tensor):
        if isinstance(value, tensorflow.RaggedTensor):
            value = value.to_tensor()
        elif isinstance(value, tensorflow.SparseTensor):
            value = tensorflow.sparse.to_dense(value)
        where = label(value.device) if getattr(value, "device", "") else "cpu"
        array = value.numpy()
        if value.dtype.is_floating or getattr(array, "dtype", None) is not None:
            kind = getattr(getattr(array, "dtype", None), "kind", "O")
            if kind in _NUMBERS or value.dtype.name == "bfloat16":
                yield name, array, where


def seed_all(seed: int) -> None:
    """Seed Python, numpy and TensorFlow."""
    import random

    import numpy
    import tensorflow

    random.seed(seed)
    numpy.random.seed(seed % (1 << 32))
    tensorflow.random.set_seed(seed)


def saved_model_dir(job: Job) -> Path:
    """Return the folder of the artefact that holds saved_model.pb (or .pbtxt).

    Raises `FileNotFoundError` where there is none, or several and the entry names none.
    """
    root = artefact.root(job)
    if root.is_file():
        return root.parent
    named = (job.get("hints") or {}).get("folder")
    if named:
        return root / str(named)
    found = sorted({file.parent for file in root.rglob("saved_model.pb*")})
    if root in found:
        return root
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} SavedModels in the artefact, one was expected")
    return found[0]


def parameters(variables: Iterable[Any]) -> int:
    """Count the numbers that variables hold."""
    return sum(int(item.shape.num_elements() or 0) for item in variables)


def snapshot(variables: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Keep the values of variables that calling may change, which are those not trained."""
    return [(item, item.numpy()) for item in variables if not getattr(item, "trainable", False)]


def restore(kept: Iterable[tuple[Any, Any]]) -> None:
    """Give variables the values that `snapshot` kept."""
    for item, value in kept:
        item.assign(value)


def named(values: Mapping[str, Any]) -> str:
    """Say in one line what inputs were given: names, dtypes and shapes."""
    parts = [
        f"{name} {getattr(value, 'dtype', type(value).__name__)}{list(getattr(value, 'shape', ()))}"
        for name, value in values.items()
    ]
    return ", ".join(parts)
