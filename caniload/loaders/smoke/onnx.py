"""Run ONNX files with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import artefact, inputs
from .devices import split
from .failure import Refused
from .loader import CheckResult, Job
from .loader import Loader as Base

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "mps": "CoreMLExecutionProvider",
}

_FLOATS = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
_INTEGERS = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
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
        """Make the recipe's inputs, or what the graph declares where the recipe is silent."""
        import numpy

        declared = {item.name: item for item in loaded.get_inputs()}
        facts = artefact.token_facts(artefact.folder(job))
        if set(declared) <= _TOKENS and "input_ids" in declared and facts is not None:
            made = inputs.tokens(facts, job["recipe"], seed)
            self.mask = made["attention_mask"]
            made["token_type_ids"] = numpy.zeros_like(made["input_ids"])
            length = made["input_ids"].shape[1]
            made["position_ids"] = numpy.broadcast_to(
                numpy.arange(length), made["input_ids"].shape
            ).copy()
            return {name: self._cast(made[name], item) for name, item in declared.items()}
        if set(declared) == {"pixel_values"}:
            config = artefact.config(artefact.folder(job))
            if config:
                return inputs.pixels(config, job["recipe"], seed)
        return {name: self._declared(item, seed) for name, item in declared.items()}

    def _cast(self, array: Any, item: Any) -> Any:
        """Cast to the element type that the graph declares."""
        return array.astype(_INTEGERS.get(item.type) or _FLOATS.get(item.type) or array.dtype)

    def _declared(self, item: Any, seed: int) -> Any:
        """Make an array as an input declares it; unknown extents are 1."""
        import numpy

        shape = tuple(
            extent if isinstance(extent, int) and extent > 0 else 1 for extent in item.shape
        )
        if item.type in _FLOATS:
            return inputs.floats(shape, item.name, seed).astype(_FLOATS[item.type])
        if item.type in _INTEGERS or item.type == "tensor(bool)":
            count = int(numpy.prod(shape, dtype=numpy.int64))
            drawn = [inputs.counter(seed, item.name, i) % 2 for i in range(count)]
            kind = _INTEGERS.get(item.type, "bool")
            return numpy.array(drawn).reshape(shape).astype(kind)
        if item.type == "tensor(uint8)":
            count = int(numpy.prod(shape, dtype=numpy.int64))
            drawn = [inputs.counter(seed, item.name, i) % 256 for i in range(count)]
            return numpy.array(drawn, dtype="uint8").reshape(shape)
        raise ValueError(f"input {item.name} is {item.type}; no recipe makes that yet")

    def padded(self, loaded: Any, inputs: dict[str, Any]) -> list[int] | None:
        """Return the real positions of token inputs, also where the graph takes no mask."""
        mask = inputs.get("attention_mask", getattr(self, "mask", None))
        return None if mask is None else super().padded(loaded, {"attention_mask": mask})

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Run the graph once; every output that is a tensor counts."""
        names = [item.name for item in loaded.get_outputs()]
        found = dict(zip(names, loaded.run(None, inputs)))
        return {name: value for name, value in found.items() if hasattr(value, "dtype")}

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Graph and weights are one file: its hash is what was fetched, names do not apply."""
        file = self._file(job)
        root = artefact.root(job)
        listed = {item["path"]: item["sha256"] for item in job["artefact"].get("files", [])}
        name = file.name if root.is_file() else file.relative_to(root).as_posix()
        found = artefact.sha256(file)
        if name not in listed or listed[name] != found:
            text = f"{name} has sha256 {found}, fetched was {listed.get(name)}"
            return CheckResult.failed("weights", "weights_mismatch", text)
        return CheckResult.not_applicable(
            "weights", f"graph and weights are one file, as fetched: sha256 {found}"
        )

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
