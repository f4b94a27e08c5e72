"""Run .tflite files with LiteRT's interpreter, or with the one in TensorFlow.

TensorFlow's brought the flex delegate up to 2.18; since 2.20 it does not, measured in 2.21 and
reported in https://github.com/google-ai-edge/LiteRT/issues/6458.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artefact, graph_ops, signature, whole_file
from .devices import split
from .failure import CheckFailed, Refused
from .loader import CheckResult, Job
from .loader import Loader as Base
from .signature import Declared

COARSE = 1 / 8
"""A quantised input whose step is larger than this is given its own range, not [-1, 1).

Pictures of 0 to 255 in steps of 1 would else all be the same three levels.
"""


@dataclass(frozen=True)
class Scale:
    """Say how a quantised tensor holds numbers: (stored - zero) * step."""

    step: float
    zero: int
    low: int
    high: int

    @property
    def range(self) -> tuple[float, float]:
        """The numbers that can be held."""
        return (self.low - self.zero) * self.step, (self.high - self.zero) * self.step

    def quantised(self, value: Any, dtype: Any) -> Any:
        """Return numbers as they are stored."""
        stored = (value.astype("float64") / self.step).round() + self.zero
        return stored.clip(self.low, self.high).astype(dtype)

    def numbers(self, stored: Any) -> Any:
        """Return what stored integers stand for, float32."""
        return ((stored.astype("float64") - self.zero) * self.step).astype("float32")


class Loader(Base):
    """`Interpreter(model_path=file)`; what is quantised is given and taken as numbers."""

    frameworks = ("litert", "tensorflow")
    modules = {"litert": ("ai_edge_litert",), "tensorflow": ("tensorflow",)}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import the interpreter of the framework asked for."""
        if job["framework"] == "litert":
            from ai_edge_litert.interpreter import Interpreter
        else:
            import tensorflow

            Interpreter = tensorflow.lite.Interpreter  # noqa: N806
        self.interpreter = Interpreter

    def load(self, job: Job) -> Any:
        """Open the file and give every input a size."""
        if job["recipe"].get("weights") == "random":
            raise Refused("a .tflite file holds its weights; random ones cannot be asked for")
        if split(job["device"])[0] != "cpu":
            text = f"asked for {job['device']}, the interpreter runs on the CPU"
            raise CheckFailed("wrong_device", text)
        self.path = self._file(job)
        graph_ops.refuse_unsafe(self.path, job)
        loaded = self.interpreter(model_path=str(self.path))
        details = loaded.get_input_details()
        self.names = _unique([str(item["name"]) for item in details])
        self.scales = [_scale(item) for item in details]
        self.declared = [
            Declared(name, _shape(item), "float32" if scale else _dtype(item["dtype"]))
            for name, item, scale in zip(self.names, details, self.scales)
        ]
        self.channels_first = signature.channels_first(self.declared, job)
        self.sizes: list[tuple[int, ...]] | None = None
        self.dtypes: dict[str, str] = {}
        loaded.allocate_tensors()
        return loaded

    def _file(self, job: Job) -> Path:
        """Return the artefact itself, what the entry names, or the only .tflite file."""
        root = artefact.root(job)
        if root.is_file():
            return root
        named = (job.get("hints") or {}).get("file")
        if named:
            return root / str(named)
        files = [file for file in whole_file.below(root) if _is_flatbuffer(file)]
        if len(files) != 1:
            raise FileNotFoundError(f"{len(files)} LiteRT files in the artefact, one was expected")
        return files[0]

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make numbers for what the file declares, of their own range where it is coarse."""
        hints = dict(job.get("hints") or {})
        adapter = dict(hints.get("inputs") or {})
        for name, scale in zip(self.names, self.scales):
            if scale is not None and scale.step > COARSE and name not in adapter:
                adapter[name] = {"kind": "noise", "range": list(scale.range)}
        return signature.make(self.declared, {**job, "hints": {**hints, "inputs": adapter}}, seed)

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Size the inputs if that is new, run once, and read the outputs at their real shapes."""
        import numpy

        details = loaded.get_input_details()
        values = [
            _stored(inputs[name], item["dtype"], scale)
            for name, item, scale in zip(self.names, details, self.scales)
        ]
        sizes = [tuple(value.shape) for value in values]
        if sizes != self.sizes:
            for item, value in zip(details, values):
                if tuple(item["shape"]) != value.shape:
                    loaded.resize_tensor_input(item["index"], list(value.shape))
            loaded.allocate_tensors()
            self.sizes = sizes
        for item, value in zip(details, values):
            loaded.set_tensor(item["index"], value)
        loaded.invoke()
        found: dict[str, Any] = {}
        outputs = loaded.get_output_details()
        for name, item in zip(_unique([str(item["name"]) for item in outputs]), outputs):
            value = numpy.array(loaded.get_tensor(item["index"]))
            if value.dtype.kind in "OSU":
                continue
            self.dtypes[name] = str(value.dtype)
            scale = _scale(item)
            found[name] = value if scale is None else scale.numbers(value)
        return found

    def own_dtype(self, name: str) -> str | None:
        """Return the dtype in which the file itself gives an output: int8 where quantised."""
        return self.dtypes.get(name)

    def reset(self, loaded: Any, job: Job) -> None:
        """Bring recurrent state back to what it is after loading."""
        loaded.reset_all_variables()

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Graph and weights are one file: its hash is what was fetched, names do not apply."""
        return whole_file.as_fetched([self.path], job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """The interpreter has no accelerator's delegate: it runs on the CPU."""
        if job["device"] != "cpu":
            text = f"asked for {job['device']}, the interpreter runs on the CPU"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", "the interpreter runs on the CPU, no delegate given")

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State the interpreter, what it takes, and whether inputs are quantised."""
        kinds = [f"{item['name']} {_dtype(item['dtype'])}" for item in loaded.get_input_details()]
        return {
            "class": "Interpreter",
            "takes": ", ".join(kinds)[:500],
            "quantised": "yes" if any(self.scales) else "no",
        }


def _is_flatbuffer(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(8)[4:] == b"TFL3"


def _unique(names: list[str]) -> list[str]:
    """Give names that occur twice a number."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        made.append(f"{name}.{count}" if count else name)
    return made


