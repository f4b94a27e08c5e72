"""The modules of transformers that loading a checkpoint imports: it imports them lazily."""

from __future__ import annotations

import json
from pathlib import Path

PRELOAD = {
    "pytorch": (
        "transformers.modeling_utils",
        "transformers.generation",
        "transformers.models.auto.modeling_auto",
        "transformers.models.auto.tokenization_auto",
        "transformers.tokenization_utils_tokenizers",
        "transformers.conversion_mapping:get_checkpoint_conversion_mapping(any)",
    ),
    "tensorflow": (
        "transformers.modeling_tf_utils",
        "transformers.models.auto.modeling_tf_auto",
        "transformers.models.auto.tokenization_auto",
    ),
    "jax": (
        "transformers.modeling_flax_utils",
        "transformers.models.auto.modeling_flax_auto",
        "transformers.models.auto.tokenization_auto",
    ),
}
"""Seen in `sys.modules` after a checkpoint was loaded, by framework; versions lack some. The
function called compiles the patterns by which transformers 5 renames tensors: a tenth of a second
that every load would pay."""

_PREFIX = {"pytorch": "modeling", "tensorflow": "modeling_tf", "jax": "modeling_flax"}


def of_checkpoint(root: Path, framework: str) -> tuple[str, ...]:
    """Return the module of the model type that a checkpoint's config.json names."""
    try:
        config = json.loads((root / "config.json").read_bytes())
        kind = str(config["model_type"]).replace("-", "_")
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    if not kind.isidentifier():
        return ()
    home = f"transformers.models.{kind}"
    return (f"{home}.{_PREFIX[framework]}_{kind}", f"{home}.tokenization_{kind}")
