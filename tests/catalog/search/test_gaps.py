"""A gap is a result that contradicts what is stated of that very source, and nothing else."""

from __future__ import annotations

import pytest

from caniload.catalog import gaps
from caniload.catalog.store import Store
from caniload.words import Verdict


def _disputed(shipped: Store) -> set[tuple[str, str, str]]:
    """All results of pretrained weights whose source somebody stated something of, by hand."""
    return {
        (source, loader, framework)
        for source, loader, framework in shipped.direct(
            "SELECT DISTINCT source, loader, framework FROM store.cell_verdicts "
            "WHERE kind = 'attempt' AND parent_observation IS NULL AND weights = 'pretrained'"
        )
    }


def test_every_gap_names_its_evidence_and_what_it_contradicts(shipped: Store) -> None:
    found = gaps.gaps(shipped)
    assert found
    for gap in found:
        assert gap.cell.observation_id
        assert gap.statements
        assert (gap.cell.source, gap.cell.loader, gap.cell.framework) in _disputed(shipped)
        stated = {said.framework for said in gap.statements}
        if gap.way == "unclaimed":
            assert gap.cell.verdict is Verdict.WORKS
            assert gap.cell.framework not in stated
        else:
            assert gap.cell.verdict in (Verdict.FAILS, Verdict.DIFFERS, Verdict.FLAKY)
            assert stated == {gap.cell.framework}
            assert {said.loader for said in gap.statements} <= {None, gap.cell.loader}


def test_what_works_unclaimed_is_minilm_in_jax_and_filters_hold(shipped: Store) -> None:
    found = gaps.gaps(shipped, "minilm", framework="jax", way="unclaimed")
    assert {(gap.model, gap.cell.loader) for gap in found} >= {("all-minilm-l6-v2", "transformers")}
    assert gaps.gaps(shipped, "minilm", framework="jax", way="claimed") == ()
    assert gaps.gaps(shipped, "minilm", framework="pytorch", way="unclaimed") == ()
    assert {gap.cell.source.partition(":")[0] for gap in gaps.gaps(shipped, hub="pypi")} <= {"pypi"}


def test_a_failure_against_a_claim_is_a_gap(
    shipped: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped cells, with a claim about one that fails: the gap appears, and goes with it."""
    source, loader, framework, environment = shipped.direct(
        "SELECT source, loader, framework, environment FROM store.cell_verdicts "
        "WHERE kind = 'attempt' AND parent_observation IS NULL AND weights = 'pretrained' "
        "GROUP BY ALL HAVING bool_and(verdict = 'fails') ORDER BY ALL LIMIT 1"
    )[0]
    said = gaps.Statement(framework, loader, "It loads.", "https://example.org", None, None)
    monkeypatch.setattr(gaps, "_stated", lambda *_: {source: (said,)})
    found = gaps.gaps(shipped, source, environment=environment, way="claimed")
    assert [(gap.cell.loader, gap.statements) for gap in found] == [(loader, (said,))]
    other = gaps.Statement(framework, "another", "It loads.", "https://example.org", None, None)
    monkeypatch.setattr(gaps, "_stated", lambda *_: {source: (other,)})
    assert gaps.gaps(shipped, source, environment=environment, way="claimed") == ()


def test_what_is_stated_is_found_by_the_order_of_handles_as_by_taking_each_apart(
    shipped: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [source for (source,) in shipped.direct(
        "SELECT DISTINCT regexp_replace(handle, '[@#].*$', '') FROM store.imported_sources "
        "ORDER BY hash(handle) LIMIT 60"
    )]  # fmt: skip
    monkeypatch.setattr(gaps, "_FEW", len(sources) * 100)
    ordered = gaps._stated(shipped, sources)
    monkeypatch.setattr(gaps, "_FEW", 0)
    apart = gaps._stated(shipped, sources)
    assert ordered.keys() == apart.keys() != set()
    assert {key: set(said) for key, said in ordered.items()} == {
        key: set(said) for key, said in apart.items()
    }
