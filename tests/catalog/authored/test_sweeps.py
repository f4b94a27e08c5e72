"""The sweeps that come with caniload are whole: attempted or left out, explained or listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from caniload.catalog.store import open_store
from caniload.settings import Settings

SWEEPS = Path(__file__).parents[3] / "caniload" / "data" / "sweeps"
RECORDS = sorted(SWEEPS.glob("*.json"))

SWEPT = """
SELECT v.loader, v.framework, v.source, v.outcome, v.evidence, v.code, v.message FROM (
    SELECT c.*, o.evidence_level AS evidence, d.code FROM cell_verdicts c
    JOIN observations o ON o.id = c.observation_id
    LEFT JOIN diagnoses d ON d.observation_id = c.observation_id
) v WHERE v.weights = 'random' AND coalesce(v.options::VARCHAR, '{}') = '{}'
"""


def swept(settings: Settings) -> list[tuple[str, ...]]:
    with open_store(settings) as store:
        return store.sql(SWEPT)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_name_that_the_library_lists_is_attempted_or_left_out(
    path: Path, settings: Settings
) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    loader, framework = record["loader"], record["framework"]
    names = {
        source.partition(":")[2]
        for own, where, source, *_ in swept(settings)
        if (own, where) == (loader, framework)
    }
    left = [name for each in record["omitted"].values() for name in each]
    assert len(left) == len(set(left))
    assert names.isdisjoint(left)
    assert len(names) == record["attempted"]
    assert len(names) + len(left) == record["listed"]
    assert set(record["omitted"]) <= {"more parameters than asked for"}


def test_a_sweep_is_recorded_wherever_there_is_evidence_of_one(settings: Settings) -> None:
    found = {f"{loader}-{framework}" for loader, framework, *_ in swept(settings)}
    assert found == {path.stem for path in RECORDS}
    assert found


def test_random_weights_are_never_more_than_evidence_of_the_architecture(
    settings: Settings,
) -> None:
    levels = {evidence for *_, outcome, evidence, _, _ in swept(settings) if outcome == "passed"}
    assert levels == {"architecture"}
    with open_store(settings) as store:
        verdicts = store.sql("SELECT DISTINCT verdict FROM cell_verdicts WHERE weights = 'random'")
    assert {verdict for (verdict,) in verdicts}.isdisjoint({"works", "differs"})


def test_each_failure_without_a_diagnosis_has_a_line_on_what_it_is(settings: Settings) -> None:
    listed = yaml.safe_load((SWEEPS / "undiagnosed.yaml").read_text(encoding="utf-8"))
    found = {
        source
        for _, _, source, outcome, _, code, message in swept(settings)
        if outcome != "passed" and code is None and not message.startswith("degenerate_output")
    }
    assert found == set(listed)
    assert all(len(line) > 20 for line in listed.values())
