"""History: ranges over versions with their gaps, and what turned over time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caniload.catalog import history as asked
from caniload.catalog.store import open_store
from caniload.errors import UnknownNameError

GONE = ("builtins.ImportError", "cannot import name because incompatible")


@pytest.fixture
def tell(home):
    def ask(model: str = "tiny", **limits: Any) -> asked.History:
        with open_store(home) as store:
            return asked.history(store, model, **limits)

    return ask


def _at(evidence, version: str, outcome: str = "passed", **change: Any) -> dict[str, Any]:
    versions = {"torch": "2.13.0", "transformers": version} | change.pop("versions", {})
    return evidence.observe(outcome, versions=versions, **change)


def _spans(series: asked.Series) -> list[tuple[str, str, str]]:
    return [(span.result, span.first, span.last) for span in series.spans]


def test_ranges_follow_versions_and_not_letters_and_say_what_lies_between(evidence, tell):
    evidence.run(
        _at(evidence, "4.30.0"),
        _at(evidence, "4.9.2"),
        _at(evidence, "4.52.4"),
        _at(evidence, "4.56.0rc1", "failed", error=GONE),
        _at(evidence, "5.0.0", "failed", error=GONE),
    )
    (series,) = tell(package="transformers").series
    assert series.package == "transformers"
    assert series.beside == {"torch": "2.13.0"}
    assert _spans(series) == [("works", "4.9.2", "4.52.4"), ("fails", "4.56.0rc1", "5.0.0")]
    assert [gap.releases for gap in series.gaps] == [None]
    assert series.spans[0].untested is None
    assert [point.prerelease for point in series.spans[1].points] == [True, False]
    assert series.spans[1].reason == "tests.incompatible"


def test_a_registry_s_list_that_a_bisection_recorded_names_what_was_not_tested(
    evidence, tell, home
):
    evidence.run(
        _at(evidence, "4.50.0"),
        _at(evidence, "4.52.0"),
        _at(evidence, "4.54.0", "failed", error=GONE),
        _at(evidence, "4.55.0", "failed", error=GONE),
    )
    folder = home.home / "bisections"
    folder.mkdir(parents=True)
    listed = ["4.50.0", "4.51.0", "4.52.0", "4.53.0", "4.53.1", "4.54.0", "4.55.0"]
    record = {"package": "transformers", "listed": listed}
    (folder / "one.json").write_text(json.dumps(record))
    (folder / "torn.json").write_text('{"package": "transf')
    (series,) = tell(package="transformers").series
    assert [span.untested for span in series.spans] == [("4.51.0",), ()]
    assert [gap.releases for gap in series.gaps] == [("4.53.0", "4.53.1")]


def test_failures_for_another_reason_are_another_range(evidence, tell):
    evidence.run(
        _at(evidence, "4.0", "failed", error=GONE),
        _at(evidence, "5.0", "failed", error=("builtins.KeyError", "'nobody knows 17'")),
        _at(evidence, "5.1", "failed", error=("builtins.KeyError", "'nobody knows 18'")),
    )
    (series,) = tell(package="transformers").series
    results = [(span.result, span.first, span.last) for span in series.spans]
    # Without a diagnosis, and not repeated beside controls, nothing is said to fail.
    assert results == [("fails", "4.0", "4.0"), ("undiagnosed failure", "5.0", "5.1")]
    assert "KeyError" in series.spans[1].title


def test_what_moves_beside_the_package_begins_another_series(evidence, tell):
    evidence.run(
        _at(evidence, "4.0"),
        _at(evidence, "4.1"),
        _at(evidence, "4.2", versions={"torch": "2.12.0"}),
        _at(evidence, "4.3", "not_installed"),
        _at(evidence, "4.4", device="cuda"),
    )
    found = tell()
    assert [_spans(series) for series in found.series] == [[("works", "4.0", "4.1")]]
    assert {(s.device, s.beside["torch"]) for s in found.still} == {
        ("cpu", "2.12.0"),
        ("cuda", "2.13.0"),
    }


def test_attempts_that_disagree_make_a_version_flaky_and_show_when_it_turned(evidence, tell):
    evidence.run(_at(evidence, "4.0"), _at(evidence, "4.1"))
    evidence.run(_at(evidence, "4.1", "failed", error=GONE))
    found = tell()
    (series,) = found.series
    assert _spans(series) == [("works", "4.0", "4.0"), ("flaky", "4.1", "4.1")]
    ((before, after),) = found.turned
    assert (before.result, after.result) == ("works", "flaky") or after.reason
    assert before.measured_at < after.measured_at


def test_what_counts_for_nothing_is_not_history(evidence, tell):
    evidence.run(
        _at(evidence, "4.0"),
        _at(evidence, "4.1"),
        _at(evidence, "5.0", "failed", error=GONE, settled="harness_error"),
        _at(evidence, "5.1", "harness_error"),
    )
    (series,) = tell().series
    assert _spans(series) == [("works", "4.0", "4.1")]


def test_random_weights_are_never_works(evidence, tell):
    from caniload.records import Recipe

    recipe = Recipe(name="tokens", weights="random")
    evidence.run(_at(evidence, "4.0", recipe=recipe), _at(evidence, "4.1", recipe=recipe))
    (series,) = tell().series
    assert {span.result for span in series.spans} == {"runs with random weights"}


def test_a_model_that_nobody_knows_is_told(evidence, tell):
    with pytest.raises(UnknownNameError):
        tell("nobody")
