"""PyTorch Hub: the pages of pytorch/hub, and every entry point that they load.

Reads the front matter and the `torch.hub.load` calls of the root's `*.md`, in a checkout or as one
JSON document: `{"commit": …, "entries": [{"page", "title", "tags", "github", "loads", …}]}`, where
`loads` are pairs of repository (with `:ref`) and first argument as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caniload import yaml_text
from caniload.catalog.upstream.documents import Fields, Read, commit, entries, header
from caniload.handles import Handle

CATALOGUE = "pytorch-hub"
UPSTREAM = "github:pytorch/hub"

_FRONT = re.compile(r"---\n(.*?)\n---\s*\n", re.DOTALL)
_CALL = re.compile(
    r"torch\.hub\.load\(\s*(?:repo_or_dir\s*=\s*)?['\"]([\w./:-]+)['\"]\s*,"
    r"\s*(?:model\s*=\s*)?(?:['\"]([\w.-]+)['\"]|(\w+))"
)

_VARIABLES = {
    ("facebookresearch_pytorchvideo_x3d", "model_name"): ("x3d_s",),
    ("intelisl_midas_v2", "model_type"): ("DPT_Large", "DPT_Hybrid", "MiDaS_small"),
    ("pytorch_vision_once_for_all", "super_net_name"): (
        "ofa_supernet_mbv3_w10",
        "ofa_supernet_resnet50",
        "ofa_supernet_mbv3_w12",
        "ofa_supernet_proxyless",
    ),
    ("pytorch_vision_once_for_all", "net_config"): ("resnet50D_MAC_4_1B",),
    ("pytorch_vision_proxylessnas", "target_platform"): (
        "proxyless_cpu",
        "proxyless_gpu",
        "proxyless_mobile",
        "proxyless_mobile14",
    ),
}
"""Where a call names a variable: the values that the page gives it, or lists beside it.

Read in the pages at commit c7895df70c7767403e36f82786d6b611b7984557.
"""

_BY_KEYWORD = {
    "snakers4_silero-models_stt": (("snakers4/silero-models", "silero_stt"),),
    "snakers4_silero-models_tts": (("snakers4/silero-models", "silero_tts"),),
    "snakers4_silero-vad_vad": (("snakers4/silero-vad", "silero_vad"),),
}
"""Calls whose arguments have keywords, on pages for which the document has none; same commit."""


def read_checkout(root: Path) -> list[Fields]:
    """Return the pages of a checkout: what stands in its root and has a `github-id`."""
    found = []
    for page in sorted(root.glob("*.md")):
        text = page.read_text("utf-8")
        front = _FRONT.match(text)
        about = yaml_text.parse(front[1].encode()) if front else None
        if not isinstance(about, dict) or "github-id" not in about:
            continue
        calls = {(call[1], call[2] or call[3]) for call in _CALL.finditer(text)}
        found.append(
            {
                "page": page.stem,
                "title": about["title"],
                "tags": about.get("tags") or [],
                "github": about["github-id"],
                "accelerator": (about.get("accelerator") or "").strip("“”"),
                "loads": sorted(calls),
            }
        )
    return found


def emit(document: Any, read: Read) -> Iterator[dict[str, Any]]:
    """Emit header and one line for each entry point, with the pages that load it.

    Repositories are spelt as the page's `github-id` is, which the calls write in any case.
    Pages state a field (vision, nlp, audio) and no task, so that none is given.
    """
    found = entries(document, "page", "title", "github", "loads")
    yield header(CATALOGUE, UPSTREAM, commit(document), read)
    pages: dict[tuple[str, str], list[Fields]] = {}
    refs: dict[tuple[str, str], set[str]] = {}
    for page in found:
        for written, entry in _loads(page):
            repository, _, ref = written.partition(":")
            if repository.lower() == page["github"].lower():
                repository = page["github"]
            pages.setdefault((repository, entry), []).append(page)
            refs.setdefault((repository, entry), set()).update({ref} - {""})
    for (repository, entry), those in pages.items():
        yield _line(repository, entry, those, sorted(refs[repository, entry]))


def _loads(page: Fields) -> list[tuple[str, str]]:
    """Return the repositories and entry points that a page's calls name."""
    loads = [(str(repository), str(entry)) for repository, entry in page["loads"]]
    loads += _BY_KEYWORD.get(page["page"], ()) if not loads else ()
    return [
        (repository, name)
        for repository, entry in loads
        for name in _VARIABLES.get((page["page"], entry), (entry,))
    ]


def _line(repository: str, entry: str, pages: list[Fields], refs: list[str]) -> dict[str, Any]:
    """Return the line of one entry point."""
    tags = sorted({tag for page in pages for tag in page.get("tags", ())})
    facts = {
        "pages": ", ".join(page["page"] for page in pages),
        "tags": ", ".join(tags),
        "ref": ", ".join(refs),
        "accelerator": ", ".join(sorted({page.get("accelerator", "") for page in pages})),
    }
    return {
        "kind": "source",
        "catalogue": CATALOGUE,
        "handle": str(Handle("torchhub", f"{repository}/{entry}")),
        "name": entry,
        "architecture": pages[0]["title"] if len(pages) == 1 else None,
        "frameworks": ["pytorch"],
        "loaders": ["torch-hub"],
        "formats": ["torch-hub"],
        "facts": {name: said for name, said in facts.items() if said},
    }
