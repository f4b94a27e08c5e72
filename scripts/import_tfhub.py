"""Write caniload/data/packages/tfhub.json from a checkout of tensorflow/tfhub.dev.

    python scripts/import_tfhub.py path/to/tfhub.dev COMMIT [YYYY-MM-DD]

COMMIT is the full commit of the checkout, the day is when it was read. Only facts are taken:
the handle in each page's first line, its kind, format, parent and licence, and the README's list
of models that were deleted. Names are those of the addresses: a Lite model of `google` lies at
``google/lite-model/…`` (the checkout's tools/validator.py, `_TFHUB_MODEL_URL_PATTERN`).
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "caniload/data/packages/tfhub.json"
FIRST = re.compile(r"# (Module|Lite|Tfjs|Coral) ([\w.-]+)/(.+)/(\d+)\s*$")
FACT = re.compile(r"<!--\s*([\w-]+)\s*:\s*(.+?)\s*-->\s*$", re.MULTILINE)
DELETED = re.compile(r"^-\s+\[([^\]]+)\]\(https://github.com/tensorflow/tfhub.dev/", re.MULTILINE)
PREFIX = {"Module": "", "Lite": "lite-model/", "Tfjs": "tfjs-model/", "Coral": "coral-model/"}


def main(checkout: str, commit: str, read: str | None = None) -> int:
    """Read every page and write the table; the same input gives the same bytes."""
    root = Path(checkout)
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        print(f"{commit!r} is not a full commit", file=sys.stderr)  # noqa: T201
        return 2
    entries: dict[str, dict[str, Any]] = {}
    for page in sorted((root / "assets/docs").rglob("*.md")):
        text = page.read_text("utf-8")
        first = FIRST.match(text.partition("\n")[0])
        if first is None:
            continue
        kind, publisher, name, version = first.groups()
        facts = dict(FACT.findall(text))
        entry = entries.setdefault(f"{publisher}/{PREFIX[kind]}{name}", {"kind": kind})
        entry.setdefault("versions", {})[version] = facts.get("format")
        for key in ("parent-model", "license"):
            if key in facts:
                entry[key.replace("-model", "").replace("license", "licence")] = facts[key]
    deleted = DELETED.findall((root / "README.md").read_text("utf-8"))
    for name in deleted:
        entries.setdefault(name, {"kind": "Module", "versions": {}})["deleted"] = True
    for entry in entries.values():
        entry["versions"] = dict(sorted(entry["versions"].items(), key=lambda each: int(each[0])))
    head = {
        "package": "tfhub",
        "version": commit,
        "source": "https://github.com/tensorflow/tfhub.dev, assets/docs/**/*.md and README.md",
        "licence": "Apache-2.0",
        "read": read or datetime.now(UTC).date().isoformat(),
    }
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)
    )
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    TABLE.write_text(f'{opening},\n "entries": {{\n{lines}\n }}\n}}\n', "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
