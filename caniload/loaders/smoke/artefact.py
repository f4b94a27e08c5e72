"""Read from an artefact's own files what inputs and checks depend on, standard library only."""

from __future__ import annotations

import hashlib
import json
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

from .inputs import TokenFacts


def root(job: dict[str, Any]) -> Path:
    """Return where the artefact lies: a directory, or one file.

    What a library builds by name has no files: its place is an empty directory.
    """
    found = job.get("artefact")
    return Path(found["root"]) if found else Path(_nowhere())


@cache
def _nowhere() -> str:
    return tempfile.mkdtemp(prefix="no-artefact-")


def folder(job: dict[str, Any]) -> Path:
    """Return the directory of the artefact, also where it is one file."""
    path = root(job)
    return path if path.is_dir() else path.parent


def transformer_dir(path: Path) -> Path:
    """Return the directory of the Hugging Face model, following modules.json where it is said."""
    if (path / "config.json").is_file() or not (path / "modules.json").is_file():
        return path
    for module in read_json(path / "modules.json"):
        if str(module.get("type", "")).rpartition(".")[2] == "Transformer":
            return path / str(module.get("path", ""))
    return path


def read_json(path: Path) -> Any:
    """Read a JSON file; returns {} where there is none. What is returned is not to be changed.

    A file is read once for as long as it stays the same: a tokenizer's takes some milliseconds,
    and is asked for by inputs and checks alike.
    """
    try:
        stat = path.stat()
    except OSError:
        return {}
    return _parsed(path, stat.st_mtime_ns, stat.st_size) if S_ISREG(stat.st_mode) else {}


@lru_cache(maxsize=16)
def _parsed(path: Path, _mtime_ns: int, _size: int) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def config(path: Path) -> dict[str, Any]:
    """Return the Hugging Face configuration of a directory, or {}."""
    found = read_json(transformer_dir(path) / "config.json")
    return found if isinstance(found, dict) else {}


def token_facts(path: Path) -> TokenFacts | None:
    """Return what token inputs depend on, or None where no configuration names a vocabulary."""
    home = transformer_dir(path)
    settings = config(path)
    text = settings.get("text_config")
    nested = text if isinstance(text, dict) else {}
    size = settings.get("vocab_size") or nested.get("vocab_size")
    if not isinstance(size, int) or size < 2:
        return None
    names = {**special_names(home, "special_tokens_map.json")}
    names.update(special_names(home, "tokenizer_config.json"))
    table = special_ids(home, set(names.values()))
    found = {role: table.get(name) for role, name in names.items()}
    longest = settings.get("max_position_embeddings") or nested.get("max_position_embeddings")
    pad = found.get("pad_token")
    if pad is None:
        pad = settings.get("pad_token_id")

    def inside(value: Any) -> int | None:
        return value if isinstance(value, int) and 0 <= value < size else None

    return TokenFacts(
        vocab_size=size,
        cls_id=inside(found.get("cls_token")),
        sep_id=inside(found.get("sep_token")),
        pad_id=inside(pad) or 0,
        max_length=longest if isinstance(longest, int) and longest > 1 else None,
    )


def special_names(home: Path, file: str) -> dict[str, str]:
    """Return the special tokens that a tokenizer's file names: role to token."""
    found = read_json(home / file)
    names: dict[str, str] = {}
    for role in ("cls_token", "sep_token", "pad_token"):
        value = found.get(role) if isinstance(found, dict) else None
        value = value.get("content") if isinstance(value, dict) else value
        if isinstance(value, str):
            names[role] = value
    return names


def special_ids(home: Path, names: set[str]) -> dict[str, int]:
    """Return the ids of special tokens, from vocab.txt or the added tokens of tokenizer.json."""
    table: dict[str, int] = {}
    if (home / "tokenizer.json").is_file():
        for token in read_json(home / "tokenizer.json").get("added_tokens") or []:
            table[str(token.get("content"))] = int(token.get("id"))
    elif (home / "vocab.txt").is_file():
        lines = (home / "vocab.txt").read_text(encoding="utf-8").splitlines()
        table = {token: index for index, token in enumerate(lines) if token in names}
    return table


def safetensors_files(home: Path, variant: str | None = None) -> list[Path]:
    """Return the safetensors files of a model in one directory, all shards of an index."""
    return weight_files(home, "model", "safetensors", variant)


def pickle_files(home: Path, variant: str | None = None) -> list[Path]:
    """Return the PyTorch state dicts of a model in one directory, all shards of an index."""
    return weight_files(home, "pytorch_model", "bin", variant)


def weight_files(home: Path, stem: str, suffix: str, variant: str | None) -> list[Path]:
    """Return a model's one weight file in a directory, or the shards that its index names."""
    dotted = f".{variant}" if variant else ""
    single = home / f"{stem}{dotted}.{suffix}"
    if single.is_file():
        return [single]
    index = home / f"{stem}.{suffix}.index{dotted}.json"
    names = sorted(set(read_json(index).get("weight_map", {}).values()))
    return [home / name for name in names]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def listing(path: Path) -> list[dict[str, Any]]:
    """List the files below a directory: relative path, size and SHA-256, sorted by path."""
    return [
        {
            "path": file.relative_to(path).as_posix(),
            "size_bytes": file.stat().st_size,
            "sha256": sha256(file),
        }
        for file in sorted(path.rglob("*"))
        if file.is_file()
    ]
