"""Write the lines of a snippet that say where the model is, and which ids it is given.

Keys of a locator, all optional: `path` (local file or directory), `repo_id`; or the parts of a
handle `hub`, `locator`, `subfolder`, `format`; with either `revision`. `token_facts` (the
worker's fact of that name, a mapping or its JSON) and `recipe` make the ids those of a recorded
attempt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caniload.loaders.smoke import artefact, inputs

DEFAULT_SEED = 20260101
"""The seed of `records.Recipe`, which snippets must not import; a test holds them equal."""


@dataclass(frozen=True)
class Place:
    """Hold the lines that set `path`, and the arguments that name a revision on a hub."""

    lines: tuple[str, ...]
    revision: str | None = None
    subfolder: str | None = None

    @property
    def options(self) -> str:
        """Keyword arguments of `from_pretrained` after the path, with a leading comma."""
        parts = {"revision": self.revision, "subfolder": self.subfolder}
        return "".join(f', {name}="{value}"' for name, value in parts.items() if value)


def place(locator: Mapping[str, Any], default: str = "path/to/model") -> Place:
    """Return the lines that set `path` for a locator."""
    hub, name = locator.get("hub"), locator.get("locator")
    sub, revision = locator.get("subfolder"), locator.get("revision")
    if locator.get("path"):
        return Place((f"path = {_text(locator['path'])}",))
    if locator.get("repo_id") or hub == "hf":
        repo = locator.get("repo_id") or name
        return Place((f"path = {_text(repo)}",), revision, sub)
    if hub == "pypi" and name:
        pin = f"=={revision}" if revision else ""
        inside = _text(sub or str(name).replace("-", "_"))
        return Place(
            (
                f"from importlib.metadata import distribution  # pip install {name}{pin}",
                "",
                f"path = str(distribution({_text(name)}).locate_file({inside}))",
            )
        )
    if hub == "file" and name:
        return Place((f"path = {_text(name)}",))
    if hub == "url" and name:
        target = str(name).rpartition("/")[2] or default
        return Place((f"path = {_text(target)}  # downloaded from {name}",))
    return Place((f"path = {_text(default)}",))


def file(locator: Mapping[str, Any], default: str) -> Place:
    """Return the lines that set `path` to one file: the only one in a local directory."""
    path = locator.get("path")
    if path and Path(path).is_dir():
        found = sorted(each for each in Path(path).rglob(f"*{Path(default).suffix}"))
        return place({"path": found[0] if found else Path(path) / default})
    if path or locator.get("hub") in ("file", "url"):
        return place(locator, default)
    return Place((f"path = {_text(default)}  # the downloaded or exported file",))


def fetched(found: Place) -> tuple[str, ...]:
    """Return the lines that set `path` to a local directory, for libraries that need one."""
    if found.revision is None:
        return found.lines
    head, _, repo = found.lines[-1].partition(" = ")
    sub = f' + "/{found.subfolder}"' if found.subfolder else ""
    return (
        "from huggingface_hub import snapshot_download",
        "",
        f'{head} = snapshot_download({repo}, revision="{found.revision}"){sub}',
    )


def token_ids(locator: Mapping[str, Any]) -> tuple[list[list[int]], list[list[int]]]:
    """Return the ids and mask that the worker uses for the same artefact and recipe."""
    recipe = locator.get("recipe") or {}
    facts = token_facts(locator)
    batch, length = inputs.token_shape(recipe, facts)
    seed = int(recipe.get("seed", DEFAULT_SEED))
    ids, mask = inputs.token_rows(facts, batch, length, seed)
    return ids, mask


def token_facts(locator: Mapping[str, Any]) -> inputs.TokenFacts:
    """Return what is known of the vocabulary: recorded, read from the files, or a safe range."""
    given = locator.get("token_facts")
    if given:
        return inputs.TokenFacts(**(json.loads(given) if isinstance(given, str) else given))
    path = locator.get("path")
    found = artefact.token_facts(Path(path)) if path and Path(path).exists() else None
    return found or inputs.TokenFacts(vocab_size=2 * inputs.LOWEST_ID + 1)


def class_name(locator: Mapping[str, Any], hints: Mapping[str, Any], default: str) -> str:
    """Return the class to load with: the entry's hint, the configuration's, or the default."""
    named = hints.get("class")
    path = locator.get("path")
    if not named and path and Path(path).exists():
        named = next(iter(artefact.config(Path(path)).get("architectures") or []), None)
    return str(named) if named and str(named).isidentifier() else default


def rows(name: str, values: list[list[int]], before: str, after: str) -> list[str]:
    """Write a matrix of integers as a literal, one row a line."""
    inner = ",\n".join(f"    {row}" for row in values)
    return [f"{name} = {before}[\n{inner},\n]{after}"]


def mask_rows(name: str, mask: list[list[int]], before: str, after: str) -> list[str]:
    """Write a mask as sums of repeated ones and zeros, which reads shorter."""
    parts = []
    for row in mask:
        real, padded = sum(row), len(row) - sum(row)
        parts.append(f"[1] * {real}" + (f" + [0] * {padded}" if padded else ""))
    return [f"{name} = {before}[{', '.join(parts)}]{after}"]


def code(*blocks: str | Sequence[str]) -> str:
    """Join lines and lists of lines; the snippet ends with a newline."""
    lines: list[str] = []
    for block in blocks:
        lines += [block] if isinstance(block, str) else block
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    """Write a string literal, in double quotes."""
    return json.dumps(str(value), ensure_ascii=False)
