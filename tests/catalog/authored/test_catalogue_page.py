"""The entries that the documentation shows are entries that lint accepts."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import yaml

from caniload.catalog import lint

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"


def test_examples_are_clean_entries(tmp_path: Path) -> None:
    kinds = ("models", "datasets", "tools")
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    examples = [block for block in blocks if block.startswith("id: ")]
    assert len(examples) == len(kinds)
    for kind, text in zip(kinds, examples, strict=True):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{yaml.safe_load(text)['id']}.yaml").write_text(text)
    # The example's family is an entry of the shipped catalogue.
    (tmp_path / "models" / "bert.yaml").write_text(
        "id: bert\nname: BERT\nfamily: bert\ntasks: [fill-mask]\nlicence: unknown\n"
        "about: A stand-in.\none_hub: A stand-in.\nsources: [{handle: 'hf:example/bert'}]\n"
        "cites: [{page: 'https://example.org', read: 2026-11-23, says: nothing}]\n"
    )
    assert [str(p) for p in lint.run(tmp_path, date(2026, 11, 24)).problems] == []
