"""Write facts as JSON lines, a header first, each with what is known and no more."""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import Any


def emit(
    catalogue: str, package: str, facts: Iterable[dict[str, Any]], version: str | None = None
) -> None:
    """Write the header and the facts of one catalogue; the package names the version.

    While the facts are made, what libraries print goes to standard error.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)
    header = {
        "kind": "header",
        "catalogue": catalogue,
        "upstream": f"pypi:{package}",
        "version": version or version_of(package),
        "read": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }
    with out:
        for line in (header, *(_stated({"catalogue": catalogue, **fact}) for fact in facts)):
            out.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def version_of(package: str) -> str:
    """Return the public version of an installed package."""
    return metadata.version(package).partition("+")[0]


def source(handle: str, name: str, **known: Any) -> dict[str, Any]:
    """Return a line about one checkpoint, preset or experiment."""
    return {"kind": "source", "handle": handle, "name": name, **known}


def dataset(name: str, config: str | None = None, **known: Any) -> dict[str, Any]:
    """Return a line about a dataset, or about one configuration of it."""
    return {"kind": "dataset", "name": name, "config": config, **known}


def joined(numbers: Iterable[float]) -> str:
    """Write a few numbers as one fact."""
    return " ".join(str(number) for number in numbers)


def _stated(line: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known; facts and metrics too."""
    return {
        key: _stated(value) if isinstance(value, dict) else value
        for key, value in line.items()
        if value is not None and value != [] and value != {}
    }
