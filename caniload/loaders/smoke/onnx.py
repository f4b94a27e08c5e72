"""Run ONNX files with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, inputs, signature, whole_file
from .devices import split
from .failure import NeedsInputs, Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "mps": "CoreMLExecutionProvider",
}

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
    "tensor(complex64)": "complex64",
    "tensor(complex128)": "complex128",
    **{
        f"tensor({sign}int{bits})": f"{sign}int{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
"""numpy's name of each element type that inputs can be made of."""

_TOKENS = {"input_ids", "attention_mask", "token_type_ids", "position_ids"}


class Loader(Base):
    """`onnxruntime.InferenceSession` with the one provider that the device stands for."""

    frameworks = ("onnxruntime",)
    modules = {"onnxruntime": ("onnxruntime",)}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import ONNX Runtime."""
        import onnxruntime

        self.runtime = onnxruntime

    def load(self, job: Job) -> Any:
        """Open a session; an input that the recipe cannot fill is refused here."""
        if job["recipe"].get("weights") == "random":
            raise Refused("an ONNX file holds its weights; random ones cannot be asked for")
        kind, index = split(job["device"])
        options: dict[str, str] = {} if index is None else {"device_id": str(index)}
        settings = self.runtime.SessionOptions()
        settings.log_severity_level = 2
        session = self.runtime.InferenceSession(
            str(self._file(job)), settings, providers=[(PROVIDERS[kind], options)]
        )
        self._fit(session, job)
        return session

    def _file(self, job: Job) -> Path:
        """Return the graph's file: the artefact itself, `model.onnx`, or the only one there is."""
        root = artefact.root(job)
        if root.is_file():
            return root
        named = (job.get("hints") or {}).get("file")
        files = sorted(root.rglob("*.onnx"))
        for choice in (named, "model.onnx", "onnx/model.onnx"):
            if choice and root / choice in files:
                return root / choice
        if len(files) != 1:
            raise FileNotFoundError(f"{len(files)} .onnx files and none named model.onnx")
        return files[0]

    def _fit(self, session: Any, job: Job) -> None:
        """Raise `ValueError` where the recipe's inputs are not the graph's."""
        wanted = {item.name for item in session.get_inputs()}
        kind = inputs.kind(job["recipe"], "auto")
        names = {"tokens": _TOKENS, "pixels": {"pixel_values"}}.get(kind)
        if names is not None and not wanted <= names:
            raise ValueError(f"the recipe gives {kind}, the graph takes {sorted(wanted)}")

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make what the graph declares; a picture as large as the configuration beside it says."""
        import numpy

        declared = [self._declared(item) for item in loaded.get_inputs()]
        self.channels_first = signature.channels_first(declared, job)
        adapted = (job.get("hints") or {}).get("inputs")
        config = artefact.config(artefact.folder(job))
        if config and not adapted and [item.name for item in declared] == ["pixel_values"]:
            self.channels_first = True
            return inputs.pixels(config, job["recipe"], seed)
        facts = artefact.token_facts(artefact.folder(job))
        if facts is not None and any(item.name == "input_ids" for item in declared):
            self.mask = inputs.tokens(facts, job["recipe"], seed)["attention_mask"]
        made = signature.make(declared, job, seed)
        return {
            item.name: made[item.name]
            if isinstance(made[item.name], numpy.ndarray)
            else numpy.array(made[item.name], dtype=_array_dtype(item.dtype))
            for item in declared
        }

    def _declared(self, item: Any) -> signature.Declared:
        """Return an input as the graph declares it; symbolic extents may vary."""
        dtype = _DTYPES.get(item.type)
        if dtype is None:
            raise NeedsInputs(f"input {item.name} is {item.type}, which nothing here makes")
        shape = tuple(
            extent if isinstance(extent, int) and extent > 0 else None for extent in item.shape
        )
        return signature.Declared(item.name, shape, dtype)

    def padded(self, loaded: Any, inputs: dict[str, Any]) -> list[int] | None:
        """Return the real positions of token inputs, also where the graph takes no mask."""
        mask = inputs.get("attention_mask", getattr(self, "mask", None))
        return None if mask is None else super().padded(loaded, {"attention_mask": mask})

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Run the graph once; every output that is a tensor of numbers counts."""
        names = [item.name for item in loaded.get_outputs()]
        found = dict(zip(names, loaded.run(None, inputs)))
        return {
            name: value
            for name, value in found.items()
            if hasattr(value, "dtype") and value.dtype.kind in "fiubc"
        }

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Graph and weights are one file: its hash is what was fetched, names do not apply."""
        return whole_file.as_fetched([self._file(job)], job)

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """The session lists first the provider that was asked for."""
        wanted = PROVIDERS[split(job["device"])[0]]
        found = loaded.get_providers()
        if not found or found[0] != wanted:
            text = f"asked for {wanted}, the session has {', '.join(found)}"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", f"session runs on {wanted}")

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State who wrote the graph and for which opset-bearing producer."""
        meta = loaded.get_modelmeta()
        return {
            "class": "InferenceSession",
            "producer": f"{meta.producer_name}".strip() or "unknown",
            "graph": meta.graph_name,
        }


def _array_dtype(name: str) -> str:
    """Return numpy's dtype for an element type; strings are objects."""
    return "object" if name == "string" else name
