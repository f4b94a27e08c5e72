"""Run TensorFlow 1 graphs in a session: frozen GraphDefs, and SavedModels by signature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artefact, graph_ops, pictures, signature, tensorflow_side, whole_file
from .failure import LoadsOnly, Refused
from .loader import CheckResult, Job
from .loader import Loader as Base
from .signature import Declared
from .tf_functions import DEFAULTS

_DECODES = {
    "DecodeWav": "wav",
    "DecodeJpeg": "jpeg",
    "DecodeAndCropJpeg": "jpeg",
    "ExtractJpegShape": "jpeg",
    "DecodePng": "png",
    "DecodeBmp": "bmp",
    "DecodeImage": "png",
}
"""What a string placeholder must hold, by the op that it feeds."""

_PASS = ("Identity", "ExpandDims", "Squeeze", "Reshape", "Substr", "PlaceholderWithDefault")
_NO_RESULT = (
    "Const",
    "Placeholder",
    "NoOp",
    "Assert",
    "Print",
    "PrintV2",
    "VariableV2",
    "Variable",
)


@dataclass
class Opened:
    """Hold a session, and its inputs and outputs: tensors by the names that users give."""

    session: Any
    inputs: dict[str, Any]
    declared: list[Declared]
    outputs: dict[str, Any]
    files: list[Path]
    called: str


class Loader(Base):
    """`tf.compat.v1.Session` over an imported graph; variables where a SavedModel has them."""

    frameworks = ("tensorflow",)
    modules = {"tensorflow": ("tensorflow",)}  # noqa: RUF012

    def import_(self, job: Job) -> None:
        """Import TensorFlow."""
        import tensorflow

        self.tf, self.v1 = tensorflow, tensorflow.compat.v1
        self.seen: set[str] = set()

    def load(self, job: Job) -> Opened:
        """Open a session on the graph."""
        if job["recipe"].get("weights") == "random":
            raise Refused("a stored graph holds its weights; random ones cannot be asked for")
        self.tf32 = tensorflow_side.exact()
        tensorflow_side.require(job)
        form = job["artefact"].get("format")
        saved = form in ("saved-model", "tf1-saved-model")
        opened = self._saved_model(job) if saved else self._frozen(job)
        self.channels_first = signature.channels_first(opened.declared, job)
        return opened

    def _session(self, graph: Any) -> Any:
        """Open a session; ops without a kernel on the device run on the host, and are seen to."""
        return self.v1.Session(graph=graph, config=self.v1.ConfigProto(allow_soft_placement=True))

    def _frozen(self, job: Job) -> Opened:
        """Import a GraphDef: inputs are its placeholders, outputs what no node consumes."""
        path = self._file(job)
        graph_ops.refuse_unsafe(path, job)
        stored = self.v1.GraphDef()
        stored.ParseFromString(path.read_bytes())
        graph = self.tf.Graph()
        with graph.as_default(), self.tf.device(tensorflow_side.device_name(job)):
            self.v1.import_graph_def(stored, name="")
        given = [op for op in graph.get_operations() if op.type == "Placeholder"]
        outputs = self._results(graph, given, job)
        if not given or not outputs:
            text = f"the graph has {len(given)} placeholders and {len(outputs)} results: no way in"
            raise LoadsOnly(text)
        inputs = {op.name: op.outputs[0] for op in given}
        declared = [_declared(name, tensor) for name, tensor in inputs.items()]
        return Opened(self._session(graph), inputs, declared, outputs, [path], "graph")

    def _file(self, job: Job) -> Path:
        """Return the graph's file: the artefact itself, what the entry names, or the only one."""
        root = artefact.root(job)
        if root.is_file():
            return root
        named = (job.get("hints") or {}).get("file")
        if named:
            return root / str(named)
        files = sorted(root.rglob("*.pb"))
        if len(files) != 1:
            raise FileNotFoundError(f"{len(files)} .pb files in the artefact, one was expected")
        return files[0]

    def _results(self, graph: Any, given: list[Any], job: Job) -> dict[str, Any]:
        """Return the tensors that the inputs reach and nothing consumes, by node name.

        The hint `nodes` names others, as in ["labels_softmax:0"].
        """
        named = (job.get("hints") or {}).get("nodes")
        if named:
            return {name: graph.get_tensor_by_name(name) for name in named}
        reached = _reached(given)
        ends = [op for op in graph.get_operations() if op in reached and _is_end(op)]
        found: dict[str, Any] = {}
        for op in ends:
            for index, tensor in enumerate(op.outputs):
                if tensor.dtype.name not in ("string", "resource", "variant"):
                    found[op.name if len(op.outputs) == 1 else f"{op.name}:{index}"] = tensor
        return found

    def _saved_model(self, job: Job) -> Opened:
        """Load a SavedModel into a session: its tags, and the signature that servers take."""
        home = tensorflow_side.saved_model_dir(job)
        graph_ops.refuse_unsafe(home, job)
        options = job["recipe"]["options"]
        tags = options.get("tags")
        graph = self.tf.Graph()
        session = self._session(graph)
        with graph.as_default(), self.tf.device(tensorflow_side.device_name(job)):
            wanted = ["serve"] if tags is None else list(tags)
            if tags is None and (home / "tfhub_module.pb").exists():
                wanted = []
            meta = self.v1.saved_model.loader.load(session, wanted, str(home))
        name = _signature(dict(meta.signature_def), options.get("signature"))
        chosen = meta.signature_def[name]
        inputs = {key: _tensor(graph, info) for key, info in sorted(chosen.inputs.items())}
        outputs = {key: _tensor(graph, info) for key, info in sorted(chosen.outputs.items())}
        declared = [_declared(key, tensor) for key, tensor in inputs.items()]
        return Opened(session, inputs, declared, outputs, whole_file.below(home), name)

    def inputs(self, loaded: Opened, job: Job, seed: int) -> dict[str, Any]:
        """Make what the placeholders or the signature declare, files of pictures included."""
        made: dict[str, Any] = {}
        adapter = (job.get("hints") or {}).get("inputs") or {}
        rest = []
        for index, item in enumerate(loaded.declared):
            if item.kind in ("jpeg", "png") and item.name not in adapter:
                made[item.name] = pictures.png(f"input.{index}", seed)
            else:
                rest.append(item)
        made.update(signature.make(rest, job, seed) if rest else {})
        return made

    def run(self, loaded: Opened, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Run the outputs once; where the nodes ran is read from the partitioned graphs."""
        feed = {tensor: _fed(inputs[name], tensor) for name, tensor in loaded.inputs.items()}
        told = self.v1.RunMetadata()
        how = self.v1.RunOptions(output_partition_graphs=True)
        found = loaded.session.run(loaded.outputs, feed, options=how, run_metadata=told)
        self.seen = {
            tensorflow_side.label(node.device)
            for graph in told.partition_graphs
            for node in graph.node
            if node.device and node.op not in ("_Send", "_Recv", "_HostSend", "_HostRecv")
        }
        return {name: value for name, value in found.items() if hasattr(value, "dtype")}

    def reset(self, loaded: Opened, job: Job) -> None:
        """Seed; a session's variables are changed by training ops alone, which none asks for."""
        tensorflow_side.seed_all(int(job["recipe"]["seed"]))

    def weights(self, loaded: Opened, job: Job) -> CheckResult:
        """Graph and weights are as fetched; names do not apply."""
        return whole_file.as_fetched(loaded.files, job)

    def device(self, loaded: Opened, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Nodes ran on the device asked for; beside a GPU, the host may decode and feed."""
        seen = self.seen - {"cpu"} if job["device"] != "cpu" else self.seen
        return tensorflow_side.placed(seen, job)

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device by what TensorFlow says of it."""
        return tensorflow_side.device_facts(job)

    def facts(self, loaded: Opened, job: Job) -> dict[str, Any]:
        """State what is run, and how many nodes the graph has."""
        graph = loaded.session.graph
        return {
            "class": "GraphDef" if loaded.called == "graph" else "SavedModel",
            "called": loaded.called,
            "results": ", ".join(loaded.outputs)[:500],
            "nodes": len(graph.get_operations()),
        }


def _declared(name: str, tensor: Any) -> Declared:
    """Return what a placeholder declares, and what file its bytes must be, if it tells."""
    found = tensorflow_side.declared(name, tensor)
    kind = _decoded(tensor) if found.dtype == "string" else None
    return Declared(found.name, found.shape, found.dtype, kind)


def _decoded(tensor: Any, depth: int = 4) -> str | None:
    """Return what kind of file a string tensor is decoded as, looking past a few reshapes."""
    for op in tensor.consumers():
        if op.type in _DECODES:
            return _DECODES[op.type]
        if depth and op.type in _PASS:
            for output in op.outputs:
                if found := _decoded(output, depth - 1):
                    return found
    return None


def _reached(start: list[Any]) -> set[Any]:
    """Return the operations that data of the given ones reaches."""
    seen = set(start)
    queue = list(start)
    while queue:
        for output in queue.pop().outputs:
            for op in output.consumers():
                if op not in seen:
                    seen.add(op)
                    queue.append(op)
    return seen


def _is_end(op: Any) -> bool:
    """Tell whether nothing consumes what an operation gives."""
    if not op.outputs or op.type in _NO_RESULT or op.type.endswith("Summary"):
        return False
    return not any(output.consumers() for output in op.outputs)


def _signature(known: dict[str, Any], named: Any) -> str:
    """Choose a signature: the one named, TensorFlow Serving's, TF1 Hub's, or the only one."""
    if named:
        if named not in known:
            raise ValueError(f"no signature is named {named}; there are {sorted(known)}")
        return str(named)
    for name in DEFAULTS:
        if name in known:
            return name
    names = [name for name in known if not name.startswith("__saved_model_")]
    if len(names) != 1:
        raise LoadsOnly(f"the SavedModel has {len(names)} signatures and no default one")
    return names[0]


def _tensor(graph: Any, info: Any) -> Any:
    """Return the tensor that a signature's entry names."""
    return graph.get_tensor_by_name(info.name)


def _fed(value: Any, tensor: Any) -> Any:
    """Return an input as a session takes it."""
    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        return value.astype(str)
    return value
