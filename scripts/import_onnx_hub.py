"""Write caniload/data/packages/onnx_hub.json from a checkout's ONNX_HUB_MANIFEST.json.

    python scripts/import_onnx_hub.py path/to/ONNX_HUB_MANIFEST.json COMMIT [YYYY-MM-DD]

COMMIT is the full commit of https://github.com/onnx/models that the manifest was read at, the
day is when it was read. Only facts are taken: path, name, opset, size, sha256, tags.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

TABLE = Path(__file__).parent.parent / "caniload/data/packages/onnx_hub.json"


def main(manifest: str, commit: str, read: str | None = None) -> int:
    """Read the manifest and write the table; the same input gives the same bytes."""
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        print(f"{commit!r} is not a full commit", file=sys.stderr)  # noqa: T201
        return 2
    entries = {}
    for entry in json.loads(Path(manifest).read_text("utf-8")):
        facts = entry["metadata"]
        entries[entry["model_path"]] = {
            "model": entry["model"],
            "opset": entry["opset_version"],
            "sha256": facts["model_sha"],
            "size_bytes": facts["model_bytes"],
            "tags": facts.get("tags", []),
        }
    head = {
        "package": "onnx_hub",
        "version": commit,
        "source": "https://github.com/onnx/models, ONNX_HUB_MANIFEST.json",
        "licence": "Apache-2.0",
        "read": read or datetime.now(UTC).date().isoformat(),
    }
    lines = ",\n".join(
        f"  {json.dumps(path)}: {json.dumps(entries[path])}" for path in sorted(entries)
    )
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    TABLE.write_text(f'{opening},\n "entries": {{\n{lines}\n }}\n}}\n', "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
