"""Read what the command line says of a recipe: options, and an adapter for a model's inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caniload.errors import BadInputError, UnreadableFileError

KINDS = ("noise", "audio", "image", "zeros", "ones", "wav", "text", "tokens", "value")
"""The kinds of input that the worker makes; `loaders.smoke.signature` says how."""

FIELDS = (
    "kind", "shape", "dtype", "value", "stream", "rate", "seconds", "pad_left", "range", "low",
    "high",
)  # fmt: skip


def options_of(texts: Sequence[str]) -> dict[str, Any]:
    """Read options such as ``compile=false``; values are JSON, or plain words."""
    options: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise BadInputError(f"{text!r} is not an option", "write --option compile=false")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def adapter_of(path: Path) -> dict[str, Any]:
    """Read an adapter's YAML: `inputs` by name, `outputs` renamed; raises an input error."""
    import yaml

    from caniload import yaml_text

    try:
        found = yaml_text.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(str(path), error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        why = f"not YAML: {' '.join(str(error).split())}"
        raise UnreadableFileError(str(path), why) from error
    if not isinstance(found, dict) or not found or set(found) - {"inputs", "outputs"}:
        raise BadInputError(
            f"{path.name} is no adapter", "it holds `inputs:` and, if need be, `outputs:`"
        )
    for name, spec in (found.get("inputs") or {}).items():
        _check(path.name, name, spec)
    outputs = found.get("outputs") or {}
    if not isinstance(outputs, dict) or not all(isinstance(v, str) for v in outputs.values()):
        raise BadInputError(f"{path.name}: outputs: maps a shared name to the model's own name")
    return found


def _check(file: str, name: object, spec: object) -> None:
    """Refuse a field or kind that nothing makes, naming it."""
    if not isinstance(spec, Mapping):
        raise BadInputError(f"{file}: inputs.{name}: is {spec!r}", "write {kind: …, shape: […]}")
    strange = sorted(set(spec) - set(FIELDS))
    if strange:
        raise BadInputError(
            f"{file}: inputs.{name}.{strange[0]}: is no field", f"fields: {', '.join(FIELDS)}"
        )
    kind = spec.get("kind", "value" if "value" in spec else "noise")
    if kind not in KINDS:
        raise BadInputError(
            f"{file}: inputs.{name}.kind: is {kind!r}", f"kinds: {', '.join(KINDS)}"
        )
