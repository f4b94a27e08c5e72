"""TF Hub: the modules of tensorflow/tfhub.dev, joined with their Lite, TF.js and Coral children.

Reads the facts of `assets/docs/**/*.md`, each page's first line and its `key: value` comments, in
a checkout or as one JSON document: `{"commit": …, "entries": [{"kind", "handle", …}]}`. Publishers,
collections and placeholders are no sources. Names are those of the addresses: a Lite model of
`google` lies at ``google/lite-model/…`` (tools/validator.py of that repository,
`_TFHUB_MODEL_URL_PATTERN`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caniload.catalog.upstream.documents import Fields, Read, commit, entries, header
from caniload.handles import Handle

CATALOGUE = "tfhub"
UPSTREAM = "github:tensorflow/tfhub.dev"

PAGES = "assets/docs"
_FIRST = re.compile(r"# ([A-Z][a-z]+) (\S+)\s*$")
_FACT = re.compile(r"^<!--\s*([\w-]+)\s*:\s*(.*?)\s*-->\s*$", re.MULTILINE)
_NOT_WRITTEN = "&zwnj;"
"""Some pages write it into a name; it is drawn as nothing and not part of the address."""

_PREFIX = {"Module": "", "Lite": "lite-model/", "Tfjs": "tfjs-model/", "Coral": "coral-model/"}
"""The kinds that are sources, and what stands before the name in their addresses."""

_RUNS = {
    "Module": (["tensorflow"], ["tensorflow-hub"]),
    "Lite": (["litert"], ["litert"]),
    "Tfjs": (["tfjs"], []),
    "Coral": (["litert"], []),
}
"""The framework of each kind, and the loader of ours that reads it."""

_FORMS = {"saved_model_2": "saved-model", "saved_model": "saved-model", "hub": "tf1-saved-model"}
_CHILD_FORMS = {"Lite": "tflite", "Tfjs": "tfjs", "Coral": "tflite"}

_TASKS = {
    "image-classification": "image-classification",
    "image-classifier": "image-classification",
    "image-classification-logits": "image-classification",
    "image-feature-vector": "image-feature-extraction",
    "image-object-detection": "object-detection",
    "image-text-detection": "object-detection",
    "image-segmentation": "image-segmentation",
    "image-pose-detection": "keypoint-detection",
    "image-depth-estimation": "depth-estimation",
    "image-generator": "unconditional-image-generation",
    "image-style-transfer": "image-to-image",
    "image-deblurring": "image-to-image",
    "image-dehazing": "image-to-image",
    "image-denoising": "image-to-image",
    "image-deraining": "image-to-image",
    "image-enhancement": "image-to-image",
    "image-extrapolation": "image-to-image",
    "image-super-resolution": "image-to-image",
    "image-text-recognition": "image-to-text",
    "video-classification": "video-classification",
    "text-embedding": "feature-extraction",
    "audio-embedding": "feature-extraction",
    "text-classification": "text-classification",
    "text-generation": "text-generation",
    "text-question-answering": "question-answering",
    "text-retrieval-question-answering": "text-retrieval",
    "audio-event-classification": "audio-classification",
    "audio-command-detection": "audio-classification",
    "audio-paralinguistics": "audio-classification",
    "audio-stt": "automatic-speech-recognition",
    "audio-speech-synthesis": "text-to-speech",
    "text-to-mel": "text-to-speech",
}
"""TF Hub's tasks as pipeline tags; what has no tag of that meaning keeps TF Hub's word alone.

`text-language-model` has none: it holds causal models, masked ones, and some of proteins.
"""


def read_checkout(root: Path) -> list[Fields]:
    """Return the entries of a checkout, in the order of their pages' paths."""
    found: list[Fields] = []
    for page in sorted((root / PAGES).rglob("*.md")):
        text = page.read_text("utf-8")
        first = _FIRST.match(text.partition("\n")[0].replace(_NOT_WRITTEN, ""))
        if first is None:
            continue
        entry: Fields = {"kind": first[1], "handle": first[2]}
        for name, value in _FACT.findall(text):
            entry.setdefault(name, []).append(value)
        if entry not in found[-1:]:
            found.append(entry)
    return found


def emit(document: Any, read: Read) -> Iterator[dict[str, Any]]:
    """Emit header and one line for each module, Lite, TF.js and Coral model.

    A child has its parent's tasks, languages, architecture and data, but not its licence, which
    the parent's page states for the parent's files. Where the parent is a placeholder, which is
    nowhere to be had, the child keeps what it says and has no parent.
    """
    found = entries(document, "kind", "handle")
    yield header(CATALOGUE, UPSTREAM, commit(document), read)
    pages = _pages(found)
    for entry in found:
        if entry["kind"] in _PREFIX:
            yield _line(entry, pages)


def _line(entry: Fields, pages: dict[str, Fields]) -> dict[str, Any]:
    """Return the line of one entry."""
    kind = entry["kind"]
    parent = None if kind == "Module" else _parent(entry, pages)
    about = parent or entry
    frameworks, loaders = _RUNS[kind]
    facts = {
        "kind": kind,
        "tasks": ", ".join(about.get("task", ())),
        "dataset": ", ".join(about.get("dataset", ())),
        "fine_tunable": _one(entry, "fine-tunable"),
    }
    if kind != "Module" and (parent is None or parent["kind"] not in _PREFIX):
        facts["made_of"] = _one(entry, "parent-model")
    return {
        "kind": "source",
        "catalogue": CATALOGUE,
        "handle": str(_handle(entry)),
        "name": entry["handle"],
        "architecture": ", ".join(about.get("network-architecture", ())) or None,
        "parent": str(_handle(parent)) if parent and parent["kind"] in _PREFIX else None,
        "tasks": [_TASKS[task] for task in about.get("task", ()) if task in _TASKS],
        "languages": about.get("language", []),
        "frameworks": frameworks,
        "loaders": loaders,
        "formats": [_CHILD_FORMS.get(kind) or _FORMS[entry["format"][0]]],
        "url": next((url for url in entry["asset-path"] if "://" in url), None),
        "licence": _one(entry, "license"),
        "facts": {name: said for name, said in facts.items() if said},
    }


def _handle(entry: Fields) -> Handle:
    """Return the handle of an entry: its address, the version as revision."""
    publisher, _, rest = entry["handle"].partition("/")
    name, _, version = rest.rpartition("/")
    return Handle(CATALOGUE, f"{publisher}/{_PREFIX[entry['kind']]}{name}", version)


def _pages(found: list[Fields]) -> dict[str, Fields]:
    """Return what a child can name as its parent: modules first, else placeholders.

    Some children leave the version out; theirs is the one that there is.
    """
    pages: dict[str, Fields] = {}
    versions: dict[str, set[str]] = {}
    for kind in ("Placeholder", "Module"):
        for entry in found:
            if entry["kind"] == kind:
                pages[entry["handle"]] = entry
                versions.setdefault(entry["handle"].rpartition("/")[0], set()).add(entry["handle"])
    for name, those in versions.items():
        if len(those) == 1:
            pages.setdefault(name, pages[next(iter(those))])
    return pages


def _parent(entry: Fields, pages: dict[str, Fields]) -> Fields | None:
    return pages.get(_one(entry, "parent-model") or "")


def _one(entry: Fields, field: str) -> str | None:
    """Return the value of a field that stands once."""
    values = entry.get(field) or [None]
    return None if values[0] is None else str(values[0])