def _shape(item: dict[str, Any]) -> tuple[int | None, ...]:
    """Return an input's shape, None for an extent that the file leaves open."""
    stated = [int(extent) for extent in item["shape"]]
    signed = [int(extent) for extent in item.get("shape_signature", ())]
    if len(signed) != len(stated):
        signed = stated
    return tuple(extent if extent > 0 else None for extent in signed)


def _dtype(kind: Any) -> str:
    """Return numpy's name of a detail's dtype, or "string"."""
    import numpy

    found = numpy.dtype(kind)
    return "string" if found.kind in "OSU" else str(found)


def _scale(item: dict[str, Any]) -> Scale | None:
    """Return how an integer tensor is quantised, or None: plain numbers, per-axis, or none."""
    import numpy

    found = numpy.dtype(item["dtype"])
    step, zero = item["quantization"]
    if found.kind not in "iu" or not step:
        return None
    held = numpy.iinfo(found)
    return Scale(float(step), int(zero), int(held.min), int(held.max))


def _stored(value: Any, kind: Any, scale: Scale | None) -> Any:
    """Return an input as the interpreter takes it."""
    import numpy

    if scale is not None:
        return scale.quantised(value, kind)
    if isinstance(value, bytes):
        return numpy.array(value, dtype=object)
    array = numpy.asarray(value)
    if array.dtype.kind == "O":
        return numpy.array([str(text).encode() for text in array.ravel()]).reshape(array.shape)
    return array.astype(kind, copy=False)
