"""Gaps with a limit are read in parts, in order of model, and no further than the limit."""

from __future__ import annotations

from caniload.catalog import gaps
from caniload.catalog.store import open_store

MODEL = ("ValueError", "it cannot be loaded because incompatible")


def test_parts_give_what_the_whole_gives_and_end_at_the_limit(evidence, home, monkeypatch):
    failed = {"outcome": "failed", "error": MODEL}
    sources = {"lonely": "hf:tiny/lonely", "tiny-bert": "hf:tiny/bert", None: "hf:a/nobody"}
    evidence.run(
        *(
            failed | {"model": model, "handle": f"{source}@{'a' * 40}", "device": device}
            for model, source in sources.items()
            for device in ("cpu", "cuda:0", "mps")
        ),
        {"outcome": "passed", "loader": "keras-hub", "framework": "jax", "model": "tiny-bert"},
    )
    said = (gaps.Statement("pytorch", None, "It loads.", "https://example.org", None, None),)
    asked = []
    monkeypatch.setattr(
        gaps, "_stated", lambda _, names: asked.append(names) or dict.fromkeys(names, said)
    )
    monkeypatch.setattr(gaps, "_AT_ONCE", 2)
    with open_store(home) as store:
        whole = gaps.gaps(store)
        assert [(gap.way, gap.model) for gap in whole] == [
            ("claimed", None),
            ("claimed", "lonely"),
            ("claimed", "tiny-bert"),
            ("unclaimed", "tiny-bert"),
        ]
        assert gaps.gaps(store, limit=9) == whole
        asked.clear()
        assert [gap.model for gap in gaps.gaps(store, limit=1)] == ["lonely"]
        assert asked == [["hf:tiny/lonely"]]
        assert [gap.way for gap in gaps.gaps(store, limit=9, way="unclaimed")] == ["unclaimed"]
