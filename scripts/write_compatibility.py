"""Write docs/compatibility.md from the evidence that comes with caniload; --check tells drift."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "compatibility.md"
HEAD = """# Compatibility

What was measured, and nothing else. `scripts/write_compatibility.py` writes this page from the
evidence that comes with caniload (`caniload/data/evidence`), and a test holds them equal.
[Concepts](concepts.md) says what each verdict means; a number is the relative RMS distance from
the reference of that model. Everything here was measured by the project itself on a CPU.
"""
SWEEPS = """## Architectures with random weights

Every architecture below 100 M parameters that a library lists was attempted by `caniload sweep`.
What was left out, by reason, and the library's own count stand in `caniload/data/sweeps`; each
failure that no rule explains has a line there on what it is.
"""


def sections() -> list[str]:
    """Return the head and, for each model and sweep with evidence, a heading and a marker."""
    from caniload.catalog.store import open_store
    from caniload.settings import Settings

    with open_store(Settings.read()) as store:
        models = store.sql(
            "SELECT DISTINCT v.model, m.name, m.about FROM cell_verdicts v "
            "JOIN models m ON m.id = v.model WHERE v.kind = 'attempt' ORDER BY lower(m.name)"
        )
        swept = store.sql(
            "SELECT DISTINCT loader, framework FROM cell_verdicts "
            "WHERE weights = 'random' AND coalesce(options::VARCHAR, '{}') = '{}' ORDER BY ALL"
        )
    parts = [HEAD]
    for model, name, about in models:
        marker = f"<!-- caniload:begin matrix model={model} -->\n<!-- caniload:end -->"
        parts.append(f"## {name}\n\n{about}\n\n{marker}\n")
    if swept:
        parts.append(SWEEPS)
    for loader, framework in swept:
        options = f"loader={loader} framework={framework}"
        marker = f"<!-- caniload:begin architectures {options} -->\n<!-- caniload:end -->"
        parts.append(f"### {loader}, {framework}\n\n{marker}\n")
    return parts


def page() -> str:
    """Return the whole page, its tables filled."""
    from caniload.catalog.store import open_store
    from caniload.publish import documents, evidence
    from caniload.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "compatibility.md"
        draft.write_text("\n".join(sections()), encoding="utf-8")
        with open_store(Settings.read()) as store:
            return documents.read(draft, evidence.source(store)).after


def main() -> int:
    """Write the page from a fresh home, or compare it."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CANILOAD_HOME"] = home
        text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write("docs/compatibility.md drifted; run scripts/write_compatibility.py\n")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
