"""Failures of torch, transformers, huggingface_hub and the ONNX exporter."""

import http.server
import json
import os
import pathlib
import threading

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
WORK = pathlib.Path(os.environ["PROVOKE_IN"])


class Hub(http.server.BaseHTTPRequestHandler):
    """A hub on loopback that says no in the hub's own protocol."""

    def do_GET(self):
        """Choose the refusal by the name of the repository."""
        refusals = {
            "gated": (403, "GatedRepo"),
            "missing": (404, "RepoNotFound"),
            "throttled": (429, ""),
            "forbidden": (403, ""),
            "exceeded": (403, ""),
        }
        code, error = next((no for word, no in refusals.items() if word in self.path), (200, ""))
        self.send_response(code, "rate limit exceeded" if "exceeded" in self.path else None)
        if error:
            self.send_header("X-Error-Code", error)
            self.send_header("X-Error-Message", "no")
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"bytes")

    def do_HEAD(self):
        """Answer without a body."""
        self.do_GET()

    def log_message(self, *_):
        """Stay quiet."""


SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
HERE = f"http://127.0.0.1:{SERVER.server_port}"
os.environ["HF_ENDPOINT"] = HERE
os.environ["HF_HOME"] = str(WORK / "hf")

import torch  # noqa: E402
import transformers  # noqa: E402
from provoking import main, provokes  # noqa: E402


def directory(name, config=None, **files):
    """Make a model directory."""
    path = WORK / name
    path.mkdir(exist_ok=True)
    if config is not None:
        (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for file, text in files.items():
        (path / (file + ".py")).write_text(text)
    return str(path)


TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 32,
}


def tiny():
    """Save a tiny BERT once; returns its directory."""
    path = WORK / "tiny"
    if not path.exists():
        transformers.BertModel(transformers.BertConfig(**TINY)).save_pretrained(path)
    return str(path)


@provokes("hf.tf-class-removed")
def _():
    from transformers import TFBertModel  # noqa: F401


@provokes("hf.tf-class-removed")
def _():
    return transformers.FlaxRobertaModel


@provokes("hf.auto-class-mismatch")
def _():
    transformers.AutoModelForCausalLM.from_config(transformers.ResNetConfig())


@provokes("hf.no-model-type")
def _():
    transformers.AutoConfig.from_pretrained(directory("bare", {"a": 1}))


@provokes("hf.unknown-arch")
def _():
    transformers.AutoConfig.from_pretrained(directory("newer", {"model_type": "unheard-of"}))


@provokes("hf.config-corrupt")
def _():
    transformers.AutoConfig.from_pretrained(directory("broken", "<!DOCTYPE html>"))


@provokes("hf.no-torch-weights")
def _():
    transformers.BertModel.from_pretrained(directory("empty", {"model_type": "bert", **TINY}))


