"""How answers read as JSON: one document, the same from the command line and the service.

On the query path: standard library only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
"""Of the JSON documents; a field may be added under one version, never removed or renamed."""


def document(
    kind: str,
    data: object,
    beside: Iterable[str] = (),
    also: Mapping[str, object] | None = None,
) -> str:
    """Return one JSON document as text; NaN and infinities become strings, times end in Z."""
    made = plain(data)
    body = headed(kind, made) | {name: made[name] for name in beside} | plain(dict(also or {}))
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def headed(kind: str, made: Any) -> dict[str, Any]:
    """Return the document around what `plain` made: its kind, its version, its data."""
    return {"caniload": kind, "schema_version": SCHEMA_VERSION, "data": made}


def plain(value: Any) -> Any:
    """Turn dataclasses, enums, paths, times and odd floats into what JSON can hold."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _odd(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    return str(value)


def _odd(value: float) -> str:
    """Name a float that JSON cannot hold."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def moment(value: datetime) -> str:
    """Write a moment in UTC, as `2026-11-21T08:15:00Z`; a naive one is taken as UTC."""
    from datetime import UTC

    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")
