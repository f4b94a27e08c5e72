"""Which files of a Hugging Face repository make up one artefact, and what the list claims.

One revision often holds the same weights in several formats and precisions. Each format takes
its own weight files and the small files beside them (configuration, tokenizer, modules), so
that nothing else is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from caniload.loaders.hub import Claim

FORMATS: dict[str, re.Pattern[str]] = {
    "safetensors": re.compile(r"\.safetensors(\.index(\.[\w-]+)?\.json)?$"),
    "bin": re.compile(
        r"(?<!training_args)(?<!optimizer)(?<!scheduler)(?<!shard\dof\d)\.bin(\.index\.json)?$"
    ),
    "tf-h5": re.compile(r"(^|/)tf_model[^/]*\.h5(\.index\.json)?$"),
    "flax": re.compile(r"(^|/)flax_model[^/]*\.msgpack(\.index\.json)?$"),
    "keras-preset": re.compile(r"(^|/)(model|task)(_\d+)?\.weights\.(h5|json)$"),
    "onnx": re.compile(r"\.onnx([._]data(_\d+)?)?$"),
    "keras": re.compile(r"\.keras$"),
    "h5": re.compile(r"(^|/)(?!tf_model)(?!(model|task)(_\d+)?\.weights)[^/]*\.h5$"),
    "saved-model": re.compile(
        r"(^|/)(saved_model|keras_metadata|fingerprint)\.pb$|(^|/)variables/"
    ),
    "tflite": re.compile(r"\.tflite$"),
    "gguf": re.compile(r"\.gguf$"),
    "pt": re.compile(r"\.(pt|pth|ckpt)$"),
    "pt2": re.compile(r"\.pt2$"),
}
"""Weight files by format, the preferred first where a handle names none."""

_FRAMEWORK = {
    "safetensors": None,
    "bin": "pytorch",
    "tf-h5": "tensorflow",
    "flax": "jax",
    "onnx": "onnxruntime",
    "saved-model": "tensorflow",
    "tflite": "litert",
    "pt": "pytorch",
    "pt2": "pytorch",
}
_BESIDE = re.compile(r"\.(json|txt|model|py|jinja|tiktoken|spm|ya?ml|vocab|bpe|tsv)$")
_NEVER = re.compile(r"(^|/)(README|LICENSE|NOTICE|requirements)[^/]*$|(^|/)\.")
_MODULE = re.compile(r"\d+_\w+$")
_VARIANT = re.compile(
    r"[._](?P<variant>fp16|bf16|fp32|fp8|int8|uint8|int4|q4|q4f16|q8|q8f16|bnb4|quantized|non_ema)"
    r"(?=[._-])"
)
_TAGGED_FRAMEWORK = {
    "pytorch": "pytorch",
    "tf": "tensorflow",
    "jax": "jax",
    "onnx": "onnxruntime",
}
_TAGGED_LOADER = {
    "transformers": "transformers",
    "sentence-transformers": "sentence-transformers",
    "timm": "timm",
    "keras-hub": "keras-hub",
}


def formats(paths: Iterable[str], sub: str | None = None) -> tuple[str, ...]:
    """Return the formats that a file list holds, the preferred first."""
    inside = _inside(paths, sub)
    return tuple(name for name in FORMATS if _weights(inside, name, None))


def select(
    paths: Iterable[str], form: str, variant: str | None = None, sub: str | None = None
) -> tuple[str, ...]:
    """Return the paths of one artefact, sorted; empty where the list has no such weights.

    `sub` limits it to a folder. Without a variant the files of other precisions are left out.
    """
    inside = _inside(paths, sub)
    weights = _weights(inside, form, variant)
    if not weights:
        return ()
    base = "" if sub is None else f"{sub}/"
    pipeline = f"{base}model_index.json" in inside
    folders = {PurePosixPath(path).parent.as_posix() for path in weights}
    chosen = set(weights)
    for path in inside:
        if path in chosen or _NEVER.search(path) or not _BESIDE.search(path):
            continue
        if any(pattern.search(path) for pattern in FORMATS.values()):
            continue
        relative = path.removeprefix(base)
        folder, _, _ = relative.rpartition("/")
        near = not folder or PurePosixPath(path).parent.as_posix() in folders
        module = bool(_MODULE.match(folder)) or folder.split("/")[0] == "assets"
        if near or module or pipeline:
            chosen.add(path)
    return tuple(sorted(chosen))


def weights(
    paths: Iterable[str], form: str, variant: str | None = None, sub: str | None = None
) -> tuple[str, ...]:
    """Return the weight files of one artefact, without what lies beside them, sorted."""
    return tuple(sorted(_weights(_inside(paths, sub), form, variant)))


def claims(paths: Iterable[str], tags: Iterable[str], library: str | None) -> tuple[Claim, ...]:
    """Return what a repository's tags and its file list say, as claims."""
    listed = list(paths)
    said = [
        Claim(f"file list holds {form}", form, _FRAMEWORK.get(form)) for form in formats(listed)
    ]
    for tag in tags:
        if tag in _TAGGED_FRAMEWORK:
            said.append(Claim(f"tag {tag}", framework=_TAGGED_FRAMEWORK[tag]))
        elif tag in _TAGGED_LOADER:
            said.append(Claim(f"tag {tag}", loader=_TAGGED_LOADER[tag]))
    if library is not None:
        said.append(Claim(f"library_name {library}", loader=_TAGGED_LOADER.get(library)))
    return tuple(said)


def _inside(paths: Iterable[str], sub: str | None) -> set[str]:
    return {path for path in paths if sub is None or path == sub or path.startswith(f"{sub}/")}


def _weights(paths: set[str], form: str, variant: str | None) -> set[str]:
    """Return a format's weight files: of the asked precision, of one folder and its modules."""
    pattern = FORMATS.get(form)
    if pattern is None:
        return set()
    every = {path for path in paths if pattern.search(path)}
    if form == "bin":
        every = {path for path in every if f"{path.removesuffix('.bin')}.xml" not in paths}
    found = {path for path in every if _variant(path) == variant}
    if not found and variant is None:
        return set()
    tops = {_folder(path) for path in found}
    if any(path.endswith("model_index.json") for path in paths) or form == "saved-model":
        return found
    depth = min((_depth(top) for top in tops), default=0)
    shallow = {path for path in found if _depth(_folder(path)) == depth}
    modules = {path for path in found if _MODULE.match(PurePosixPath(path).parent.name)}
    kept = shallow | modules
    named = {path for path in kept if not PurePosixPath(path).name.startswith("consolidated")}
    return named or kept


def _variant(path: str) -> str | None:
    """Return the precision that a weight file's name carries (`model.fp16.safetensors`)."""
    match = _VARIANT.search(PurePosixPath(path).name)
    return match.group("variant") if match else None


def _folder(path: str) -> str:
    return PurePosixPath(path).parent.as_posix()


def _depth(folder: str) -> int:
    return 0 if folder == "." else folder.count("/") + 1