CUSTOM = {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig"}}


@provokes("hf.remote-code-required")
def _():
    path = directory("own", CUSTOM, own="class OwnConfig: pass")
    transformers.AutoConfig.from_pretrained(path, trust_remote_code=False)


@provokes("hf.remote-code-required")
def _():
    transformers.AutoConfig.from_pretrained(directory("own", CUSTOM))


@provokes("hf.remote-code-missing-dep")
def _():
    path = directory("deps", CUSTOM, own="import nobodys_package\nclass OwnConfig: pass")
    transformers.AutoConfig.from_pretrained(path, trust_remote_code=True)


@provokes("hf.remote-code-bitrot")
def _():
    path = directory(
        "rotten", CUSTOM, own="from transformers.utils.import_utils import is_torch_fx_available\n"
    )
    transformers.AutoConfig.from_pretrained(path, trust_remote_code=True)


@provokes("hf.hub-api-removed")
def _():
    from huggingface_hub import cached_download  # noqa: F401


@provokes("hf.optional-dep-missing")
def _():
    transformers.utils.requires_backends(type("Reader", (), {}), ["detectron2"])


@provokes("hf.sentencepiece-missing")
def _():
    path = directory("wordless", {"model_type": "bert", **TINY})
    chosen = {"tokenizer_class": "NobodysTokenizer"}
    (WORK / "wordless" / "tokenizer_config.json").write_text(json.dumps(chosen))
    transformers.AutoTokenizer.from_pretrained(path)


@provokes("env.dep-conflict")
def _():
    transformers.utils.versions.require_version("numpy>=99")


@provokes("hf.size-mismatch")
def _():
    torch.nn.Linear(2, 3).load_state_dict(torch.nn.Linear(2, 4).state_dict())


@provokes("hf.size-mismatch")
def _():
    transformers.BertModel.from_pretrained(tiny(), hidden_size=32)


@provokes("pipeline.kwarg-removed")
def _():
    transformers.BertModel.from_pretrained(tiny(), use_auth_token=True)


@provokes("pt.accelerate-missing")
def _():
    transformers.BertModel.from_pretrained(tiny(), device_map="auto")


@provokes("pt.flash-attn")
def _():
    transformers.BertModel.from_pretrained(tiny(), attn_implementation="flash_attention_2")


@provokes("pt.quant-backend-missing")
def _():
    wanted = transformers.QuantoConfig(weights="int8")
    transformers.BertModel.from_pretrained(tiny(), quantization_config=wanted)


@provokes("pt.quant-gpu-only")
def _():
    method = {"quant_method": "spqr", "bits": 3, "beta1": 16, "beta2": 16, "shapes": {}}
    path = directory("spqr", {"model_type": "bert", **TINY, "quantization_config": method})
    transformers.BertModel.from_pretrained(path)


@provokes("hub.gated")
def _():
    transformers.AutoConfig.from_pretrained("owner/gated")


@provokes("hub.repo-not-found")
def _():
    transformers.AutoConfig.from_pretrained("owner/missing")


@provokes("hub.rate-limit")
def _():
    from huggingface_hub import HfApi

    HfApi().model_info("owner/throttled")


@provokes("hub.offline")
def _():
    from huggingface_hub import snapshot_download

    snapshot_download("owner/name", local_files_only=True)


@provokes("hub.http-403-generic")
def _():
    torch.hub.download_url_to_file(HERE + "/forbidden.pth", WORK / "a.pth", progress=False)


@provokes("hub.torch-ratelimit")
def _():
    torch.hub.download_url_to_file(HERE + "/exceeded", WORK / "a.json", progress=False)


@provokes("hub.hash-mismatch")
def _():
    torch.hub.download_url_to_file(HERE + "/a.pth", WORK / "b.pth", "aaaaaaaa", progress=False)


def hubconf(name, text):
    """Make a local torch.hub repository."""
    path = WORK / name
    path.mkdir(exist_ok=True)
    (path / "hubconf.py").write_text(text)
    return str(path)


@provokes("hub.torch-missing-deps")
def _():
    torch.hub.load(hubconf("needs", "dependencies = ['nobodys_package']"), "net", source="local")


@provokes("hub.torch-no-entrypoint")
def _():
    torch.hub.load(hubconf("none", "dependencies = []"), "net", source="local")


@provokes("hub.torch-trust")
def _():
    torch.hub.set_dir(WORK / "hub")
    torch.hub.load("owner/untrusted:main", "net", trust_repo=False, skip_validation=True)


@provokes("hf.lazy-import-wrapper")
def _():
    import sys

    sys.modules["transformers.models.xglm.modeling_xglm"] = None
    transformers.XGLMModel.from_pretrained(tiny())


@provokes("pt.file-corrupt-or-lfs")
def _():
    path = WORK / "pointer.pth"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    torch.load(path)


@provokes("pt.file-corrupt-or-lfs")
def _():
    path = WORK / "short.pt"
    torch.save(torch.ones(4000), path)
    path.write_bytes(path.read_bytes()[:2000])
    torch.load(path)


@provokes("pt.file-corrupt-or-lfs")
def _():
    path = pathlib.Path(directory("cut", {"model_type": "bert", **TINY})) / "model.safetensors"
    path.write_bytes((pathlib.Path(tiny()) / "model.safetensors").read_bytes()[:500])
    transformers.BertModel.from_pretrained(path.parent)


class Own:
    """A class that a pickle remembers."""


@provokes("pt.weights-only")
def _():
    torch.save(Own(), WORK / "own.pt")
    torch.load(WORK / "own.pt")


@provokes("pt.pickle-class-missing")
def _():
    torch.save(Own(), WORK / "gone.pt")
    kept = globals().pop("Own")
    try:
        torch.load(WORK / "gone.pt", weights_only=False)
    finally:
        globals()["Own"] = kept


@provokes("pt.map-location")
def _():
    tag = torch.serialization.location_tag
    torch.serialization.location_tag = lambda _: "cuda:0"
    try:
        torch.save(torch.ones(2), WORK / "cuda.pt")
    finally:
        torch.serialization.location_tag = tag
    torch.load(WORK / "cuda.pt")


@provokes("pt.meta-tensor")
def _():
    torch.nn.Linear(2, 2, device="meta").to("cpu")


@provokes("pt.dtype-mismatch")
def _():
    torch.nn.Linear(2, 2, dtype=torch.bfloat16)(torch.ones(1, 2))


@provokes("pt.half-on-cpu")
def _():
    eighth = torch.zeros(2).to(torch.float8_e4m3fn)
    eighth + eighth


@provokes("pt.cuda-unavailable")
def _():
    torch.zeros(1, device="cuda")


@provokes("pt.backend-dispatch")
def _():
    torch.library.register_fake("torchvision::nms")(lambda *_: None)


@provokes("pt.oom")
def _():
    torch.empty(10**15)


@provokes("pt.script-custom-op")
def _():
    library = torch.library.Library("nobody", "DEF")
    library.define("own(Tensor x) -> Tensor")
    scripted = torch.jit.script(Calling())
    scripted.save(WORK / "own_op.pt")
    library._destroy()
    torch.jit.load(WORK / "own_op.pt")


class Calling(torch.nn.Module):
    """A program that calls an operator of a library."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Call it."""
        return torch.ops.nobody.own(x)


@provokes("pt.export-version")
def _():
    import zipfile

    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.ones(2),)), WORK / "now.pt2")
    with (
        zipfile.ZipFile(WORK / "now.pt2") as now,
        zipfile.ZipFile(WORK / "later.pt2", "w") as later,
    ):
        for name in now.namelist():
            data = now.read(name)
            if name.endswith(".json") and b'"schema_version"' in data:
                program = json.loads(data)
                program["schema_version"]["major"] += 90
                data = json.dumps(program).encode()
            later.writestr(name, data)
    torch.export.load(WORK / "later.pt2")


