"""sentence-transformers, host side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import hf_modules, places
from caniload.words import ArtefactClass


def snippet(locator: Mapping[str, Any], framework: str, hints: Mapping[str, Any]) -> str:
    """Write code that loads the encoder and embeds token ids; texts go through `encode`."""
    place = places.place(locator)
    ids, mask = places.token_ids(locator)
    revision = f', revision="{place.revision}"' if place.revision else ""
    return places.code(
        ["import torch", "from sentence_transformers import SentenceTransformer", ""],
        place.lines,
        f'model = SentenceTransformer(path{revision}, device="cpu")',
        places.rows("input_ids", ids, "torch.tensor(", ")"),
        places.mask_rows("attention_mask", mask, "torch.tensor(", ")"),
        "features = {'input_ids': input_ids, 'attention_mask': attention_mask}".replace("'", '"'),
        "with torch.no_grad():",
        '    output = model(features)["sentence_embedding"]  # of texts: model.encode([...])',
    )


SPEC = LoaderSpec(
    name="sentence-transformers",
    frameworks=("pytorch",),
    classes={"safetensors": ArtefactClass.DATA, "bin": ArtefactClass.DATA},
    packages={"pytorch": ("sentence-transformers", "transformers", "torch")},
    decisive={"pytorch": ("sentence-transformers", "transformers", "torch")},
    preload={"pytorch": ("torch", "sentence_transformers", *hf_modules.PRELOAD["pytorch"])},
    warm_modules=hf_modules.of_checkpoint,
    snippet=snippet,
    snippet_output="sentence_embedding",
    native_hint="Home of checkpoints with a modules.json.",
)
