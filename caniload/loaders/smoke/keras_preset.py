"""Read a KerasHub preset directory, and what a backbone says of its own inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import converted, weights
from .inputs import TokenFacts
from .signature import Declared

FORMAT = "keras-preset"

_ROLES = {"cls_id": "[CLS]", "sep_id": "[SEP]", "pad_id": "[PAD]"}


def declared(model: Any) -> list[Declared]:
    """Return the inputs of a functional model by the names that its call takes.

    A model with one unnamed input has it under the name that Keras gave the tensor.
    """
    given = model.input
    named = given if isinstance(given, dict) else {item.name: item for item in _listed(given)}
    return [
        Declared(name, tuple(item.shape), "bool" if item.dtype == "bool" else str(item.dtype))
        for name, item in named.items()
    ]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def token_facts(model: Any, home: Path) -> TokenFacts | None:
    """Return what token inputs depend on: the backbone's configuration, the vocabulary's marks."""
    config = model.get_config()
    size, longest = config.get("vocabulary_size"), config.get("max_sequence_length")
    if not isinstance(size, int) or size < 2:
        return None
    lines: list[str] = []
    vocabulary = home / "assets" / "tokenizer" / "vocabulary.txt"
    if vocabulary.is_file():
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
    ids = {role: lines.index(mark) for role, mark in _ROLES.items() if mark in lines}
    return TokenFacts(
        vocab_size=size,
        cls_id=ids.get("cls_id"),
        sep_id=ids.get("sep_id"),
        pad_id=ids.get("pad_id", 0),
        max_length=longest if isinstance(longest, int) and longest > 1 else None,
    )


def digests(home: Path, form: str | None) -> dict[str, str]:
    """Return the digest of every tensor in the artefact: a preset's HDF5 files, or a checkpoint."""
    if form != FORMAT:
        return weights.digests(weights.stored(home, form))
    files = sorted(home.glob("model*.weights.h5"))
    return {
        f"{file.name}/{name}": found
        for file in files
        for name, found in converted.hdf5(file).items()
    }