@provokes("pt.script-stft")
def _():
    torch.stft(torch.ones(400), 64)


@provokes("onnx.export-dynamo")
def _():
    class Deciding(torch.nn.Module):
        def forward(self, x):
            return x[: int(x.sum().item())] if x.sum().item() > 1 else x

    torch.onnx.export(Deciding(), (torch.ones(3),), WORK / "no.onnx", verbose=False)


@provokes("env.protobuf")
def _():
    from google.protobuf import runtime_version as rt

    rt.ValidateProtobufRuntimeVersion(rt.Domain.PUBLIC, 99, 0, 0, "", "graph.proto")


def onnx_files():
    """Write the small ONNX files that the runtime's failures need."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])

    def model(nodes, imports=(("", 17),), ir=8, inputs=(x,), outputs=(y,), weights=()):
        graph = helper.make_graph(nodes, "g", list(inputs), list(outputs), list(weights))
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid(*i) for i in imports])
        made.ir_version = ir
        return made

    relu = helper.make_node("Relu", ["x"], ["y"])
    (WORK / "good.onnx").write_bytes(model([relu]).SerializeToString())
    (WORK / "ir.onnx").write_bytes(model([relu], ir=99).SerializeToString())
    (WORK / "opset.onnx").write_bytes(model([relu], imports=[("", 99)]).SerializeToString())
    own = helper.make_node("Own", ["x"], ["y"], domain="nobody.own")
    both = [("", 17), ("nobody.own", 1)]
    (WORK / "own.onnx").write_bytes(model([own], imports=both).SerializeToString())
    bx = helper.make_tensor_value_info("x", TensorProto.BFLOAT16, [2])
    by = helper.make_tensor_value_info("y", TensorProto.BFLOAT16, [2])
    (WORK / "bf16.onnx").write_bytes(model([relu], inputs=[bx], outputs=[by]).SerializeToString())
    import numpy

    weight = numpy_helper.from_array(numpy.ones(2, "float32"), "w")
    add = model([helper.make_node("Add", ["x", "w"], ["y"])], weights=[weight])
    onnx.save(
        add,
        str(WORK / "outside.onnx"),
        save_as_external_data=True,
        location="outside.data",
        size_threshold=0,
    )
    (WORK / "outside.data").unlink()


onnx_files()
main()
