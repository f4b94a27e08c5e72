"""Write a package's table into the data that caniload ships; used by the `import_*` scripts."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "caniload" / "data" / "packages"


def write(package: str, version: str, entries: Mapping[str, Mapping[str, object]]) -> None:
    """Write ``<package>.json``, one line an entry; a table that says the same stays as it is."""
    path = FOLDER / f"{package}.json"
    head: dict[str, object] = {
        "package": package,
        "version": version,
        "source": f"pypi:{package}@{version}",
        "read": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    if path.is_file():
        old = json.loads(path.read_text("utf-8"))
        said = {**head, "entries": json.loads(json.dumps(entries)), "read": old["read"]}
        if old == said:
            head["read"] = old["read"]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    tables = [f"{json.dumps(key)}: {_table(value)}" for key, value in entries.items()]
    lines.append('"entries": {\n' + ",\n".join(tables) + "\n}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    sys.stdout.write(f"{path.name}: {package} {version}\n")


def _table(rows: Mapping[str, object]) -> str:
    """Write a table with one line a row, sorted by name."""
    body = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}"
        for name, row in sorted(rows.items())
    )
    return f"{{\n{body}\n}}"


def declare_torchvision_ops() -> None:
    """Let torchvision be imported beside a PyTorch that its compiled operators do not fit.

    Only names and addresses are read from it, no operator is called.
    """
    import torch

    library = torch.library.Library("torchvision", "DEF")
    declare_torchvision_ops.library = library
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
