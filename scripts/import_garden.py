"""Write caniload/data/packages/garden.json from a wheel of tf-models-official.

    pip download --no-deps tf-models-official
    python scripts/import_garden.py path/to/tf_models_official-….whl [YYYY-MM-DD]

Nothing is imported: the names that the package registers with `register_config_factory`
(official/core/exp_factory.py) are read from the syntax tree. Registrations whose name is not
written out are counted, not guessed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import zipfile
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

TABLE = Path(__file__).parent.parent / "caniload/data/packages/garden.json"


def main(wheel: str, read: str | None = None) -> int:
    """Read the wheel and write the table; the same input gives the same bytes."""
    entries: dict[str, dict[str, str]] = {}
    unread = 0
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
        for path in sorted(name for name in archive.namelist() if name.endswith(".py")):
            if path.endswith("_test.py") or "/testing/" in path:
                continue
            for name in registered(ast.parse(archive.read(path))):
                if name is None:
                    unread += 1
                else:
                    entries[name] = {"module": path.removesuffix(".py").replace("/", ".")}
    version = said["Version"]
    head = {
        "package": "tf-models-official",
        "version": version,
        "source": f"https://pypi.org/project/tf-models-official/{version}/, {Path(wheel).name}",
        "sha256": hashlib.sha256(Path(wheel).read_bytes()).hexdigest(),
        "licence": said["License-Expression"] or said["License"],
        "read": read or datetime.now(UTC).date().isoformat(),
        "unread": unread,
    }
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)
    )
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    TABLE.write_text(f'{opening},\n "entries": {{\n{lines}\n }}\n}}\n', "utf-8")
    return 0


def registered(tree: ast.Module) -> list[str | None]:
    """Return the names that a module's decorators register; None for one not written out."""
    found: list[str | None] = []
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(
                "register_config_factory"
            ):
                given = mark.args[0] if mark.args else None
                named = isinstance(given, ast.Constant) and isinstance(given.value, str)
                found.append(given.value if named else None)  # type: ignore[union-attr]
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
